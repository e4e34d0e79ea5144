import { DriftMonitor, MemoryStorage, compareData, isModelkeepError, profileData, type DriftVerdict, type StorageAdapter } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { Sampler } from './samples.ts';

const training = (() => {
  const sampler = new Sampler(21);
  return { distance: sampler.normals(2000, 700, 200), carrier: sampler.categories(2000, 6), score: sampler.normals(2000, 0.5, 0.1) };
})();
const reference = profileData(training, { prediction: 'score' });

/** Feeds rows from the training distribution, moved by `shift`. */
function feed(monitor: DriftMonitor, rows: number, { shift = 0, seed = 1, version }: { shift?: number; seed?: number; version?: number } = {}): void {
  const sampler = new Sampler(seed);
  for (let i = 0; i < rows; i++) {
    const features = { distance: 700 + 200 * sampler.normal() + shift, carrier: sampler.categories(1, 6)[0] };
    monitor.observe({ features, prediction: 0.5 + 0.1 * sampler.normal(), version });
  }
}

/** A storage whose writes fail while `broken` says so, before or after they took effect. */
function breakable(storage: StorageAdapter): { storage: StorageAdapter; broken: 'no' | 'before' | 'after' } {
  const state: { storage: StorageAdapter; broken: 'no' | 'before' | 'after' } = { storage, broken: 'no' };
  state.storage = new Proxy(storage, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (name !== 'write') return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      return async (...args: Parameters<StorageAdapter['write']>) => {
        if (state.broken === 'before') throw new Error('the disk is gone');
        const result = await target.write(...args);
        if (state.broken === 'after') throw new Error('the answer is lost');
        return result;
      };
    },
  });
  return state;
}

async function allVerdicts(monitor: DriftMonitor, limit?: number): Promise<DriftVerdict[]> {
  const found: DriftVerdict[] = [];
  let after: string | undefined;
  do {
    const page = await monitor.verdicts({ after, limit });
    found.push(...page.items);
    after = page.next;
  } while (after !== undefined);
  return found;
}

describe('DriftMonitor', () => {
  it('judges each window of rows, tells its listeners, and lists the verdicts', async () => {
    const monitor = new DriftMonitor({ storage: new MemoryStorage(), name: 'Flight delay/1', reference, window: { rows: 500 } });
    const told: DriftVerdict[] = [];
    const stop = monitor.on('verdict', (verdict) => told.push(verdict));
    feed(monitor, 500, { version: 3 });
    expect(await monitor.check()).toMatchObject({
      status: 'stable',
      monitor: 'Flight delay/1',
      window: { number: 1, rows: 500, complete: true, versions: { '3': 500 } },
    });
    feed(monitor, 1000, { shift: 300, seed: 2, version: 4 });
    const verdict = await monitor.check();
    expect(verdict).toMatchObject({ status: 'drifted', driftedColumns: ['distance'], window: { number: 3, rows: 500, versions: { '4': 500 } } });
    expect(verdict.summary).toMatch(/^1 of 3 columns drifted: distance \(PSI/);
    expect(told.map(({ window, status }) => [window.number, status])).toEqual([
      [1, 'stable'],
      [2, 'drifted'],
      [3, 'drifted'],
    ]);
    expect(await allVerdicts(monitor)).toEqual(told);
    expect(await allVerdicts(monitor, 2)).toEqual(told);
    stop();
    feed(monitor, 500);
    await monitor.close();
    expect(told).toHaveLength(3);
  });

  it('gives the verdict that compareData gives for the same rows', async () => {
    const sampler = new Sampler(5);
    const rows = Array.from({ length: 400 }, () => ({
      distance: sampler.normals(1, 800, 250)[0],
      carrier: sampler.categories(1, 7)[0],
      score: sampler.random() < 0.1 ? null : sampler.random(),
    }));
    const monitor = new DriftMonitor({ storage: new MemoryStorage(), name: 'm', reference, window: { rows: 400 }, drift: { alpha: 0.01, minEffect: 0.2 } });
    for (const { distance, carrier, score } of rows) monitor.observe({ features: { distance, carrier }, prediction: score });
    expect(await monitor.check()).toMatchObject(compareData(reference, rows, { alpha: 0.01, minEffect: 0.2 }));
  });

  it('judges an open window as it stands, and stores only closed ones', async () => {
    const monitor = new DriftMonitor({ storage: new MemoryStorage(), name: 'm', reference, window: { rows: 1000 } });
    expect(await monitor.check()).toMatchObject({ status: 'insufficient', window: { number: 1, rows: 0, complete: false } });
    feed(monitor, 200, { shift: 400 });
    expect(await monitor.check()).toMatchObject({ status: 'drifted', window: { number: 1, rows: 200, complete: false } });
    feed(monitor, 100, { shift: 400, seed: 3 });
    expect((await monitor.check()).window).toMatchObject({ rows: 300, complete: false });
    expect(await allVerdicts(monitor)).toEqual([]);
    const closed = await monitor.check({ close: true });
    expect(closed.window).toMatchObject({ number: 1, rows: 300, complete: true });
    expect(await allVerdicts(monitor)).toEqual([closed]);
    expect((await monitor.check({ close: true })).window).toMatchObject({ number: 2, rows: 0, complete: false });
  });

  it('calls a window of six rows insufficient', async () => {
    const monitor = new DriftMonitor({ storage: new MemoryStorage(), name: 'm', reference, window: { rows: 5000 } });
    feed(monitor, 6, { shift: 10_000 });
    const verdict = await monitor.check({ close: true });
    expect(verdict).toMatchObject({ status: 'insufficient', drifted: false, currentRows: 6, window: { rows: 6, complete: true } });
    expect((await allVerdicts(monitor))[0]).toEqual(verdict);
  });

  it('goes on after a restart where it was flushed', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'modelkeep-monitor-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    const first = new FilesystemStorage(directory);
    const before = new DriftMonitor({ storage: first, name: 'm', reference, window: { rows: 500 } });
    feed(before, 700);
    await before.flush();
    feed(before, 50);
    await first.close();

    await using storage = new FilesystemStorage(directory);
    const after = await DriftMonitor.open({ storage, name: 'm', window: { rows: 500 } });
    expect((await after.check()).window).toMatchObject({ number: 2, rows: 200, complete: false });
    feed(after, 300);
    expect((await after.check()).window).toMatchObject({ number: 2, rows: 500, complete: true });
    expect((await allVerdicts(after)).map(({ window }) => [window.number, window.rows])).toEqual([
      [1, 500],
      [2, 500],
    ]);
    await after.close();
  });

  it('adds up what several monitors of one name observe', async () => {
    const storage = new MemoryStorage();
    const monitors = [1, 2, 3].map(() => new DriftMonitor({ storage, name: 'm', reference, window: { rows: 1000 } }));
    for (let round = 0; round < 6; round++) {
      monitors.forEach((monitor, i) => feed(monitor, 100, { seed: 10 * round + i }));
      await Promise.all(monitors.map((monitor) => monitor.flush()));
    }
    await monitors[0]!.check();
    const open = await monitors[0]!.check();
    const rows = (await allVerdicts(monitors[1]!)).map(({ window }) => window.rows);
    expect(rows.reduce((sum, each) => sum + each, open.window.complete ? 0 : open.window.rows)).toBe(1800);
    expect(rows.every((each) => each >= 1000)).toBe(true);
    expect(rows.length).toBeGreaterThan(0);
  });

  it('loses and doubles nothing while the storage fails, and tells of it', async () => {
    const faulty = breakable(new MemoryStorage());
    const errors: unknown[] = [];
    const monitor = new DriftMonitor({ storage: faulty.storage, name: 'm', reference, window: { rows: 100 }, onError: (error) => errors.push(error) });
    await monitor.flush();
    let observed = 0;
    for (const broken of ['before', 'after', 'before', 'no', 'after', 'no'] as const) {
      faulty.broken = broken;
      feed(monitor, 250, { seed: observed });
      observed += 250;
      if (errors.length === 0) await vi.waitFor(() => expect(errors).not.toEqual([]));
      if (broken === 'no') await monitor.flush();
      else await expect(monitor.flush()).rejects.toThrow(/is gone|is lost/);
    }
    const open = await monitor.check();
    const verdicts = await allVerdicts(monitor);
    const stored = verdicts.reduce((sum, { window }) => sum + window.rows, 0);
    expect(stored + (open.window.complete ? 0 : open.window.rows)).toBe(observed);
    expect(verdicts.map(({ window }) => window.number)).toEqual(verdicts.map((_, i) => i + 1));
    expect(errors).toContainEqual(expect.objectContaining({ message: 'the disk is gone' }));
  });

  it('keeps larger windows, not more of them, while the storage fails for long', async () => {
    const faulty = breakable(new MemoryStorage());
    const monitor = new DriftMonitor({ storage: faulty.storage, name: 'm', reference: profileData({ x: [1, 2, 3] }), window: { rows: 10 } });
    faulty.broken = 'before';
    for (let i = 0; i < 2000; i++) monitor.observe({ features: { x: i } });
    await expect(monitor.flush()).rejects.toThrow('the disk is gone');
    faulty.broken = 'no';
    await monitor.flush();
    const rows = (await allVerdicts(monitor)).map(({ window }) => window.rows);
    expect(rows.length).toBeLessThanOrEqual(65);
    expect(rows.reduce((sum, each) => sum + each, 0)).toBe(2000);
  });

  it('starts a new window with another reference', async () => {
    const storage = new MemoryStorage();
    const one = new DriftMonitor({ storage, name: 'm', reference, window: { rows: 500 } });
    feed(one, 100);
    await one.close();
    const other = new DriftMonitor({ storage, name: 'm', reference: profileData({ carrier: training.carrier }), window: { rows: 500 } });
    other.observe({ features: { carrier: 'c1' } });
    expect((await other.check()).window).toMatchObject({ number: 1, rows: 1 });
    const reopened = await DriftMonitor.open({ storage, name: 'm', window: { rows: 500 } });
    expect((await reopened.check()).columns.map(({ name }) => name)).toEqual(['carrier']);
  });

  it('keeps its reference when another process had put its own in the place of it, and nothing named it meanwhile', async () => {
    const storage = new MemoryStorage();
    const one = new DriftMonitor({ storage, name: 'm', reference, window: { rows: 500 } });
    feed(one, 100);
    const { reference: digest } = await one.check();
    const other = new DriftMonitor({ storage, name: 'm', reference: profileData({ carrier: training.carrier }), window: { rows: 500 } });
    await other.flush();
    // Nothing names it now, so that it may be collected.
    await storage.deleteBlob(digest);
    feed(one, 50);
    await one.flush();
    const opened = await DriftMonitor.open({ storage, name: 'm', window: { rows: 500 } });
    expect(await opened.check()).toMatchObject({ reference: digest, window: { rows: 50 } });
  });

  it('is the same monitor with a reference that went through JSON', async () => {
    const storage = new MemoryStorage();
    const odd = profileData({ x: [-0, 0, -0, -1, 2], y: ['a', null, 'b', 'a', undefined] });
    const one = new DriftMonitor({ storage, name: 'm', reference: odd, window: { rows: 500 } });
    one.observe({ features: { x: 1 } });
    await one.close();
    const two = new DriftMonitor({ storage, name: 'm', reference: JSON.parse(JSON.stringify(odd)), window: { rows: 500 } });
    two.observe({ features: { x: 1 } });
    expect((await two.check()).window.rows).toBe(2);
  });

  it('takes any value, tells a column that nobody sends from one that is null', async () => {
    const names = { distance: training.distance, constructor: training.carrier, sent: training.score, lost: training.score };
    const monitor = new DriftMonitor({ storage: new MemoryStorage(), name: 'm', reference: profileData(names), window: { rows: 60 } });
    const rubbish = [NaN, Infinity, -Infinity, -0, 'text', null, {}, [], () => 1, Symbol('s'), 10n, new Date(0), '\ud800', new Map()];
    for (let i = 0; i < 60; i++) monitor.observe({ features: { distance: rubbish[i % rubbish.length], sent: null, constructor: rubbish[(i + 1) % rubbish.length] } });
    const verdict = await monitor.check();
    expect(verdict.window).toMatchObject({ rows: 60, complete: true });
    expect(verdict.columns.map(({ name, status }) => [name, status])).toEqual([
      ['distance', 'drifted'],
      ['constructor', 'drifted'],
      ['sent', 'drifted'],
      ['lost', 'insufficient'],
    ]);
    expect(verdict.columns[0]!.current).toMatchObject({ rows: 60, missing: 4, nan: 5, infinite: 10 });
    expect(await allVerdicts(monitor)).toEqual([verdict]);
    const without = new DriftMonitor({ storage: new MemoryStorage(), name: 'm', reference: profileData(names), window: { rows: 60 } });
    for (let i = 0; i < 60; i++) without.observe({ features: {} });
    expect(await without.check()).toMatchObject({ status: 'insufficient', window: { rows: 60 } });
  });

  it('takes the time from its clock', async () => {
    let now = 1000;
    const clock = { ...systemClock, now: () => now };
    const monitor = new DriftMonitor({ storage: new MemoryStorage(), name: 'm', reference, window: { rows: 500 }, clock });
    feed(monitor, 1);
    now = 5000;
    feed(monitor, 1);
    expect((await monitor.check()).window).toMatchObject({ from: 1000, to: 5000 });
  });

  it('ends a call whose signal fired, and loses nothing by it', async () => {
    const monitor = new DriftMonitor({ storage: new MemoryStorage(), name: 'm', reference, window: { rows: 500 } });
    feed(monitor, 10);
    const aborted = monitor.check({ signal: AbortSignal.abort() });
    await expect(aborted).rejects.toSatisfy((error) => isModelkeepError(error, 'aborted'));
    expect((await monitor.check()).window.rows).toBe(10);
  });

  it('keeps the reference it was given, whatever the caller does with it afterwards', async () => {
    const storage = new MemoryStorage();
    const reference = profileData({ x: Array.from({ length: 200 }, (_, i) => i) });
    const monitor = new DriftMonitor({ storage, name: 'm', reference, window: { rows: 100 } });
    (reference.columns as unknown[]).length = 0;
    for (let i = 0; i < 100; i++) monitor.observe({ features: { x: 2 * i } });
    expect((await monitor.check()).status).toBe('stable');
    expect((await DriftMonitor.open({ storage, name: 'm', window: { rows: 100 } })).name).toBe('m');
  });

  it('survives a listener that rejects, and tells onError of it', async () => {
    const told: unknown[] = [];
    const monitor = new DriftMonitor({
      storage: new MemoryStorage(),
      name: 'm',
      reference: profileData({ x: [1, 2] }),
      window: { rows: 1 },
      onError: (error) => {
        told.push((error as Error).message);
        throw new Error('clumsy');
      },
    });
    const late = (): unknown => Promise.reject(new Error('late'));
    monitor.on('verdict', late);
    monitor.on('verdict', () => {
      throw new Error('at once');
    });
    monitor.observe({ features: { x: 1 } });
    expect((await monitor.check()).window.complete).toBe(true);
    await monitor.close();
    expect(told.sort()).toEqual(['at once', 'late']);
  });

  it('refuses wrong arguments', async () => {
    const storage = new MemoryStorage();
    const right = { storage, name: 'm', reference, window: { rows: 10 } };
    const wrong: [options: object, message: RegExp][] = [
      [{ name: '' }, /options\.name must not be empty/],
      [{ window: { rows: 0 } }, /options\.window\.rows must be at least 1/],
      [{ window: { every: '1h', rows: 3 } }, /options\.window must have either/],
      [{ alerts: { cooldown: 'soon' } }, /options\.alerts\.cooldown/],
      [{ alert: {} }, /unknown options: alert/],
      [{ drift: { alpha: 2 } }, /options\.drift\.alpha must be less than 1/],
      [{ reference: { x: [1] } }, /reference is not a profile/],
      [{ reference: profileData({}) }, /no columns/],
      [{ storage: undefined }, /options\.storage must be a storage/],
      [{ reference: { ...profileData({ x: [1] }), columns: [{}] } }, /reference\.columns\[0\] is not the profile of a column/],
    ];
    for (const [part, message] of wrong) {
      expect(() => new DriftMonitor({ ...right, ...part })).toThrow(message);
      expect(() => new DriftMonitor({ ...right, ...part })).toThrow(expect.objectContaining({ code: 'validation' }) as Error);
    }
    const monitor = new DriftMonitor({ ...right, reference: profileData({ x: [1] }) });
    expect(() => monitor.observe({ features: { x: 1 }, prediction: 1 })).toThrow(/no prediction column/);
    expect(() => monitor.observe({})).toThrow(/features are undefined/);
    await expect(monitor.verdicts({ after: 'x' })).rejects.toThrow(/give the next of a page/);
    await expect(DriftMonitor.open({ storage, name: 'other', window: { rows: 1 } })).rejects.toSatisfy((error) => isModelkeepError(error, 'not-found'));
    await monitor.close();
    await monitor.close();
    expect(() => monitor.observe({ features: { x: 1 } })).toThrow(/was closed/);
  });
});
