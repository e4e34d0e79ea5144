import { DriftMonitor, MemoryStorage, profileData, type DriftAlert, type MonitorPerformanceOptions, type PeriodPerformance, type StorageAdapter } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
// What is loaded when it is asked for takes time that no clock tells.
import '../../src/monitoring/performance/add-performance.ts';
import '../../src/monitoring/performance/measure-periods.ts';
import '../../src/monitoring/windows/window-keeper.ts';
import { childProgram } from '../child-program.ts';
import { ManualClock, settled } from '../pipelines/manual-clock.ts';
import { failingWrites } from './failing-writes.ts';
import { startFed } from './fed-process.ts';

const reference = profileData({ x: [1, 2, 3], class: ['a', 'b', 'a'] }, { prediction: 'class' });
const hour = 3_600_000;
const performance = { metric: 'accuracy', min: 0.8, maxLabelDelay: '2h', every: '1h' } as const;

function monitorOn(storage: StorageAdapter, clock: ManualClock, options: Partial<MonitorPerformanceOptions> = {}): DriftMonitor {
  return new DriftMonitor({ storage, name: 'm', reference, window: { rows: 1e9 }, clock, performance: { ...performance, ...options } });
}

function directoryOf(): string {
  const directory = mkdtempSync(join(tmpdir(), 'modelkeep-performance-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  return directory;
}

/** Predicts `n` times, and labels it so that `right` of them are. */
function hourOf(monitor: DriftMonitor, own: string, n: number, right: number, version?: number): void {
  for (let i = 0; i < n; i++) {
    monitor.observe({ id: `${own}-${i}`, features: { x: 1 }, prediction: 'a', version });
    monitor.feedback({ id: `${own}-${i}`, label: i < right ? 'a' : 'b' });
  }
}

async function open(monitor: DriftMonitor): Promise<readonly PeriodPerformance[]> {
  return (await monitor.check()).performance!.open;
}

describe('performance by labels', () => {
  it('joins labels that are late, doubled, corrected, ahead, missing or from another process, and leaves out what came too late', async () => {
    const directory = directoryOf();
    await using storages = { one: new FilesystemStorage(directory), two: new FilesystemStorage(directory), async [Symbol.asyncDispose]() { await this.one.close(); await this.two.close(); } };
    const clock = new ManualClock();
    const serving = monitorOn(storages.one, clock, { minLabels: 2 });
    const labelling = monitorOn(storages.two, clock, { minLabels: 2 });
    labelling.feedback({ id: 'ahead', label: 'a' });
    clock.jump(1000);
    for (const id of ['ahead', 'doubled', 'corrected', 'late', 'missing', 'expired', 7]) serving.observe({ id, features: { x: 1 }, prediction: 'a', version: 3 });
    serving.observe({ features: { x: 1 }, prediction: 'a' });
    serving.observe({ id: 'unusable', features: { x: 1 }, prediction: null });
    labelling.feedback({ id: 'unusable', label: 'a' });
    for (const label of ['a', 'a', 'a']) labelling.feedback({ id: 'doubled', label });
    labelling.feedback({ id: 'corrected', label: 'a' });
    labelling.feedback({ id: 'corrected', label: 'b' });
    labelling.feedback({ id: '7', label: 'a' });
    labelling.feedback({ id: 'nobody', label: 'a' });
    await Promise.all([serving.flush(), labelling.flush()]);
    clock.jump(2 * hour);
    labelling.feedback({ id: 'late', label: 'b' });
    clock.jump(1);
    labelling.feedback({ id: 'expired', label: 'b' });
    await labelling.flush();
    const three = { predictions: 7, labelled: 5, unusable: 0, value: 0.6, status: 'held' };
    const verdict = await serving.check();
    expect(verdict.performance).toMatchObject({ metric: 'accuracy', finalTo: clock.now() - 1001 - 3 * hour });
    expect(verdict.performance!.open).toMatchObject([{ final: false, end: Date.UTC(2026, 0, 1, 1), predictions: 8, labelled: 6, unusable: 1, value: 0.6, coverage: 0.75, versions: { '3': three } }]);
    await serving.close();
    await labelling.close();
  });

  it('judges a period once, when no label can come any more, whichever process looks, and lets go of it', async () => {
    const storage = new MemoryStorage();
    const clock = new ManualClock();
    const monitors = [monitorOn(storage, clock), monitorOn(storage, clock)];
    const told: string[] = [];
    for (const monitor of monitors) monitor.on('alert', ({ kind, status, since, window, summary }: DriftAlert) => void told.push(`${kind} ${status} ${since}-${window}: ${summary}`));
    for (const [h, right] of [95, 60, 62, 97].entries()) {
      hourOf(monitors[h % 2]!, `h${h}`, 100, right, h);
      await Promise.all(monitors.map((monitor) => monitor.flush()));
      clock.jump(hour);
    }
    expect(told).toEqual([]);
    await clock.advance(2 * hour + 5000);
    await settled();
    await Promise.all(monitors.map((monitor) => monitor.check()));
    expect(told).toEqual([
      expect.stringMatching(/^performance firing 2-2: Monitor 'm': the performance is out of bounds, accuracy 0.6 \(0.497\d to 0.696\d, 100 labels, from 2026-01-01T01:00:00.000Z\) in period 2\.$/),
      expect.stringMatching(/^performance resolved 2-4: Monitor 'm': resolved in period 4; the performance is out of bounds, accuracy 0.62 /),
    ]);
    const first = await monitors[0]!.performances({ limit: 3 });
    const rest = await monitors[0]!.performances({ after: first.next });
    expect([...first.items, ...rest.items].map(({ value, status, final, versions }) => [value, status, final, Object.keys(versions)])).toEqual([
      [0.95, 'held', true, ['0']],
      [0.6, 'violated', true, ['1']],
      [0.62, 'violated', true, ['2']],
      [0.97, 'held', true, ['3']],
    ]);
    expect(await monitors[1]!.check()).toMatchObject({ performance: { last: rest.items[0], open: [] } });
    const logs = (await storage.list({ kind: 'log', prefix: 'monitors/m/' })).entries.map(({ key }) => key);
    expect(logs.filter((key) => key.includes('predictions'))).toEqual([]);
  });

  it('judges by itself, also what was due while no process ran', async () => {
    const storage = new MemoryStorage();
    const clock = new ManualClock();
    const before = monitorOn(storage, clock);
    hourOf(before, 'a', 50, 20);
    await before.close();
    clock.jump(30 * hour);
    const after = await DriftMonitor.open({ storage, name: 'm', window: { rows: 1e9 }, clock, performance });
    const told: DriftAlert[] = [];
    after.on('alert', (alert) => told.push(alert));
    hourOf(after, 'b', 50, 45);
    await clock.advance(2000);
    await settled();
    expect(told).toMatchObject([{ kind: 'performance', status: 'firing', columns: [], severity: 'warning' }]);
    await clock.advance(4 * hour);
    await settled();
    expect(told).toMatchObject([{ status: 'firing' }, { status: 'resolved', window: 2 }]);
    await after.close();
    expect(clock.pending).toBe(0);
  });

  it('judges what was written before the monitor itself could be, once it is', async () => {
    const clock = new ManualClock();
    let fails = true;
    const storage = failingWrites(() => fails);
    const errors: unknown[] = [];
    const monitor = new DriftMonitor({ storage, name: 'm', reference, window: { rows: 1e9 }, clock, performance, onError: (error) => errors.push(error) });
    hourOf(monitor, 'a', 50, 20);
    await expect(monitor.flush()).rejects.toThrow('the disk is full');
    for (let i = 0; i < 5; i++) {
      await clock.advance(hour);
      await settled();
    }
    expect(new Set(errors.map((error) => (error as Error).message))).toEqual(new Set(['the disk is full']));
    fails = false;
    await monitor.flush();
    await clock.advance(2000);
    await settled();
    expect((await monitor.performances()).items).toMatchObject([{ predictions: 50, labelled: 50, status: 'violated' }]);
    await monitor.close();
    expect(clock.pending).toBe(0);
  });

  it('is insufficient with few labels, and neither fires nor is resolved then', async () => {
    const clock = new ManualClock();
    const monitor = monitorOn(new MemoryStorage(), clock);
    const told: string[] = [];
    monitor.on('alert', ({ status }) => void told.push(status));
    for (const [n, right] of [[29, 0], [30, 0], [29, 29]] as const) {
      hourOf(monitor, `n${n}-${right}`, n, right);
      await monitor.flush();
      clock.jump(4 * hour);
      await monitor.check();
    }
    expect((await monitor.performances()).items.map(({ status }) => status)).toEqual(['insufficient', 'violated', 'insufficient']);
    expect(told).toEqual(['firing']);
  });

  it('holds scores to a bound from below, and errors to one from above', async () => {
    const numbers = profileData({ x: [1, 2, 3], score: [0.1, 0.5, 0.9] }, { prediction: 'score' });
    for (const [metric, bound, label, status] of [
      ['auc', { min: 0.9 }, (i: number) => i % 2 === 0, 'violated'],
      ['auc', { min: 0.9 }, (i: number) => i >= 50, 'held'],
      ['brier', { max: 0.1 }, (i: number) => i % 2, 'violated'],
      ['rmse', { max: 1 }, (i: number) => i / 100 + 5, 'violated'],
      ['mae', { max: 6 }, (i: number) => i / 100 + 5, 'held'],
    ] as const) {
      const options = { metric, maxLabelDelay: '1d', ...bound } as const;
      const monitor = new DriftMonitor({ storage: new MemoryStorage(), name: 'm', reference: numbers, window: { rows: 1e9 }, clock: new ManualClock(), performance: options });
      for (let i = 0; i < 100; i++) {
        monitor.observe({ id: i, features: { x: i }, prediction: i / 100 });
        monitor.feedback({ id: i, label: label(i) });
      }
      expect((await open(monitor))[0]?.status, metric).toBe(status);
    }
  });

  it('refuses what cannot be meant', async () => {
    const clock = new ManualClock();
    const monitor = monitorOn(new MemoryStorage(), clock);
    expect(() => monitor.feedback({ id: '', label: 'a' })).toThrow(/id is/);
    expect(() => monitor.observe({ id: NaN, features: { x: 1 } })).toThrow(/id is NaN/);
    expect(() => monitor.feedback({ id: 'a', label: null as never })).toThrow(/label is null/);
    expect(() => monitorOn(new MemoryStorage(), clock, { metric: 'auc' }).feedback({ id: 'a', label: 2 })).toThrow(/label is 2/);
    const without = new DriftMonitor({ storage: new MemoryStorage(), name: 'm', reference, window: { rows: 5 } });
    expect(() => without.feedback({ id: 'a', label: 'a' })).toThrow(/judges no performance/);
    for (const [wrong, message] of [
      [{ min: undefined }, /neither min nor max/],
      [{ max: 0.1 }, /above/],
      [{ positive: 'a' }, /no meaning for accuracy/],
      [{ every: 10 }, /at least a second/],
      [{ maxLabelDelay: '900d' }, /more than 1,000 periods/],
      [{ maxLabelDelay: undefined }, /maxLabelDelay/],
      [{ metric: 'luck' }, /metric/],
      [{ minLabels: 1 }, /minLabels/],
    ] as const) {
      expect(() => monitorOn(new MemoryStorage(), clock, wrong as never), JSON.stringify(wrong)).toThrow(message);
    }
    expect((await monitor.check()).window.rows).toBe(0);
    await monitor.close();
    expect(() => monitor.feedback({ id: 'a', label: 'a' })).toThrow(/was closed/);
  });

  it('outlives SIGKILL once it was stored, each prediction once, where one process labels what another predicts', async () => {
    const directory = directoryOf();
    const program = childProgram('labelling-child.ts', import.meta.url);
    const [one, two] = [startFed(program, directory, 'one'), startFed(program, directory, 'two')];
    await one.at(60);
    await one.kill();
    await two.at(150);
    await two.kill();
    await using storage = new FilesystemStorage(directory);
    const options = { metric: 'accuracy', min: 0.5, maxLabelDelay: '1d', every: '365d' } as const;
    const monitor = await DriftMonitor.open({ storage, name: 'm', window: { rows: 1e9 }, performance: options });
    const [period] = await open(monitor);
    const [ofOne, ofTwo] = [period!.versions['one']!, period!.versions['two']!];
    // Each stores ten at a time: beyond what it told of, at most the ten under way may be there.
    for (const [slice, process] of [[ofOne, one], [ofTwo, two]] as const) {
      expect(slice.predictions % 10).toBe(0);
      expect(slice.predictions).toBeGreaterThanOrEqual(process.stored());
      expect(slice.predictions).toBeLessThanOrEqual(process.stored() + 10);
    }
    expect(ofOne.labelled).toBe(ofOne.predictions);
    expect(ofTwo.labelled).toBeGreaterThanOrEqual(one.stored());
    expect(ofTwo.labelled).toBeLessThanOrEqual(one.stored() + 10);
    expect([ofOne.value, ofTwo.value]).toEqual([0.5, 0.5]);
    await monitor.close();
  });
});
