import { ABTest, isModelkeepError, MemoryStorage, type ABTestOptions, type StorageAdapter, type UnitTable } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { HttpStorage } from 'modelkeep/http';
import { createStorageHandler, toNodeHandler } from 'modelkeep/server';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { childProgram } from '../child-program.ts';
import { startFed } from '../monitoring/fed-process.ts';
import { ManualClock, settled } from '../pipelines/manual-clock.ts';

const variants = [{ name: 'A' }, { name: 'B' }];

function testOn(storage: StorageAdapter, options: Partial<ABTestOptions> = {}): ABTest {
  return new ABTest({ storage, name: 't', variants, metrics: [{ name: 'orders', kind: 'mean' }], ...options });
}

function orders(table: UnitTable): number[] {
  const column = table.metrics['orders'];
  if (column?.kind !== 'mean') throw new Error('no such column');
  return [...column.value];
}

function codeOf(work: () => unknown): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    return isModelkeepError(error) ? error.code : String(error);
  }
}

/** A storage whose appends fail while `fails` says so, before or after they were made. */
function failingAppends(fails: () => 'before' | 'after' | undefined): StorageAdapter {
  return new Proxy(new MemoryStorage(), {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (name !== 'append') return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      return async (...args: Parameters<StorageAdapter['append']>) => {
        const mode = fails();
        if (mode === 'before') throw new Error('the disk is full');
        const position = await target.append(...args);
        if (mode === 'after') throw new Error('the answer was lost');
        return position;
      };
    },
  });
}

function directory(): string {
  const path = mkdtempSync(join(tmpdir(), 'modelkeep-abtest-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

describe('recording', () => {
  it('counts exposures and events once, by the unit and by the id', async () => {
    const storage = new MemoryStorage();
    const [one, other] = [testOn(storage), testOn(storage)];
    for (const test of [one, other, one]) {
      test.expose('ann', { at: 5 });
      test.record('ann', { orders: 2, other: 1 }, { id: 'first', at: 7 });
      test.record('ann', { other: 1 }, { id: 'first', at: 7 });
    }
    one.record('ann', { orders: 3 }, { at: 8 });
    one.record('ann', { orders: 3 }, { at: 8 });
    await other.flush();
    const table = await one.units();
    expect([table.units, orders(table), table.crossed]).toEqual([1, [8], 0]);
    expect(await other.units()).toEqual(table);
  });

  it('writes a unit once, however often it meets its variant', async () => {
    const test = testOn(new MemoryStorage());
    for (let i = 0; i < 1_000; i++) test.expose(`user-${i % 3}`);
    expect(test.buffered).toBe(3);
    test.expose('user-0', { at: 0 });
    expect(test.buffered).toBe(4);
    await test.close();
    expect(codeOf(() => test.expose('user-0'))).toBe('closed');
    expect(codeOf(() => test.record('user-0', { orders: 1 }))).toBe('closed');
  });

  it('leaves out who takes no part, is forced, or met several variants', async () => {
    const test = testOn(new MemoryStorage(), { targeting: { country: { eq: 'DE' } }, overrides: { tester: 'B' } });
    expect(test.expose('bob', { attributes: { country: 'FR' } })).toEqual({ reason: 'not-targeted' });
    expect(test.expose('tester').reason).toBe('override');
    expect(test.expose('ann', { attributes: { country: 'DE' } }).reason).toBe('assigned');
    test.expose('both', { variant: 'A' });
    test.expose('both', { variant: 'B' });
    const table = await test.units();
    expect([table.units, table.crossed]).toEqual([1, 1]);
    expect(codeOf(() => test.expose('ann', { variant: 'C' }))).toBe('validation');
  });

  it('refuses what is no number, no moment or no id, and takes nothing of it', () => {
    const test = testOn(new MemoryStorage());
    for (const value of [NaN, Infinity, -Infinity, 1e301, '1', null, undefined, 1n]) expect(codeOf(() => test.record('u', { fine: 1, orders: value as number })), String(value)).toBe('validation');
    for (const unit of ['', 7, undefined, '\ud800', 'x'.repeat(1_001)]) {
      expect(codeOf(() => test.record(unit as string, { orders: 1 }))).toBe('validation');
      expect(codeOf(() => test.expose(unit as string))).toBe('validation');
    }
    for (const at of [NaN, Infinity, '1' as unknown as number]) {
      expect(codeOf(() => test.record('u', { orders: 1 }, { at }))).toBe('validation');
      expect(codeOf(() => test.expose('u', { at }))).toBe('validation');
    }
    expect(codeOf(() => test.record('u', { orders: 1 }, { id: '' }))).toBe('validation');
    expect(codeOf(() => test.record('u', { ['']: 1 }))).toBe('validation');
    expect(test.buffered).toBe(0);
  });

  it('keeps what the storage does not take, within its bound, and writes it once', async () => {
    let mode: 'before' | 'after' | undefined = 'before';
    const clock = new ManualClock();
    const told: unknown[] = [];
    const test = testOn(failingAppends(() => mode), { maxBuffered: 100, clock, onError: (error) => told.push(error), random: () => 0.5 });
    for (let i = 0; i < 50; i++) {
      test.expose(`user-${i}`);
      test.record(`user-${i}`, { orders: 1 });
    }
    expect(codeOf(() => test.record('late', { orders: 1 }))).toBe('overloaded');
    expect(codeOf(() => test.expose('late'))).toBe('overloaded');
    await expect(test.flush()).rejects.toThrow('the disk is full');
    expect(test.buffered).toBe(100);
    mode = 'after';
    await clock.advance(60_000);
    await settled();
    expect(told.length).toBeGreaterThan(0);
    mode = undefined;
    await clock.advance(60_000);
    await settled();
    expect(test.buffered).toBe(0);
    // It was not taken before, so it is no repetition.
    test.expose('late');
    const table = await test.units();
    expect([table.units, orders(table).reduce((sum, each) => sum + each, 0)]).toEqual([51, 50]);
    await test.close();
  });

  it('keeps the attributes that segments are made of, cut where they are long', async () => {
    const test = testOn(new MemoryStorage(), { segments: ['country', 'staff', 'age', 'constructor'] });
    test.expose('a', { attributes: { country: 'DE', staff: true, age: 7, secret: 'x' } });
    test.expose('b', { attributes: { country: `${'x'.repeat(199)}💥`, age: NaN } });
    test.expose('c');
    const { segments } = await test.units();
    expect(Object.fromEntries(Object.entries(segments).map(([name, { values }]) => [name, values]))).toEqual({ country: ['DE', 'x'.repeat(199)], staff: ['true'], age: ['7'], constructor: [] });
    expect([...segments['country']!.codes].sort()).toEqual([-1, 0, 1]);
  });

  it('splits what is too large for an entry of the storage', async () => {
    const storage = new MemoryStorage();
    Object.assign(storage, { supports: { ...storage.supports, maxEntryBytes: 4_096 } });
    const test = testOn(storage);
    for (let i = 0; i < 1_000; i++) {
      test.expose(`user-${i}`);
      test.record(`user-${i}`, { orders: i }, { id: `o${i}` });
    }
    const table = await test.units();
    expect(orders(table).reduce((sum, each) => sum + each, 0)).toBe(499_500);
    let entries = 0;
    for await (const { bytes } of storage.readLog('experiments/t/events')) {
      expect(bytes.length).toBeLessThanOrEqual(4_096);
      entries++;
    }
    expect(entries).toBeGreaterThan(10);
  });

  it('works over HTTP, with several clients', async () => {
    const handler = createStorageHandler(new MemoryStorage(), { authorize: 'public' });
    const server = createServer(toNodeHandler(handler)).listen(0, '127.0.0.1');
    onTestFinished(() => void server.close());
    await new Promise((resolve) => server.once('listening', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const tests = Array.from({ length: 3 }, () => testOn(new HttpStorage(url)));
    for (const [t, test] of tests.entries()) {
      for (let i = 0; i < 100; i++) {
        test.expose(`user-${i}`);
        test.record(`user-${i}`, { orders: 1 }, { id: `order-${i}` });
        test.record(`user-${i}`, { orders: 10 ** (t + 1) });
      }
    }
    await Promise.all(tests.map((test) => test.flush()));
    const table = await tests[0]!.units();
    expect([table.units, new Set(orders(table))]).toEqual([100, new Set([1_111])]);
  });

  it('is analysed as it stands, of all processes, whatever was taken a moment ago', async () => {
    const storage = new MemoryStorage();
    const tests = [0, 1].map(() => testOn(storage, { metrics: [{ name: 'orders', kind: 'mean', role: 'primary' }], segments: ['country'], control: 'B' }));
    for (let i = 0; i < 2_000; i++) {
      const test = tests[i % 2]!;
      const { variant } = test.expose(`user-${i}`, { attributes: { country: i % 3 === 0 ? 'DE' : 'FR' } });
      test.record(`user-${i}`, { orders: (i % 5) + (variant === 'A' ? 1 : 0) });
    }
    await tests[1]!.flush();
    const analysis = await tests[0]!.analyze({ segments: ['country'] });
    expect(analysis).toMatchObject({ control: 'B', units: 2_000, crossed: 0, unknown: 0, decision: { action: 'ship', variant: 'A' } });
    expect(analysis.segments.length).toBeGreaterThan(0);
    expect(JSON.parse(JSON.stringify(analysis))).toEqual(analysis);
    await expect(tests[0]!.analyze({ confidence: 2 })).rejects.toThrow('options.confidence');
    await tests[0]!.stop({ ship: analysis.decision.variant, decision: analysis.decision });
    expect((await tests[0]!.history()).items.at(-1)).toMatchObject({ type: 'stopped', data: { ship: 'A', decision: { action: 'ship' } } });
  });

  it('loses nothing that was acknowledged and doubles nothing, though its processes are killed', async () => {
    const path = directory();
    const program = childProgram('recording-child.ts', import.meta.url);
    const stored: number[] = [];
    for (let round = 0; round < 2; round++) {
      const children = ['x', 'y'].map((name) => startFed(program, path, `${name}${round}`));
      await Promise.all(children.map((child) => child.at(30)));
      // In the middle of the writes that follow.
      await Promise.all(children.map((child) => child.kill()));
      stored.push(...children.map((child) => child.stored()));
    }
    await using storage = new FilesystemStorage(path);
    const table = await testOn(storage).units();
    const acknowledged = stored.reduce((sum, each) => sum + each, 0) + Math.max(...stored);
    expect(new Set(orders(table))).toEqual(new Set([1]));
    expect(table.units).toBeGreaterThanOrEqual(acknowledged);
    // Of what was under way when they were killed, whole writes may be there.
    expect(table.units).toBeLessThanOrEqual(acknowledged + 4 * 10 + 10);
  });
});
