import { describe, expect, it } from 'vitest';
import { aggregate, featureView, FeatureStore, MemoryStorage, type FeatureView, type StorageAdapter } from 'modelkeep';
import { decodeRecord, layoutOf } from '../../../src/features/online-record.ts';
import { readValue, writeValue } from '../../../src/storage/records.ts';
import { crashingStorage } from '../failing-storage.ts';
import { simulatedClock } from '../simulated-clock.ts';

const hour = 3_600_000;
const start = Date.UTC(2024, 0, 1);
const features = {
  amount: 'float64',
  spent: aggregate.sum('amount', { window: 'lifetime' }),
  most: aggregate.max('amount', { window: 'lifetime' }),
  month: aggregate.mean('amount', { window: '30d' }),
  by_shop: aggregate.count({ window: 'lifetime', by: 'shop' }),
} as const;
const options = { name: 'spend', entity: ['who'], timestamp: 'at', columns: { shop: 'string' } } as const;
const view = featureView({ ...options, features });
const who = [{ who: 'anna' }, { who: 'bert' }];

/** Rows of both, a minute apart, from hour `from` on. */
function rows(from: number, size: number) {
  return Array.from({ length: size }, (_, i) => ({ who: i % 2 === 0 ? 'anna' : 'bert', at: start + from * hour + i * 60_000, amount: ((i * 7919) % 1000) / 7, shop: `${i % 2 === 0 ? 'a' : 'b'}-shop ${i % 5}` }));
}

async function make(storage: StorageAdapter, now: number, made: FeatureView = view) {
  const clock = simulatedClock(now);
  const store = new FeatureStore({ storage, clock });
  await store.apply([made]);
  return { store, clock };
}

async function answers(store: FeatureStore, t: number) {
  const asked = ['spend:*'];
  const online = await store.getOnlineFeatures({ entities: who, features: asked });
  const offline = await store.getHistoricalFeatures({ entities: who.map((each) => ({ ...each, t })), timestamp: 't', features: asked });
  return Object.keys(online.statuses).map((name) => ({ name, online: online.columns[name], offline: Array.from(offline.columns[name]!) }));
}

async function agree(store: FeatureStore, t: number): Promise<void> {
  for (const { name, online, offline } of await answers(store, t)) expect([name, online]).toEqual([name, offline]);
}

async function record(storage: StorageAdapter, name: string): Promise<Uint8Array> {
  const { entries } = await storage.list({ prefix: 'features/online/' });
  return (await storage.read([entries.find(({ key }) => key.endsWith(name))!.key]))[0]!.bytes;
}

const isTiled = (bytes: Uint8Array): boolean => new TextDecoder('latin1').decode(bytes).includes('tilesAt');

/** A store with 2000 rows that are folded, and its clock. */
async function folded(storage: StorageAdapter) {
  const { store, clock } = await make(storage, start + 100 * hour);
  await store.ingest(view, rows(0, 2000));
  clock.set(start + 101 * hour);
  await store.materialize(view);
  expect(isTiled(await record(storage, 'anna'))).toBe(true);
  return { store, clock };
}

/** Counts how often a log of rows is read from its beginning. */
function countingReads(storage: MemoryStorage) {
  const seen = { whole: 0 };
  const counted = new Proxy(storage, {
    get(target, name) {
      if (name === 'readLog') return (log: string, query?: { after?: string }) => {
        if (log.startsWith('features/rows/') && query?.after === undefined) seen.whole++;
        return target.readLog(log, query);
      };
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value as (...args: unknown[]) => unknown).bind(target) : value;
    },
  });
  return { counted, seen };
}

describe('folding', () => {
  it('keeps the record of a hundred thousand rows within a few kilobytes, and its answers', async () => {
    const storage = new MemoryStorage();
    const { store, clock } = await make(storage, start + 4000 * hour);
    await store.ingest(view, rows(0, 200_000));
    clock.set(start + 4001 * hour);
    expect(await store.materialize(view)).toEqual({ rows: 200_000, entities: 2 });
    const bytes = await record(storage, 'anna');
    const { rows: left, tiles } = decodeRecord(bytes, 'anna');
    // The newest row and the one with the largest amount; a tile for each day of the month, the lifetime and each of five shops, of three parts at most.
    expect(left.rowCount).toBe(2);
    expect(tiles!.rowCount).toBeLessThanOrEqual(3 * (31 + 1 + 5));
    expect(bytes.length).toBeLessThan(2_048 + 64 * (left.rowCount + tiles!.rowCount));
    await agree(store, start + 4001 * hour);
    expect(await store.materialize(view)).toEqual({ rows: 0, entities: 0 });
  });

  it('comes to the same wherever a writer dies, and does not count a row twice', async () => {
    for (const moment of ['before', 'after'] as const) {
      for (let failAt = 1; ; failAt++) {
        const storage = new MemoryStorage();
        const { store, clock } = await folded(storage);
        clock.set(start + 150 * hour);
        await store.ingest(view, rows(100, 900));
        clock.set(start + 151 * hour);
        const died = await new FeatureStore({ storage: crashingStorage(storage, failAt, moment), clock }).materialize(view).then(() => false, () => true);
        await store.materialize(view);
        await agree(store, start + 151 * hour);
        if (died) continue;
        expect(failAt).toBeGreaterThan(4);
        break;
      }
    }
  });

  it('looks in the log for rows that may be in a tile already, and for those only', async () => {
    const storage = new MemoryStorage();
    await make(storage, start);
    // A process that stamped its batch before the others, and stores it only after they were folded.
    const slow = await make(storage, start + 99 * hour);
    const { store, clock } = await folded(storage);
    const before = (await answers(store, start + 101 * hour)).find(({ name }) => name === 'spent')!.offline[0] as number;
    await slow.store.ingest(view, [{ who: 'anna', at: start + 5 * hour, amount: 5000, shop: 'a-shop 0' }]);
    const { counted, seen } = countingReads(storage);
    const reader = new FeatureStore({ storage: counted, clock });
    clock.set(start + 102 * hour);
    await reader.materialize(view);
    expect(seen.whole).toBe(1);
    const spent = (await answers(store, start + 102 * hour)).find(({ name }) => name === 'spent')!;
    expect(spent.online![0]).toBeCloseTo(before + 5000, 6);
    await agree(store, start + 102 * hour);
    // Pushed beside the log, it is looked for as well; a batch that is sent again is known, and nobody looks.
    const late = { who: 'bert', at: start + 6 * hour, amount: 1, shop: 'b-shop 0' };
    await new FeatureStore({ storage: counted, clock: simulatedClock(start + 98 * hour) }).ingest(view, [late], { online: true, batchId: 'late' });
    await agree(store, start + 102 * hour);
    const looked = seen.whole;
    await reader.ingest(view, rows(0, 2000), { online: true });
    expect(seen.whole).toBe(looked);
    await reader.materialize(view);
    await agree(store, start + 102 * hour);
    expect(isTiled(await record(storage, 'anna'))).toBe(true);
  });

  it('leaves no byte of who is forgotten, and the others as they were', async () => {
    const storage = new MemoryStorage();
    const { store, clock } = await folded(storage);
    await store.forget(view, [{ who: 'anna' }]);
    await agree(store, start + 101 * hour);
    clock.set(start + 102 * hour);
    await store.materialize(view);
    await agree(store, start + 102 * hour);
    for (const { key } of (await storage.list()).entries) expect(key + new TextDecoder('latin1').decode((await storage.read([key]))[0]!.bytes)).not.toMatch(/anna|a-shop/);
  });

  it('begins anew when the view asks for more of the same rows, and says so until then', async () => {
    const storage = new MemoryStorage();
    const { store, clock } = await folded(storage);
    const more = featureView({ ...options, features: { ...features, least: aggregate.min('amount', { window: 'lifetime' }) } });
    await store.apply([more]);
    await expect(store.getOnlineFeatures({ entities: who, features: ['spend:least'] })).rejects.toThrow("rows that 'least' needs were folded before the view had it");
    expect((await store.getOnlineFeatures({ entities: who, features: ['spend@1:spent'] })).columns['spent']).toHaveLength(2);
    await store.materialize(view);
    await agree(store, clock.now());
    expect(isTiled(await record(storage, 'anna'))).toBe(true);
  });

  it('goes on with records from before there were tiles, without making them anew', async () => {
    const storage = new MemoryStorage();
    const { store, clock } = await make(storage, start + 100 * hour);
    await store.ingest(view, rows(0, 2000));
    // Nothing is folded that was only just ingested: the records are as they were then.
    await store.materialize(view);
    expect(isTiled(await record(storage, 'anna'))).toBe(false);
    const stateKey = 'features/materialized/spend/1';
    const state = (await readValue<{ layout: string }>(storage, stateKey))!.value;
    const { id, rowsId } = layoutOf({ view, version: 1, digest: `sha256:${'0'.repeat(64)}`, epoch: 1, columns: {}, kept: [view] });
    expect(state.layout).toBe(id);
    await writeValue(storage, stateKey, { ...state, layout: rowsId });
    const { counted, seen } = countingReads(storage);
    clock.set(start + 102 * hour);
    await store.ingest(view, rows(101, 20));
    await new FeatureStore({ storage: counted, clock }).materialize(view);
    expect(seen.whole).toBe(0);
    expect(isTiled(await record(storage, 'anna'))).toBe(true);
    await agree(store, start + 102 * hour);
  });
});
