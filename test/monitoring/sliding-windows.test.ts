import { DriftMonitor, MemoryStorage, type DriftVerdict, type StorageAdapter, type WindowOptions } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import fc from 'fast-check';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { childProgram } from '../child-program.ts';
import { ManualClock } from '../pipelines/manual-clock.ts';
import { startFed } from './fed-process.ts';
import { expectVerdicts, reference, rowOf, RowModel, RowProcess, TimeModel, type Row } from './sliding-model.ts';

const noon = Date.UTC(2026, 0, 1, 12);
const minute = 60_000;

function monitorOf(storage: StorageAdapter, window: WindowOptions, clock: ManualClock = new ManualClock(noon), more: object = {}): DriftMonitor {
  return new DriftMonitor({ storage, name: 'm', reference, window, clock, ...more });
}

/** Observes rows by their numbers. */
function observe(monitor: DriftMonitor, from: number, to: number): void {
  for (let i = from; i < to; i++) monitor.observe({ features: { ...rowOf(i) } });
}

function rowsOf(from: number, to: number): Row[] {
  return Array.from({ length: to - from }, (_, i) => rowOf(from + i));
}

async function verdictsOf(monitor: DriftMonitor): Promise<readonly DriftVerdict[]> {
  return (await monitor.verdicts({ limit: 10_000 })).items;
}

async function paneKeys(storage: StorageAdapter): Promise<string[]> {
  return (await storage.list({ prefix: 'monitors/m/panes/' })).entries.map(({ key }) => key);
}

describe('sliding windows by rows', () => {
  it('have the last rows at each slide, fewer at the beginning, and go on after a restart', async () => {
    const storage = new MemoryStorage();
    const window = { rows: 200, slide: 40 };
    const before = monitorOf(storage, window);
    for (let i = 0; i < 300; i++) observe(before, i, i + 1);
    await before.close();
    const after = await DriftMonitor.open({ storage, name: 'm', window });
    const open = await after.check();
    expect(open).toMatchObject({ window: { number: 8, rows: 180, panes: 5, complete: false }, currentRows: 180 });
    observe(after, 300, 400);
    await after.close();
    const ends = Array.from({ length: 10 }, (_, i) => 40 * (i + 1));
    expectVerdicts(await verdictsOf(after), ends.map((end) => ({ rows: rowsOf(Math.max(0, end - 200), end), panes: Math.min(5, end / 40) })));
  });

  it('judge the rows themselves, whoever observes and stores them when, and whoever dies', async () => {
    const process = fc.nat(2);
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.record({ kind: fc.constant('observe' as const), process, rows: fc.integer({ min: 1, max: 25 }) }) },
      { weight: 4, arbitrary: fc.record({ kind: fc.constant('flush' as const), process }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('restart' as const, 'reopen' as const), process }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), fc.integer({ min: 2, max: 4 }), async (steps, panes) => {
        const storage = new MemoryStorage();
        const window = { rows: 12 * panes, slide: 12 };
        const model = new RowModel(panes, 12);
        await monitorOf(storage, window).flush();
        const fresh = (): { monitor: DriftMonitor; rows: RowProcess } => ({ monitor: monitorOf(storage, window), rows: new RowProcess(model, false) });
        const processes = [fresh(), fresh(), fresh()];
        let next = 0;
        for (const each of steps) {
          const { monitor, rows } = processes[each.process]!;
          if (each.kind === 'observe') {
            for (let i = 0; i < each.rows; i++) rows.observe(rowOf(next + i));
            observe(monitor, next, (next += each.rows));
          } else if (each.kind === 'flush') {
            await monitor.flush();
            rows.flush();
          } else if (each.kind === 'restart') {
            processes[each.process] = fresh();
          } else {
            processes[each.process] = { monitor: await DriftMonitor.open({ storage, name: 'm', window, clock: new ManualClock(noon) }), rows: new RowProcess(model, true) };
          }
        }
        expectVerdicts(await verdictsOf(processes[0]!.monitor), model.windows);
        expect((await paneKeys(storage)).length).toBe(Math.min(panes - 1, model.windows.length));
      }),
      { numRuns: 40 },
    );
  });

  it('close once each, when several processes close them at the same time', async () => {
    const storage = new MemoryStorage();
    const monitors = [1, 2, 3].map(() => monitorOf(storage, { rows: 60, slide: 20 }));
    for (let round = 0; round < 8; round++) {
      for (const monitor of monitors) observe(monitor, 10 * round, 10 * round + 10);
      await Promise.all(monitors.map((monitor) => monitor.flush()));
    }
    const windows = (await verdictsOf(monitors[0]!)).map(({ window }) => window);
    const panes: number[] = [];
    windows.forEach(({ rows }, i) => panes.push(rows - (panes[i - 1] ?? 0) - (panes[i - 2] ?? 0)));
    expect(windows.map(({ number }) => number)).toEqual(windows.map((_, i) => i + 1));
    expect(panes.every((rows) => rows >= 20)).toBe(true);
    const open = (await DriftMonitor.open({ storage, name: 'm', window: { rows: 60, slide: 20 } })).check();
    expect((await open).window.rows + panes.slice(0, -2).reduce((sum, rows) => sum + rows, 0)).toBe(240);
    expect(await paneKeys(storage)).toHaveLength(2);
  });
});

describe('sliding windows by time', () => {
  it('slide also when nothing comes, until no row is within reach', async () => {
    const clock = new ManualClock(noon + 20 * minute);
    const monitor = monitorOf(new MemoryStorage(), { every: '3h', slide: '1h', grace: '30s' }, clock);
    const told: number[] = [];
    monitor.on('verdict', () => told.push(clock.now() - noon));
    observe(monitor, 0, 40);
    await monitor.check();
    await clock.advance(8 * 60 * minute);
    observe(monitor, 40, 60);
    await clock.advance(60 * minute);
    const hour = 60 * minute;
    expect(told).toEqual([1, 2, 3, 9].map((hours) => hours * hour + 30_000));
    const early = rowsOf(0, 40);
    expectVerdicts(await verdictsOf(monitor), [
      { rows: early, panes: 1, start: noon, end: noon + hour },
      { rows: early, panes: 2, start: noon, end: noon + 2 * hour },
      { rows: early, panes: 3, start: noon, end: noon + 3 * hour },
      { rows: rowsOf(40, 60), panes: 3, start: noon + 6 * hour, end: noon + 9 * hour },
    ]);
    await monitor.close();
    expect(clock.pending).toBe(0);
  });

  it('judge the rows themselves, whoever observes and stores them when, and whoever dies', async () => {
    const process = fc.nat(2);
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.record({ kind: fc.constant('observe' as const), process, rows: fc.integer({ min: 1, max: 20 }) }) },
      { weight: 3, arbitrary: fc.record({ kind: fc.constant('flush' as const), process }) },
      { weight: 3, arbitrary: fc.record({ kind: fc.constant('pass' as const), process, ms: fc.oneof(fc.integer({ min: 1, max: 90_000 }), fc.integer({ min: 60_000, max: 900_000 })) }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('restart' as const, 'reopen' as const), process }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), fc.integer({ min: 2, max: 4 }), async (steps, panes) => {
        const storage = new MemoryStorage();
        const clock = new ManualClock(noon);
        const window = { every: panes * minute, slide: '1m', grace: '10s' } as const;
        const model = new TimeModel(panes, minute, 10_000);
        await monitorOf(storage, window, clock).flush();
        const fresh = (): { monitor: DriftMonitor; rows: { row: Row; at: number }[] } => ({ monitor: monitorOf(storage, window, clock), rows: [] });
        const processes = [fresh(), fresh(), fresh()];
        let next = 0;
        for (const each of [...steps, { kind: 'flush' as const, process: 0 }]) {
          const { monitor, rows } = processes[each.process]!;
          if (each.kind === 'observe') {
            for (let i = 0; i < each.rows; i++) rows.push({ row: rowOf(next + i), at: clock.now() });
            observe(monitor, next, (next += each.rows));
          } else if (each.kind === 'flush') {
            await monitor.flush();
            model.store(rows.splice(0), clock.now());
          } else if (each.kind === 'pass') {
            clock.jump(each.ms);
          } else {
            const monitor = each.kind === 'restart' ? monitorOf(storage, window, clock) : await DriftMonitor.open({ storage, name: 'm', window, clock });
            processes[each.process] = { monitor, rows: [] };
          }
        }
        expectVerdicts(await verdictsOf(processes[0]!.monitor), model.windows);
        expect((await paneKeys(storage)).length).toBeLessThanOrEqual(panes - 1);
      }),
      { numRuns: 40 },
    );
  });

  it('make up for the slides of a time when no process was there, some at each write', async () => {
    const storage = new MemoryStorage();
    const clock = new ManualClock(noon);
    const window = { every: '1d', slide: '1h' } as const;
    const before = monitorOf(storage, window, clock);
    observe(before, 0, 40);
    await before.close();
    clock.jump(5 * 24 * 60 * minute);
    await (await DriftMonitor.open({ storage, name: 'm', window, clock })).flush();
    const windows = (await verdictsOf(before)).map(({ window }) => window);
    expect(windows.map(({ panes, rows }) => [panes, rows])).toEqual(Array.from({ length: 24 }, (_, i) => [i + 1, 40]));
    expect(windows.at(-1)!.end).toBe(noon + 24 * 60 * minute);
    expect(await paneKeys(storage)).toEqual([]);
  });

  it('add up what is kept for the health too', async () => {
    const clock = new ManualClock(noon);
    const monitor = monitorOf(new MemoryStorage(), { every: '2m', slide: '1m', grace: 0 }, clock, { health: { maxErrorRate: 0.9 } });
    for (const failures of [1, 2, 4]) {
      for (let i = 0; i < failures; i++) monitor.observe({ error: true, latencyMs: 7 });
      for (let i = 0; i < 56; i++) monitor.observe({ features: { ...rowOf(i) }, latencyMs: 5 });
      clock.jump(minute);
      await monitor.flush();
    }
    const health = (await verdictsOf(monitor)).map(({ health }) => [health!.requests, health!.errors, health!.throughput, health!.latencyMs!.timed]);
    expect(health).toEqual([[57, 1, 57 / 60, 57], [115, 3, 115 / 120, 115], [118, 6, 118 / 120, 118]]);
  });
});

describe('panes', () => {
  it('that are closed early are panes nonetheless; of one stretch of time they are one', async () => {
    const byRows = monitorOf(new MemoryStorage(), { rows: 60, slide: 20 });
    observe(byRows, 0, 25);
    expect((await byRows.check({ close: true })).window).toMatchObject({ number: 2, rows: 25, panes: 2, complete: true });
    expect((await byRows.check({ close: true })).window).toMatchObject({ number: 3, rows: 25, panes: 2, complete: false });
    observe(byRows, 25, 45);
    expect((await byRows.check()).window).toMatchObject({ number: 3, rows: 45, panes: 3, complete: true });

    const storage = new MemoryStorage();
    const clock = new ManualClock(noon);
    const byTime = monitorOf(storage, { every: '3m', slide: '1m', grace: 0 }, clock);
    for (let i = 0; i < 4; i++) {
      observe(byTime, 10 * i, 10 * i + 10);
      expect((await byTime.check({ close: true })).window).toMatchObject({ number: i + 1, rows: 10 * i + 10, panes: 1, start: noon, end: noon + minute, complete: true });
    }
    expect(await paneKeys(storage)).toHaveLength(1);
    clock.jump(minute);
    expect((await byTime.check()).window).toMatchObject({ number: 5, rows: 40, panes: 1, end: noon + minute, complete: true });
    clock.jump(minute / 2);
    expect((await byTime.check()).window).toMatchObject({ number: 6, rows: 40, panes: 2, start: noon, end: noon + 2 * minute, complete: false });
  });

  it('are kept as records of their own, so that the state is no larger for them', async () => {
    const sizes: number[] = [];
    for (const panes of [2, 40]) {
      const storage = new MemoryStorage();
      const monitor = monitorOf(storage, { rows: 40 * panes, slide: 40 });
      observe(monitor, 0, 41 * 40);
      await monitor.close();
      expect(await paneKeys(storage)).toHaveLength(panes - 1);
      sizes.push((await storage.read(['monitors/m']))[0]!.bytes.length);
    }
    expect(sizes[1]! - sizes[0]!).toBeLessThan(38 * 120);
  });

  it('are not lost, doubled or left behind when writes fail, before or after they took effect', async () => {
    const storage = new MemoryStorage();
    let broken: 'no' | 'before' | 'after' = 'no';
    const write: StorageAdapter['write'] = async (...args) => {
      if (broken === 'before') throw new Error('the disk is gone');
      const result = await storage.write(...args);
      if (broken === 'after') throw new Error('the answer is lost');
      return result;
    };
    const faulty = new Proxy(storage, { get: (target, name) => (name === 'write' ? write : ((value: unknown) => (typeof value === 'function' ? (value.bind(target) as unknown) : value))(Reflect.get(target, name))) });
    const monitor = monitorOf(faulty, { rows: 60, slide: 20 });
    // What a process left that died between its writes.
    await storage.write([{ kind: 'put', key: 'monitors/m/panes/0000000000000002-abandoned', bytes: new Uint8Array(3) }]);
    const states = ['no', 'after', 'before', 'after', 'before', 'no', 'after', 'no'] as const;
    for (const [i, state] of states.entries()) {
      broken = state;
      observe(monitor, 20 * i, 20 * i + 20);
      if (state === 'no') await monitor.flush();
      else await expect(monitor.flush()).rejects.toThrow(/is gone|is lost/);
    }
    expectVerdicts(await verdictsOf(monitor), states.map((_, i) => ({ rows: rowsOf(Math.max(0, 20 * i - 40), 20 * i + 20), panes: Math.min(3, i + 1) })));
    expect((await paneKeys(storage)).map((key) => Number(key.slice(17, 33)))).toEqual([7, 8]);
  });

  it('that another process has replaced meanwhile are looked for again; one that is lost is told', async () => {
    const storage = new MemoryStorage();
    const window = { rows: 60, slide: 20 };
    const writer = monitorOf(storage, window);
    observe(writer, 0, 40);
    await writer.flush();
    let meanwhile = async (): Promise<void> => {
      observe(writer, 40, 100);
      await writer.flush();
    };
    const read: StorageAdapter['read'] = async (keys, options) => {
      if (keys[0]!.includes('/panes/')) {
        const [now] = [meanwhile, (meanwhile = async () => undefined)];
        await now();
      }
      return storage.read(keys, options);
    };
    const overtaken = new Proxy(storage, { get: (target, name) => (name === 'read' ? read : ((value: unknown) => (typeof value === 'function' ? (value.bind(target) as unknown) : value))(Reflect.get(target, name))) });
    const reader = await DriftMonitor.open({ storage: overtaken, name: 'm', window });
    expect((await reader.check()).window).toMatchObject({ number: 6, rows: 40, panes: 2 });

    const [key] = await paneKeys(storage);
    await storage.write([{ kind: 'delete', key: key! }]);
    const other = await DriftMonitor.open({ storage, name: 'm', window });
    await expect(other.check()).rejects.toThrow(expect.objectContaining({ code: 'integrity', message: expect.stringContaining(key!) as string }) as Error);
    observe(other, 0, 20);
    await expect(other.flush()).rejects.toThrow(/is gone from the storage/);
  });

  it('of another length, or of another reference, are left behind', async () => {
    const storage = new MemoryStorage();
    const first = monitorOf(storage, { rows: 60, slide: 20 });
    observe(first, 0, 45);
    await first.close();
    const second = monitorOf(storage, { rows: 90, slide: 30 });
    observe(second, 45, 75);
    expect((await second.check()).window).toMatchObject({ number: 3, rows: 35, panes: 1, complete: true });
    expect(await paneKeys(storage)).toHaveLength(1);
    const longer = monitorOf(storage, { rows: 120, slide: 30 });
    observe(longer, 0, 30);
    expect((await longer.check()).window).toMatchObject({ number: 4, rows: 30, panes: 1, complete: true });
    const whole = monitorOf(storage, { rows: 10 });
    observe(whole, 0, 10);
    const { window } = await whole.check();
    expect(window).toMatchObject({ number: 5, rows: 10, complete: true });
    expect(window).not.toHaveProperty('panes');
    expect(await paneKeys(storage)).toEqual([]);
    const hourly = monitorOf(storage, { every: '2h', slide: '1h', grace: 0 }, new ManualClock(noon));
    observe(hourly, 0, 5);
    expect((await hourly.check()).window).toMatchObject({ number: 6, rows: 5, panes: 1, start: noon, complete: false });
  });

  it('outlive SIGKILL, with windows of whole panes and nothing left behind', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'modelkeep-panes-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    const program = childProgram('observing-child.ts', import.meta.url);
    const window = { rows: 60, slide: 20 };
    const [one, two] = [startFed(program, directory, JSON.stringify(window)), startFed(program, directory, JSON.stringify(window))];
    await one.at(50);
    await one.kill();
    await two.at(70);
    await two.kill();
    await using storage = new FilesystemStorage(directory);
    const monitor = await DriftMonitor.open({ storage, name: 'm', window });
    const open = await monitor.check();
    const windows = (await verdictsOf(monitor)).map(({ window }) => window);
    const panes: number[] = [];
    windows.forEach(({ rows }, i) => panes.push(rows - (panes[i - 1] ?? 0) - (panes[i - 2] ?? 0)));
    const rows = panes.slice(0, -2).reduce((sum, each) => sum + each, open.window.rows);
    const told = one.stored() + two.stored();
    expect(windows.map(({ number }) => number)).toEqual(windows.map((_, i) => i + 1));
    expect(panes.every((each) => each >= 20 && each % 10 === 0)).toBe(true);
    expect(rows).toBeGreaterThanOrEqual(told);
    expect(rows).toBeLessThanOrEqual(told + 20);
    for (let i = 0; i < 20; i++) monitor.observe({ features: { x: i } });
    await monitor.close();
    expect(await paneKeys(storage)).toHaveLength(2);
  });

  it('are refused when they make no windows', () => {
    const make = (window: object) => (): unknown => new DriftMonitor({ storage: new MemoryStorage(), name: 'm', reference, window: window as never });
    expect(make({ rows: 100, slide: 30 })).toThrow(/options\.window\.slide is 30 rows, which does not divide the window of 100 rows/);
    expect(make({ rows: 100, slide: 200 })).toThrow(/does not divide/);
    expect(make({ rows: 1000, slide: 4 })).toThrow(/into 250 parts, of which 200 may be; slide by at least 5 rows/);
    expect(make({ rows: 100, slide: 0 })).toThrow(/give a whole number of rows/);
    expect(make({ rows: 100, slide: '1h' })).toThrow(/give a whole number of rows/);
    expect(make({ every: '1d', slide: '7h' })).toThrow(/does not divide the window of 86400000 ms/);
    expect(make({ every: '1d', slide: '1m' })).toThrow(/into 1440 parts/);
    expect(make({ every: '2s', slide: '500ms' })).toThrow(/options\.window\.slide is 500 ms; give at least a second/);
    expect(make({ every: '1h', slide: 'often' })).toThrow(/options\.window\.slide/);
    expect(make({ slide: '1h' })).toThrow(/either rows, or every/);
    expect(make({ every: '1h', slide: '1h' })).not.toThrow();
  });
});
