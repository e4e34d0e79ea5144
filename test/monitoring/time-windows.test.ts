import { DriftMonitor, MemoryStorage, profileData, type DriftVerdict, type StorageAdapter } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
// What is loaded when it is asked for takes time that no clock tells.
import '../../src/monitoring/judging/judge-window.ts';
import '../../src/monitoring/windows/window-keeper.ts';
import { childProgram } from '../child-program.ts';
import { ManualClock } from '../pipelines/manual-clock.ts';
import { failingWrites } from './failing-writes.ts';
import { startFed } from './fed-process.ts';

const reference = profileData({ x: Float64Array.from({ length: 500 }, (_, i) => i) });
const noon = Date.UTC(2026, 0, 1, 12);
const minute = 60_000;

function hourly(storage: StorageAdapter, clock: ManualClock): DriftMonitor {
  return new DriftMonitor({ storage, name: 'm', reference, window: { every: '1h', grace: '30s' }, clock });
}

function observe(monitor: DriftMonitor, rows: number): void {
  for (let i = 0; i < rows; i++) monitor.observe({ features: { x: (i * 7) % 500 } });
}

async function windowsOf(monitor: DriftMonitor): Promise<DriftVerdict['window'][]> {
  return (await monitor.verdicts()).items.map(({ window }) => window);
}

describe('windows by time', () => {
  it('begin at the full hour, close after their grace without another row, and leave out hours without rows', async () => {
    const clock = new ManualClock(noon + 20 * minute);
    const monitor = hourly(new MemoryStorage(), clock);
    const told: number[] = [];
    monitor.on('verdict', () => told.push(clock.now()));
    observe(monitor, 40);
    await clock.advance(40 * minute);
    expect(told).toEqual([]);
    await clock.advance(30_000);
    expect(told).toEqual([noon + 60 * minute + 30_000]);
    await clock.advance(150 * minute);
    observe(monitor, 3);
    await clock.advance(60 * minute);
    expect(await windowsOf(monitor)).toEqual([
      { number: 1, rows: 40, start: noon, end: noon + 60 * minute, from: noon + 20 * minute, to: noon + 20 * minute, versions: {}, complete: true },
      expect.objectContaining({ number: 2, rows: 3, start: noon + 3 * 60 * minute, end: noon + 4 * 60 * minute }),
    ]);
    await monitor.close();
    expect(clock.pending).toBe(0);
  });

  it('close without another row, also where the storage failed when their time was over', async () => {
    const clock = new ManualClock(noon);
    let fails = false;
    const storage = failingWrites(() => fails);
    const errors: unknown[] = [];
    const monitor = new DriftMonitor({ storage, name: 'm', reference, window: { every: '1h', grace: '30s' }, clock, onError: (error) => errors.push(error) });
    observe(monitor, 40);
    await monitor.flush();
    fails = true;
    await clock.advance(61 * minute);
    expect(await windowsOf(monitor)).toEqual([]);
    expect(errors.length).toBeGreaterThan(0);
    fails = false;
    await clock.advance(10 * minute);
    expect(await windowsOf(monitor)).toMatchObject([{ rows: 40, start: noon }]);
    await monitor.close();
    expect(clock.pending).toBe(0);
  });

  it('keep the rows of each hour apart when both are stored at once', async () => {
    const clock = new ManualClock(noon + 59 * minute);
    const monitor = hourly(new MemoryStorage(), clock);
    observe(monitor, 5);
    clock.jump(minute);
    observe(monitor, 7);
    await monitor.flush();
    expect((await monitor.check()).window).toMatchObject({ rows: 7, start: noon + 60 * minute, complete: false });
    clock.jump(30_000);
    await monitor.flush();
    expect(await windowsOf(monitor)).toMatchObject([{ rows: 5, start: noon }]);
  });

  it('wait for the rows of other processes, and count what comes later as late', async () => {
    const storage = new MemoryStorage();
    const clock = new ManualClock(noon);
    const [one, two, three] = [hourly(storage, clock), hourly(storage, clock), hourly(storage, clock)];
    for (const [monitor, rows] of [[one, 10], [two, 20], [three, 30]] as const) observe(monitor, rows);
    clock.jump(60 * minute);
    await one.flush();
    clock.jump(29_000);
    await two.flush();
    expect(await windowsOf(one)).toEqual([]);
    clock.jump(2_000);
    await one.flush();
    await three.flush();
    observe(one, 1);
    clock.jump(60 * minute);
    await one.flush();
    expect(await windowsOf(two)).toMatchObject([
      { number: 1, rows: 30, start: noon },
      { number: 2, rows: 31, late: 30, start: noon + 60 * minute },
    ]);
  });

  it('go on after a restart, and close for their time by whoever opens them', async () => {
    const storage = new MemoryStorage();
    const clock = new ManualClock(noon);
    const before = hourly(storage, clock);
    observe(before, 10);
    await before.close();
    clock.jump(10 * minute);
    const after = await DriftMonitor.open({ storage, name: 'm', window: { every: '1h', grace: '30s' }, clock });
    observe(after, 5);
    await clock.advance(51 * minute);
    expect(await windowsOf(after)).toMatchObject([{ rows: 15, start: noon }]);
  });

  it('closed before their time, are followed by another of the same hour', async () => {
    const clock = new ManualClock(noon);
    const monitor = hourly(new MemoryStorage(), clock);
    observe(monitor, 10);
    expect((await monitor.check({ close: true })).window).toMatchObject({ rows: 10, complete: true });
    observe(monitor, 5);
    await clock.advance(61 * minute);
    expect(await windowsOf(monitor)).toMatchObject([{ rows: 10, start: noon }, { number: 2, rows: 5, start: noon }]);
    expect((await windowsOf(monitor))[1]).not.toHaveProperty('late');
  });

  it('take rows of a clock that was set back', async () => {
    const clock = new ManualClock(noon + 61 * minute);
    const monitor = hourly(new MemoryStorage(), clock);
    observe(monitor, 1);
    clock.jump(-2 * minute);
    observe(monitor, 2);
    await clock.advance(5 * minute);
    await clock.advance(60 * minute);
    expect((await windowsOf(monitor)).map(({ rows, start }) => [rows, start])).toEqual([[2, noon], [1, noon + 60 * minute]]);
  });

  it('are refused when they make no sense', () => {
    const make = (window: object) => (): unknown => new DriftMonitor({ storage: new MemoryStorage(), name: 'm', reference, window: window as never });
    expect(make({})).toThrow(/options\.window must have either rows, or every/);
    expect(make({ rows: 5, every: '1h' })).toThrow(/either rows, or every/);
    expect(make({ rows: 5, grace: '1s' })).toThrow(/either rows, or every/);
    expect(make({ every: 'hourly' })).toThrow(/options\.window\.every is "hourly"/);
    expect(make({ every: '10ms' })).toThrow(/give at least a second/);
    expect(make({ every: '1h', grace: -1 })).toThrow(/options\.window\.grace/);
  });
});

describe('what was observed', () => {
  it('is stored in the background within the interval', async () => {
    const storage = new MemoryStorage();
    const clock = new ManualClock(noon);
    const monitor = new DriftMonitor({ storage, name: 'm', reference, window: { rows: 1000 }, clock, flushInterval: '2s' });
    observe(monitor, 12);
    await clock.advance(1999);
    await expect(DriftMonitor.open({ storage, name: 'm', window: { rows: 1000 } })).rejects.toThrow(/not in/);
    await clock.advance(1);
    expect((await (await DriftMonitor.open({ storage, name: 'm', window: { rows: 1000 } })).check()).window.rows).toBe(12);
  });

  it('outlives SIGKILL once it was stored, counted once, though several processes feed the monitor', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'modelkeep-monitor-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    const program = childProgram('observing-child.ts', import.meta.url);
    const [one, two] = [startFed(program, directory), startFed(program, directory)];
    await one.at(60);
    await one.kill();
    await two.at(150);
    await two.kill();
    await using storage = new FilesystemStorage(directory);
    const monitor = await DriftMonitor.open({ storage, name: 'm', window: { rows: 100 } });
    const open = await monitor.check();
    const closed = await windowsOf(monitor);
    const rows = closed.reduce((sum, window) => sum + window.rows, open.window.rows);
    // Each process stores ten rows at a time: beyond what it told of, at most the ten under way may be there, and nothing twice.
    const told = one.stored() + two.stored();
    expect(rows % 10).toBe(0);
    expect(rows).toBeGreaterThanOrEqual(told);
    expect(rows).toBeLessThanOrEqual(told + 20);
    expect(closed.map(({ number }) => number)).toEqual(closed.map((_, i) => i + 1));
    expect(closed.every((window) => window.rows >= 100)).toBe(true);
    await monitor.close();
  });
});
