import { describe, expect, it } from 'vitest';
import { aggregate, featureView, FeatureStore, MemoryStorage, type FeatureView, type StorageAdapter } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { temporaryDirectories } from '../storage/filesystem/temporary-directory.ts';
import { crashingStorage } from './failing-storage.ts';
import { simulatedClock } from './simulated-clock.ts';

const directory = temporaryDirectories();
const T = Date.UTC(2026, 0, 1);
const minute = 60_000;
const blobBytes = 200_000;
/** Rows are large, so that few of them are more than one chunk. */
const features = { blob: 'bytes', n: aggregate.count({ window: '1h' }), mean: aggregate.mean('x', { window: '1h' }) } as const;
const view = featureView({ name: 'v', entity: ['id'], timestamp: 'at', features });
const newest = featureView({ name: 'v', entity: ['id'], timestamp: 'at', features: { blob: 'bytes', x: 'float64' } });
const batches = 20;
const rowsPerBatch = 10;

const batch = (b: number) =>
  Array.from({ length: rowsPerBatch }, (_, i) => ({ id: (b * 7 + i) % 23, at: T + b * 1000 + i, x: b + i / 8, blob: new Uint8Array(blobBytes).fill(b + i) }));

async function filled(made: FeatureView, storage: StorageAdapter = new MemoryStorage(), count = batches): Promise<StorageAdapter> {
  const store = new FeatureStore({ storage, clock: simulatedClock(T) });
  await store.apply([made]);
  for (let b = 0; b < count; b++) await store.ingest(made, batch(b), { batchId: `${b}` });
  return storage;
}

function over(storage: StorageAdapter, replaced: Partial<StorageAdapter>): StorageAdapter {
  return new Proxy(storage, { get: (target, name) => (name in replaced ? replaced[name as keyof StorageAdapter] : bound(target, name)) });
}

function bound(target: StorageAdapter, name: string | symbol): unknown {
  const value: unknown = Reflect.get(target, name, target);
  return typeof value === 'function' ? value.bind(target) : value;
}

const now = T + 50 * minute;
const entities = Array.from({ length: 23 }, (_, id) => ({ id }));

async function agrees(storage: StorageAdapter, names: readonly string[], clock = now): Promise<void> {
  const store = new FeatureStore({ storage, clock: simulatedClock(clock) });
  const asked = names.map((name) => `v:${name}`);
  const online = await store.getOnlineFeatures({ entities, features: asked });
  const offline = await store.getHistoricalFeatures({ entities: entities.map(({ id }) => ({ id, t: clock })), timestamp: 't', features: asked });
  // Comparing megabytes one by one takes minutes.
  const brief = (value: unknown): unknown => (value instanceof Uint8Array ? `${value.length} of ${value[0]}` : value);
  for (const name of names) expect([name, online.columns[name]!.map(brief)]).toEqual([name, Array.from(offline.columns[name]!, brief)]);
}

describe('materialize', () => {
  it('reads no more of the log than a chunk before it has brought that online and noted it', async () => {
    const storage = await filled(newest);
    const seen: number[] = [];
    let unnoted = 0;
    const counted = over(storage, {
      async *readLog(log, query) {
        for await (const entry of storage.readLog(log, query)) {
          unnoted += entry.bytes.length;
          seen.push(unnoted);
          yield entry;
        }
      },
      async write(operations, options) {
        if (operations.some(({ key }) => key.startsWith('features/materialized/'))) unnoted = 0;
        return storage.write(operations, options);
      },
    });
    const told: number[] = [];
    const store = new FeatureStore({ storage: counted, clock: simulatedClock(now) });
    const result = await store.materialize('v', { onProgress: ({ phase, done }) => phase === 'materialize' && told.push(done) });
    expect(result).toEqual({ rows: batches * rowsPerBatch, entities: 23 });
    expect(seen).toHaveLength(batches);
    expect(Math.max(...seen)).toBeLessThan(36 * 1024 * 1024);
    expect(told).toEqual([...told].sort((a, b) => a - b));
    expect(told.at(-1)).toBe(result.rows);
    await agrees(storage, ['blob', 'x']);
    expect(await store.materialize('v')).toEqual({ rows: 0, entities: 0 });
  });

  it('goes on where it was cut off, by a signal or by death', async () => {
    const whole = await filled(newest);
    const reads = async (storage: StorageAdapter): Promise<number> => (await new FeatureStore({ storage, clock: simulatedClock(now) }).materialize('v')).rows;
    const control = new AbortController();
    const store = new FeatureStore({ storage: whole, clock: simulatedClock(now) });
    await expect(store.materialize('v', { signal: control.signal, onProgress: ({ done }) => done > 170 && control.abort() })).rejects.toMatchObject({ code: 'aborted' });
    expect(await reads(whole)).toBeLessThan(100);
    await agrees(whole, ['blob', 'x']);

    for (const moment of ['before', 'after'] as const) {
      const storage = (await filled(newest)) as MemoryStorage;
      for (let failAt = 2; failAt < 6; failAt++) {
        await new FeatureStore({ storage: crashingStorage(storage, failAt, moment), clock: simulatedClock(now) }).materialize('v').catch(() => undefined);
      }
      // The first chunk was noted by then.
      expect(await reads(storage)).toBeLessThan(100);
      expect(await reads(storage)).toBe(0);
      await agrees(storage, ['blob', 'x']);
    }
  });

  it('comes to the same by several at once', async () => {
    const root = directory();
    await using first = new FilesystemStorage(root);
    await using second = new FilesystemStorage(root);
    await filled(newest, first);
    const stores = [first, first, second].map((storage) => new FeatureStore({ storage, clock: simulatedClock(now) }));
    const late = { id: 3, at: T + 5, x: 1, blob: new Uint8Array(1) };
    await Promise.all([...stores.map((store) => store.materialize('v')), stores[1]!.ingest('v', [late], { online: true })]);
    await agrees(second, ['blob', 'x']);
    expect((await stores[2]!.materialize('v')).rows).toBeLessThan(2);
  });

  it('makes records anew in as many passes as memory asks for, each record at once, and goes on between them', async () => {
    const storage = await filled(view, undefined, 36);
    await new FeatureStore({ storage, clock: simulatedClock(now) }).materialize('v');
    const more = featureView({ name: 'v', entity: ['id'], timestamp: 'at', features: { ...features, sum: aggregate.sum('x', { window: '1h' }), y: 'float64' } });
    await new FeatureStore({ storage, clock: simulatedClock(now) }).apply([more]);
    let passes = 0;
    const counted = over(storage, {
      readLog(log, query) {
        if (log.startsWith('features/rows/') && query?.after === undefined) passes++;
        return storage.readLog(log, query);
      },
    });
    const control = new AbortController();
    const noted = over(counted, {
      async write(operations, options) {
        const results = await storage.write(operations, options);
        if (passes === 2 && operations.some(({ key }) => key.startsWith('features/online/'))) control.abort();
        return results;
      },
    });
    await expect(new FeatureStore({ storage: noted, clock: simulatedClock(now) }).materialize('v', { signal: control.signal })).rejects.toMatchObject({ code: 'aborted' });
    expect(passes).toBe(2);
    await agrees(storage, ['n', 'mean']);
    const store = new FeatureStore({ storage: counted, clock: simulatedClock(now) });
    await store.ingest('v', batch(2).map((row) => ({ ...row, x: 5, y: 1 })));
    await store.materialize('v');
    expect(passes).toBe(3);
    await agrees(storage, ['blob', 'n', 'mean', 'sum', 'y']);
  });

  it('is not held up by a row of the far future, which comes online when it is due', async () => {
    const storage = new MemoryStorage();
    const clock = simulatedClock(T);
    const store = new FeatureStore({ storage, clock });
    await store.apply([newest]);
    const row = (at: number, x: number) => ({ id: 1, at, x, blob: null });
    await store.ingest('v', [row(T - 1, 1), row(T + 1e10, 2)]);
    const read = [];
    for (let i = 0; i < 150; i++) {
      await store.ingest('v', [row(T + i, i + 10), ...(i > 20 ? [row(T + 2e10, i)] : [])]);
      clock.set(T + i);
      read.push((await store.materialize('v')).rows);
    }
    expect(read.slice(0, 100)).toEqual([3, ...Array<number>(20).fill(1), ...Array<number>(79).fill(2)]);
    expect((await storage.read(['features/materialized/v/1']))[0]!.bytes.length).toBeLessThan(20_000);
    const x = async () => (await store.getOnlineFeatures({ entities: [{ id: 1 }], features: ['v:x'] })).columns['x'];
    expect(await x()).toEqual([159]);
    clock.set(T + 1e10);
    expect(await x()).toEqual([159]);
    await store.materialize('v');
    expect(await x()).toEqual([2]);
    clock.set(T + 2e10);
    await store.materialize('v');
    expect(await x()).toEqual([149]);
    expect((await store.materialize('v')).rows).toBe(0);
  });

  it('makes anew what was only ever pushed, when the view asks for more, and brings the rest when it is asked to', async () => {
    const storage = new MemoryStorage();
    const store = new FeatureStore({ storage, clock: simulatedClock(T) });
    const small = { name: 'v', entity: ['id'], timestamp: 'at' } as const;
    await store.apply([featureView({ ...small, features: { x: 'float64' } })]);
    await store.ingest('v', [1, 2, 3].map((k) => ({ id: 1, at: T - k, x: k })), { online: true });
    await store.ingest('v', [{ id: 1, at: T - 5, x: 5 }, { id: 2, at: T - 5, x: 5 }]);
    await store.apply([featureView({ ...small, features: { x: 'float64', ever: aggregate.sum('x', { window: 'lifetime' }) } })]);
    await store.ingest('v', [{ id: 1, at: T - 7, x: 7 }], { online: true });
    const ask = async () => (await store.getOnlineFeatures({ entities: [{ id: 1 }, { id: 2 }], features: ['v:*'] })).columns;
    // Of what the log has, those rows that were pushed.
    expect(await ask()).toEqual({ id: [1, 2], x: [1, null], ever: [1 + 2 + 3 + 7, null] });
    await store.materialize('v');
    expect(await ask()).toEqual({ id: [1, 2], x: [1, 5], ever: [1 + 2 + 3 + 5 + 7, 5] });
    expect(await store.materialize('v')).toEqual({ rows: 0, entities: 0 });
  });

  it('leaves nothing of who was forgotten while it was at work, though it died and another call ended it', async () => {
    const storage = new MemoryStorage();
    const clock = simulatedClock(T);
    const store = new FeatureStore({ storage, clock });
    await store.apply([newest]);
    await store.ingest('v', [{ id: 'anna', at: T, x: 1, blob: null }, { id: 'bert', at: T, x: 2, blob: null }]);
    clock.set(T + 1000);
    const slow = over(storage, {
      async write(operations, options) {
        if (!operations.some(({ key }) => key.startsWith('features/online/'))) return storage.write(operations, options);
        await new FeatureStore({ storage, clock }).forget('v', [{ id: 'anna' }]);
        await storage.write(operations, options);
        throw new Error('The process died.');
      },
    });
    await expect(new FeatureStore({ storage: slow, clock }).materialize('v')).rejects.toThrow('The process died.');
    const online = async () => (await storage.list({ prefix: 'features/online/' })).entries.map(({ key }) => key.split('/').at(-1));
    expect((await online()).some((key) => key?.includes('anna'))).toBe(true);
    clock.set(T + 2000);
    await new FeatureStore({ storage, clock }).materialize('v');
    expect((await online()).some((key) => key?.includes('anna'))).toBe(false);
    expect(await online()).toHaveLength(1);
  });
});
