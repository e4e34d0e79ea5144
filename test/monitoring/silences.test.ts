import { DriftMonitor, isModelkeepError, MemoryStorage, profileData, type DriftAlert, type MonitorAlertOptions, type StorageAdapter } from 'modelkeep';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../pipelines/manual-clock.ts';

const values = Float64Array.from({ length: 500 }, (_, i) => i);
const reference = profileData({ x: values, y: values, score: values }, { prediction: 'score' });
const minute = 60_000;
const oncall = { by: 'oncall', reason: 'the feed is being moved' };

interface Watched {
  readonly monitor: DriftMonitor;
  readonly told: string[];
}

function watched(storage: StorageAdapter, clock: ManualClock, alerts?: MonitorAlertOptions, onError?: (error: unknown) => void): Watched {
  const monitor = new DriftMonitor({ storage, name: 'm', reference, window: { rows: 200 }, clock, alerts, onError });
  const told: string[] = [];
  monitor.on('alert', ({ kind, status, since, window }: DriftAlert) => void told.push(`${kind} ${status} ${since}-${window}`));
  return { monitor, told };
}

/** Feeds and closes one window in which the named columns drifted. */
async function window({ monitor }: Watched, ...drifted: ('x' | 'y' | 'score')[]): Promise<void> {
  for (let i = 0; i < 200; i++) {
    const [x, y, score] = (['x', 'y', 'score'] as const).map((name) => ((i * 13) % 500) + (drifted.includes(name) ? 400 : 0));
    monitor.observe({ features: { x, y }, prediction: score });
  }
  await monitor.flush();
}

describe('a silence', () => {
  it('keeps alerts that begin to fire from being told, in every process and after a restart, and records them', async () => {
    const storage = new MemoryStorage();
    const clock = new ManualClock();
    const one = watched(storage, clock);
    const silence = await one.monitor.silence({ match: { kind: 'data-drift' }, until: clock.now() + 10 * minute, ...oncall });
    expect(silence).toMatchObject({ match: { kind: 'data-drift' }, from: clock.now(), until: clock.now() + 10 * minute, ...oncall });
    const two = watched(storage, clock);
    await window(two, 'x', 'score');
    await window(two);
    await window(one, 'x');
    expect([one.told, two.told]).toEqual([[], ['prediction-drift firing 1-1', 'prediction-drift resolved 1-2']]);
    expect((await one.monitor.alerts().poll(undefined)).events.map(({ data }) => data.data.kind)).toEqual(['prediction-drift', 'prediction-drift']);
    const restarted = await DriftMonitor.open({ storage, name: 'm', window: { rows: 200 }, clock });
    const first = await restarted.alertHistory({ limit: 3 });
    const rest = await restarted.alertHistory({ after: first.next });
    const told = [...first.items, ...rest.items].map((event) => (event.type === 'alert' ? [event.data.kind, event.data.status, event.data.silenced] : [event.type, event.by, event.reason, event.data.id]));
    expect(told).toEqual([
      ['silenced', 'oncall', 'the feed is being moved', silence.id],
      ['data-drift', 'firing', silence.id],
      ['prediction-drift', 'firing', undefined],
      ['data-drift', 'resolved', silence.id],
      ['prediction-drift', 'resolved', undefined],
      ['data-drift', 'firing', silence.id],
    ]);
  });

  it('is over at its time or when it is ended, and what still has reason to fire is told at the next window', async () => {
    const storage = new MemoryStorage();
    const clock = new ManualClock();
    const each = watched(storage, clock, { cooldown: '1h' });
    await each.monitor.silence({ until: clock.now() + minute, ...oncall });
    await window(each, 'x');
    clock.jump(minute);
    expect(await each.monitor.silences()).toEqual([]);
    expect(each.told).toEqual([]);
    await window(each, 'x');
    await window(each, 'x');
    expect(each.told).toEqual(['data-drift firing 1-2']);
    const { id } = await each.monitor.silence({ until: clock.now() + minute, ...oncall });
    await window(each, 'score');
    await each.monitor.endSilence(id, { by: 'lead', reason: 'done' });
    await expect(each.monitor.endSilence(id, oncall)).rejects.toSatisfy((error) => isModelkeepError(error, 'not-found'));
    await window(each, 'score');
    expect(each.told.slice(1)).toEqual(['data-drift resolved 1-4', 'prediction-drift firing 4-5']);
    expect((await each.monitor.alertHistory()).items.filter(({ type }) => type === 'silence-ended')).toMatchObject([{ by: 'lead', reason: 'done', data: { id } }]);
  });

  it('of a column is about alerts all of whose columns are named, and one of a severity about those as bad', async () => {
    const clock = new ManualClock();
    const each = watched(new MemoryStorage(), clock, { severity: { 'prediction-drift': 'critical' } });
    const until = clock.now() + minute;
    await each.monitor.silence({ match: { column: 'x' }, until, ...oncall });
    await each.monitor.silence({ match: { severity: 'critical' }, until, ...oncall });
    await window(each, 'x', 'score');
    expect(each.told).toEqual([]);
    await window(each);
    await window(each, 'x', 'y');
    await window(each);
    await each.monitor.silence({ match: { kind: 'data-drift', column: 'y' }, until, ...oncall });
    await window(each, 'x', 'y');
    expect(each.told).toEqual(['data-drift firing 3-3', 'data-drift resolved 3-4']);
    expect(await each.monitor.silences()).toHaveLength(3);
  });

  it('refuses what cannot be meant', async () => {
    const clock = new ManualClock();
    const { monitor } = watched(new MemoryStorage(), clock);
    const until = clock.now() + minute;
    for (const [wrong, message] of [
      [{ until: clock.now(), ...oncall }, /past/],
      [{ until, by: '', reason: 'x' }, /by/],
      [{ until, by: 'x' }, /reason/],
      [{ until, ...oncall, match: { kind: 'luck' } }, /kind/],
      [{ until: NaN, ...oncall }, /until/],
    ] as const) {
      await expect(monitor.silence(wrong as never), JSON.stringify(wrong)).rejects.toThrow(message);
    }
    await expect(monitor.alertHistory({ limit: 0 })).rejects.toThrow(/limit/);
    expect(await monitor.silences()).toEqual([]);
  });
});

describe('alerts', () => {
  it('wait for a time in a row when told to, from the first window that had reason', async () => {
    const clock = new ManualClock();
    const each = watched(new MemoryStorage(), clock, { for: '30m' });
    for (const drifted of [['x'], ['x'], [], ['x'], ['x'], ['x'], ['x']] as const) {
      await window(each, ...drifted);
      clock.jump(15 * minute);
    }
    expect(each.told).toEqual(['data-drift firing 4-6']);
    expect(() => watched(new MemoryStorage(), clock, { for: 'long' as never })).toThrow(/options\.alerts\.for/);
  });

  it('go to a logger as loudly as they are bad, and one that throws holds up nothing', async () => {
    const clock = new ManualClock();
    const lines: string[] = [];
    const tell = (level: string) => (message: string): void => void lines.push(`${level}: ${message}`);
    const failures: unknown[] = [];
    const log = {
      debug: tell('debug'),
      info: tell('info'),
      warn: tell('warn'),
      error(message: string): void {
        tell('error')(message);
        throw new Error('the disk is full');
      },
    };
    const each = watched(new MemoryStorage(), clock, { log, severity: { 'prediction-drift': 'critical' } }, (error) => void failures.push((error as Error).message));
    await window(each, 'x', 'score');
    await window(each, 'x');
    expect(lines).toEqual([
      "warn: Monitor 'm': the data drifted (x) in window 1.",
      "error: Monitor 'm': the prediction drifted (score) in window 1.",
      "info: Monitor 'm': resolved in window 2; the prediction drifted (score) since window 1.",
    ]);
    expect(failures).toEqual(['the disk is full']);
    expect(each.told).toHaveLength(3);
    expect(() => watched(new MemoryStorage(), clock, { log: {} as never })).toThrow(/options\.alerts\.log must be a logger/);
  });
});
