import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { aggregate, FeatureStore, featureView, MemoryStorage, type Clock, type StorageAdapter } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { temporaryDirectories } from '../storage/filesystem/temporary-directory.ts';
import { crashingStorage } from './failing-storage.ts';
import { hastyClock, simulatedClock } from './simulated-clock.ts';

const directory = temporaryDirectories();
const T = Date.UTC(2024, 4, 1);
const view = featureView({ name: 'spend', entity: ['customer'], timestamp: 'at', features: { amount: 'float64', shop: 'string', n: aggregate.count({ window: '1d' }) } });
const people = ['anna-secret', 'bert', 'carl'];
const shopOf = (who: string): string => `shop of ${who}`;
const first = people.flatMap((customer, i) => [0, 1].map((k) => ({ customer, at: T + i + k, amount: i * 10 + k, shop: shopOf(customer) })));
const second = [...people].reverse().map((customer, i) => ({ customer, at: T + 100 + i, amount: i, shop: shopOf(customer) }));
const bad = people.map((customer) => ({ customer, at: T, amount: 'much', shop: shopOf(customer) }));
const anna = { customer: 'anna-secret' };

async function make(storage: StorageAdapter, clock: Clock = hastyClock(T + 1000)) {
  const store = new FeatureStore({ storage, clock });
  await store.apply([view]);
  return store;
}

async function fill(store: FeatureStore): Promise<void> {
  await store.ingest(view, first, { online: true });
  await store.ingest(view, second);
  await store.ingest(view, bad as never, { onInvalid: 'quarantine' });
  await store.materialize(view);
}

async function state(store: FeatureStore) {
  const entities = people.map((customer) => ({ customer, t: T + 1000 }));
  const then = await store.getHistoricalFeatures({ entities, timestamp: 't', features: ['spend:*'] });
  const now = await store.getOnlineFeatures({ entities: people.map((customer) => ({ customer })), features: ['spend:*'] });
  const { items } = await store.quarantined(view);
  return { past: ['amount', 'n'].map((name) => Array.from(then.columns[name]!)), online: ['amount', 'n'].map((name) => now.columns[name]), aside: items.map(({ values }) => values['customer']) };
}

const without = { past: [[null, 1, 0], [null, 3, 3]], online: [[null, 1, 0], [null, 3, 3]], aside: ['bert', 'carl'] };

async function everyByte(storage: StorageAdapter): Promise<string> {
  const parts: string[] = [];
  for (const { key } of (await storage.list()).entries) parts.push(key, Buffer.from((await storage.read([key]))[0]!.bytes).toString('latin1'));
  for (const { key } of (await storage.list({ kind: 'log' })).entries) for await (const { bytes } of storage.readLog(key)) parts.push(key, Buffer.from(bytes).toString('latin1'));
  return parts.join('\n');
}

describe('an entity that is forgotten', () => {
  it('is gone for every instance, and the others are as they were', async () => {
    const storage = new MemoryStorage();
    const store = await make(storage);
    const other = await make(storage);
    await fill(store);
    const before = await state(other);
    expect(before.past).toEqual([[2, 1, 0], [3, 3, 3]]);
    expect(await everyByte(storage)).toContain('anna-secret');
    expect(await store.forget(view, [anna, { customer: 'nobody' }])).toEqual({ rows: 3, quarantined: 1, online: 1, served: 0, datasets: 0 });
    for (const each of [store, other, await make(storage)]) expect(await state(each)).toEqual(without);
    expect(await everyByte(storage)).not.toContain('anna');
    expect(await store.forget(view, [anna])).toEqual({ rows: 0, quarantined: 0, online: 0, served: 0, datasets: 0 });
    // What is online is told by its place in its batch, which others have still.
    await other.materialize(view);
    expect(await state(other)).toEqual(without);
  });

  it('does not come back with what was sent before, and may come anew', async () => {
    const storage = new MemoryStorage();
    const store = await make(storage);
    await fill(store);
    await store.forget('spend', [anna]);
    await fill(await make(storage));
    await store.ingest(view, second, { online: true });
    expect(await state(store)).toEqual(without);
    expect(await everyByte(storage)).not.toContain('anna');
    await store.ingest(view, [{ ...anna, at: T + 500, amount: 7, shop: 'new' }], { online: true });
    expect(await state(store)).toMatchObject({ past: [[7, 1, 0], [1, 3, 3]], online: [[7, 1, 0], [1, 3, 3]] });
  });

  it('stays forgotten when a batch was cut off before, at any point, and is sent again', async () => {
    for (const moment of ['before', 'after'] as const) {
      for (let failAt = 1; ; failAt++) {
        const storage = new MemoryStorage();
        await make(storage);
        const doomed = new FeatureStore({ storage: crashingStorage(storage, failAt, moment), clock: simulatedClock(T + 999) });
        const died = await fill(doomed).then(() => false, () => true);
        const store = await make(storage);
        const partial = (await storage.list({ prefix: 'features/batches/' })).entries.length;
        await store.forget(view, [anna]);
        expect(await everyByte(storage)).not.toContain('anna');
        await fill(store);
        const { past, online } = await state(store);
        // Batches that had not come at all are new.
        if (partial === 2) expect({ past, online }).toEqual({ past: without.past, online: without.online });
        expect(online).toEqual(past);
        expect(past[1]!.slice(1)).toEqual([3, 3]);
        if (!died) break;
      }
    }
  });

  it('is forgotten by a second call when the first was cut off at any point', async () => {
    for (const moment of ['before', 'after'] as const) {
      for (let failAt = 1; ; failAt++) {
        const storage = new MemoryStorage();
        await fill(await make(storage));
        const doomed = new FeatureStore({ storage: crashingStorage(storage, failAt, moment), clock: simulatedClock(T + 1000) });
        const died = await doomed.forget(view, [anna]).then(() => false, () => true);
        const store = await make(storage);
        if (died) await store.forget(view, [anna]);
        expect(await everyByte(storage)).not.toContain('anna');
        expect(await state(store)).toEqual(without);
        if (!died) {
          expect(failAt).toBeGreaterThan(5);
          break;
        }
      }
    }
  });

  it('is forgotten beside readers, writers and a materialization', async () => {
    const storage = new MemoryStorage();
    const stores = await Promise.all([0, 1, 2].map(() => make(storage, { ...systemClock, now: () => T + 1000 })));
    await fill(stores[0]!);
    const writes = async (store: FeatureStore): Promise<void> => {
      for (let i = 0; i < 20; i++) await store.ingest(view, [{ customer: 'bert', at: T + 200 + i, amount: i, shop: 'x' }, { customer: 'dora', at: T + 200 + i, amount: i, shop: 'x' }], { online: i % 2 === 0 });
    };
    const reads = async (store: FeatureStore): Promise<void> => {
      for (let i = 0; i < 10; i++) {
        await store.materialize(view);
        await state(store);
      }
    };
    await Promise.all([writes(stores[0]!), reads(stores[1]!), stores[2]!.forget(view, [anna])]);
    await stores[1]!.materialize(view);
    expect(await everyByte(storage)).not.toContain('anna');
    expect(await state(stores[2]!)).toMatchObject({ past: [[null, 19, 0], [null, 23, 3]], online: [[null, 19, 0], [null, 23, 3]] });
  });

  it('is in no file after compaction', async () => {
    const root = join(directory(), 'store');
    await using storage = new FilesystemStorage(root);
    const store = await make(storage);
    await fill(store);
    expect(await store.forget(view, [anna])).toEqual({ rows: 3, quarantined: 1, online: 1, served: 0, datasets: 0 });
    await storage.compact();
    const holding = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) => statSync(join(root, name)).isFile() && readFileSync(join(root, name)).includes('anna'));
    expect(holding).toEqual([]);
    expect(await state(store)).toEqual(without);
  });

  it('must be named whole', async () => {
    const store = await make(new MemoryStorage());
    await expect(store.forget(view, [{ amount: 1 }])).rejects.toThrow('entities[0] is {"amount":1}; give the whole key of an entity of \'spend\': customer.');
    expect(await store.forget(view, [])).toEqual({ rows: 0, quarantined: 0, online: 0, served: 0, datasets: 0 });
  });
});
