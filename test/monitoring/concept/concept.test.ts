import { DriftMonitor, MemoryStorage, profileData, type DriftAlert, type MonitorConceptOptions, type StorageAdapter } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readHead } from '../../../src/storage/head-record.ts';
import type { MonitorState } from '../../../src/monitoring/monitor-state.ts';
import { sumLosses } from '../../../src/monitoring/concept/loss-sums.ts';
import { childProgram } from '../../child-program.ts';
import { ManualClock } from '../../pipelines/manual-clock.ts';
import { startFed } from '../fed-process.ts';

const reference = profileData({ x: [1, 2, 3], class: ['a', 'b', 'a'] }, { prediction: 'class' });
const hour = 3_600_000;
const performance = { metric: 'accuracy', maxLabelDelay: '2h', every: '1h' } as const;

function monitorOn(storage: StorageAdapter, clock: ManualClock, concept: MonitorConceptOptions = {}): DriftMonitor {
  return new DriftMonitor({ storage, name: 'm', reference, window: { rows: 1e9 }, clock, performance: { ...performance, concept } });
}

/** An hour of 600 predictions by each version, of which one in `oneIn` is wrong; the labels come in another order, from the last monitor. */
async function hourOf(monitors: readonly DriftMonitor[], clock: ManualClock, versions: Readonly<Record<string, number>>): Promise<void> {
  const now = clock.now();
  const ids: [id: string, label: string][] = [];
  for (let i = 0; i < 600; i++) {
    for (const [version, oneIn] of Object.entries(versions)) {
      const id = `${now}-${version}-${i}`;
      monitors[i % monitors.length]!.observe({ id, version, features: { x: 1 }, prediction: 'a' });
      ids.push([id, (i * 7) % oneIn === 0 ? 'b' : 'a']);
    }
    clock.jump(hour / 600);
  }
  for (const [id, label] of ids.sort(([a], [b]) => (a.split('').reverse().join('') < b.split('').reverse().join('') ? -1 : 1))) monitors.at(-1)!.feedback({ id, label });
  for (const monitor of monitors) await monitor.flush();
}

describe('concept drift', () => {
  it('is found by version in the order of the predictions, told once, and over when another version answers', async () => {
    const storage = new MemoryStorage();
    const clock = new ManualClock();
    const monitors = [monitorOn(storage, clock), monitorOn(storage, clock)];
    const told: string[] = [];
    for (const monitor of monitors) monitor.on('alert', ({ kind, status, since, window, severity, summary }: DriftAlert) => void told.push(`${kind} ${status} ${since}-${window} ${severity}: ${summary}`));
    for (let h = 0; h < 16; h++) {
      await hourOf(monitors, clock, h < 6 ? { one: 10 } : h < 10 ? { one: 3 } : h < 12 ? { one: 3, two: 10 } : { two: 10 });
      await Promise.all(monitors.map((monitor) => monitor.check()));
    }
    clock.jump(4 * hour);
    await monitors[0]!.check();
    const first = await monitors[1]!.performances({ limit: 9 });
    const periods = [...first.items, ...(await monitors[1]!.performances({ after: first.next })).items];
    expect(periods.map(({ concept }) => concept!.status)).toEqual(['stable', 'stable', 'stable', 'stable', 'stable', 'stable', ...new Array<string>(6).fill('drift'), 'stable', 'stable', 'stable', 'stable']);
    expect(periods.map(({ concept }) => Object.keys(concept!.versions).join())).toEqual([...new Array<string>(10).fill('one'), 'one,two', 'one,two', 'two', 'two', 'two', 'two']);
    const { one, two } = periods[11]!.concept!.versions;
    expect(two).toEqual({ status: 'stable', labelled: 1200, loss: expect.closeTo(0.1, 10) });
    expect(one!.change!.before).toBeCloseTo(0.1, 2);
    expect(one!.loss).toBeCloseTo(1 / 3, 2);
    expect(Math.abs(one!.change!.at - (Date.UTC(2026, 0, 1) + 6 * hour)) / hour).toBeLessThan(0.1);
    expect(told).toEqual([
      expect.stringMatching(/^concept firing 7-7 warning: Monitor 'm': the mean loss changed of version one from 0\.\d+ to 0\.3\d+, since 2026-01-01T0[56]:\d\d:\d\d\.\d{3}Z in period 7\.$/),
      expect.stringMatching(/^concept resolved 7-13 warning: /),
    ]);
    await Promise.all(monitors.map((monitor) => monitor.close()));
  });

  it('goes on after a restart where it was, and begins anew where losses are of another metric', async () => {
    const states: unknown[] = [];
    for (const restarts of [false, true]) {
      const storage = new MemoryStorage();
      const clock = new ManualClock();
      let monitor = monitorOn(storage, clock);
      for (let h = 0; h < 8; h++) {
        await hourOf([monitor], clock, { v: h < 4 ? 10 : 5 });
        await monitor.check();
        if (!restarts) continue;
        await monitor.close();
        monitor = await DriftMonitor.open({ storage, name: 'm', window: { rows: 1e9 }, clock, performance: { ...performance, concept: {} } });
      }
      await monitor.close();
      const state = await readHead<MonitorState>({ storage, key: 'monitors/m' });
      states.push(state!.performance!.concept);
      expect(state!.performance!.concept!.streams[0]!.drift).not.toBeNull();
      clock.jump(4 * hour);
      const other = await DriftMonitor.open({ storage, name: 'm', window: { rows: 1e9 }, clock, performance: { ...performance, metric: 'mae', min: undefined, concept: {} } });
      for (let i = 0; i < 10; i++) {
        other.observe({ id: i, features: { x: 1 }, prediction: 3, version: 'v' });
        other.feedback({ id: i, label: 5 });
      }
      await other.flush();
      clock.jump(4 * hour);
      expect((await other.check()).performance!.last!.concept).toEqual({ status: 'insufficient', versions: { v: { status: 'insufficient', labelled: 10, loss: 2 } }, unfollowed: 0 });
      await other.close();
    }
    expect(states[1]).toEqual(states[0]);
  });

  it('counts each loss once, when processes are killed and another goes on', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'modelkeep-concept-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    const program = childProgram('following-child.ts', import.meta.url);
    let from = 400_000;
    for (const own of ['one', 'two']) {
      // Two at a time, of which both judge.
      const [child, other] = [startFed(program, directory, own, String(from)), startFed(program, directory, `${own}'s other`, String(from))];
      await child.at(4);
      await Promise.all([child.kill(), other.kill()]);
      from += Math.max(child.stored(), other.stored());
    }
    await using storage = new FilesystemStorage(directory);
    const clock = new ManualClock((from + 5) * hour);
    const monitor = await DriftMonitor.open({ storage, name: 'm', window: { rows: 1e9 }, clock, performance: { ...performance, concept: {} } });
    await monitor.check();
    const periods = (await monitor.performances({ limit: 1000 })).items;
    const starts = periods.map(({ start }) => start);
    expect(starts).toEqual([...new Set(starts)].sort((a, b) => a - b));
    const { streams } = (await readHead<MonitorState>({ storage, key: 'monitors/m' }))!.performance!.concept!;
    const { blocks, partial } = streams[0]!;
    expect(streams.length).toBe(1);
    const judged = periods.reduce((sum, { labelled }) => sum + labelled, 0);
    expect(judged).toBeGreaterThanOrEqual(800);
    expect(sumLosses([...blocks, partial])[1]).toBe(judged);
    expect(periods.every(({ concept }) => concept!.status !== 'drift')).toBe(true);
    await monitor.close();
  });

  it('refuses what cannot be meant', () => {
    const clock = new ManualClock();
    for (const [wrong, message] of [
      [{ detector: 'luck' }, /detector/],
      [{ periodsPerFalseAlarm: 5 }, /periodsPerFalseAlarm/],
      [{ minEffect: -1 }, /minEffect/],
      [{ other: 1 }, /other/],
    ] as const) {
      expect(() => monitorOn(new MemoryStorage(), clock, wrong as never), JSON.stringify(wrong)).toThrow(message);
    }
    const options = { storage: new MemoryStorage(), name: 'm', reference, window: { rows: 5 } } as const;
    expect(() => new DriftMonitor({ ...options, performance: { metric: 'auc', min: 0.7, maxLabelDelay: '1d', concept: {} } })).toThrow(/auc has none; measure by logLoss or brier/);
  });
});
