import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { collectGarbage, FeatureStore, featureView, MemoryStorage, type SavedDataset, type StorageAdapter } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { describe, expect, it } from 'vitest';
import { temporaryDirectories } from '../../storage/filesystem/temporary-directory.ts';
import { interleavedStorage } from '../../storage/interleaved-storage.ts';
import { crashingStorage } from '../failing-storage.ts';
import { hastyClock, simulatedClock } from '../simulated-clock.ts';
import { StoppedWork, stopping } from '../stops.ts';

const directory = temporaryDirectories();
const T = Date.UTC(2024, 4, 1);
const spend = featureView({ name: 'spend', entity: ['customer', 'shop'], timestamp: 'at', features: { amount: 'float64', note: 'string' } });
const shops = featureView({ name: 'shops', entity: ['shop'], timestamp: 'at', features: { size: 'int64' } });
const people = ['anna-secret', 'bert', 'carl'];
const anna = { customer: 'anna-secret', shop: 1 };
const entities = Array.from({ length: 30 }, (_, i) => ({ customer: people[i % 3]!, shop: i < 27 ? 1 : 2, t: T + 100 + i, label: `label of ${people[i % 3]!}` }));
const splits = { by: 'time', fractions: { train: 0.5, test: 0.5 } } as const;
const query = { entities, timestamp: 't', features: ['spend:*', 'shops:*'], splits };
const others = entities.filter(({ customer, shop }) => customer !== anna.customer || shop !== anna.shop);

async function make(storage: StorageAdapter, clock = hastyClock(T + 1000)): Promise<FeatureStore> {
  const store = new FeatureStore({ storage, clock });
  await store.apply([spend, shops]);
  await store.ingest(spend, people.flatMap((customer) => [1, 2].map((shop) => ({ customer, shop, at: T, amount: shop, note: `note of ${customer}` }))));
  await store.ingest(shops, [{ shop: 1, at: T, size: 5 }]);
  return store;
}

async function collect(storage: StorageAdapter): Promise<void> {
  let now = T;
  const clock = { ...simulatedClock(T), now: () => (now += 100_000_000) };
  await collectGarbage(storage, { clock });
  await collectGarbage(storage, { clock });
}

/** All records, entries and blobs of a store, as text. */
async function everyByte(storage: StorageAdapter): Promise<string> {
  const parts: string[] = [];
  const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');
  for (const { key } of (await storage.list()).entries) parts.push(key, text((await storage.read([key]))[0]!.bytes));
  for (const { key } of (await storage.list({ kind: 'log' })).entries) for await (const { bytes } of storage.readLog(key)) parts.push(key, text(bytes));
  for (const { key } of (await storage.list({ kind: 'blob' })).entries) for await (const bytes of (await storage.readBlob(key as `sha256:${string}`))!) parts.push(text(bytes));
  return parts.join('\n');
}

async function labels(dataset: SavedDataset, split?: string): Promise<unknown[]> {
  return Array.from((await dataset.read({ columns: ['label'], split })).columns['label']!);
}

describe('a saved dataset, when an entity is forgotten', () => {
  it('loses its rows and no other, keeps its number, and tells of it', async () => {
    const storage = new MemoryStorage();
    const clock = hastyClock(T + 1000);
    const store = await make(storage, clock);
    const before = await store.saveDataset('d', query);
    const wide = await store.saveDataset('wide', { ...query, features: ['shops:size', { view: 'spend', as: 'peer', keys: { customer: 'friend' }, features: ['amount'] }], entities: entities.map((row, i) => ({ ...row, customer: 'bert', label: 'x', friend: people[i % 3] })) });
    const shopOnly = await store.saveDataset('shops', { ...query, features: ['shops:*'], entities: entities.map(({ shop, t }) => ({ shop, t })) });
    // Two sets of the same rows share their blobs.
    await store.saveDataset('d', { ...query, splits: undefined });
    expect(before.statistics['customer']?.texts?.top).toContainEqual({ value: 'anna-secret', count: 10 });
    clock.set(T + 2000);
    expect(await store.forget(spend, [anna, { customer: 'nobody', shop: 1 }])).toMatchObject({ rows: 1, datasets: 27 });

    const after = await store.getDataset('d@1');
    expect(after).toMatchObject({ version: 1, rowCount: 21, createdAt: before.createdAt, report: before.report, forgotten: [{ at: T + 2000, rows: 9, digest: before.digest }] });
    expect(await labels(after)).toEqual(others.map(({ label }) => label));
    expect([...(await labels(after, 'train')), ...(await labels(after, 'test'))]).toEqual(others.map(({ label }) => label));
    expect(after.splits).toMatchObject({ rows: { train: 10, test: 11 }, ranges: before.splits!.ranges });
    expect(after.statistics['customer']?.texts?.top).toContainEqual({ value: 'anna-secret', count: 1 });
    // The whole is what the rest alone would have been.
    const rest = await store.saveDataset('rest', { ...query, entities: others });
    expect([after.digest, after.statistics]).toEqual([rest.digest, rest.statistics]);
    expect((await after.read()).rowCount).toBe(21);

    expect(await store.getDataset('wide')).toMatchObject({ rowCount: 21, forgotten: [{ rows: 9, digest: wide.digest }] });
    expect(await store.getDataset('shops')).toMatchObject({ rowCount: 30, forgotten: [], digest: shopOnly.digest });
    // What is the same as before is saved anew, for the one that was has lost rows.
    expect(await store.saveDataset('d', query)).toMatchObject({ version: 3, rowCount: 30 });
    await store.deleteDataset('d@3');

    expect(await store.forget(spend, [anna])).toMatchObject({ rows: 0, datasets: 0 });
    expect(await store.forget(spend, [{ customer: 'anna-secret', shop: 2 }, { customer: 'bert', shop: 1 }])).toMatchObject({ datasets: 4 * 10 });
    expect((await store.getDataset('d@1')).forgotten.map(({ rows }) => rows)).toEqual([9, 10]);
    await collect(storage);
    expect(await everyByte(storage)).not.toContain('anna-secret');
    expect((await (await store.getDataset('d@1')).read()).rowCount).toBe(11);
    await expect(before.read()).rejects.toThrow("Rows of the dataset 'd@1' were forgotten while it was read");
  });

  it('may lose all of its rows', async () => {
    const storage = new MemoryStorage();
    const store = await make(storage);
    await store.saveDataset('d', { ...query, entities: entities.slice(0, 1), splits: undefined });
    expect(await store.forget(spend, [anna])).toMatchObject({ datasets: 1 });
    const left = await store.getDataset('d');
    expect(left).toMatchObject({ rowCount: 0, size: 0 });
    expect((await left.read()).rowCount).toBe(0);
  });

  it('has lost its rows after a second call when the first was cut off at any point', async () => {
    for (const moment of ['before', 'after'] as const) {
      for (let failAt = 1; ; failAt++) {
        const storage = new MemoryStorage();
        await (await make(storage)).saveDataset('d', { ...query, entities: entities.slice(0, 27) });
        const doomed = new FeatureStore({ storage: crashingStorage(storage, failAt, moment), clock: hastyClock(T + 1000) });
        const died = await doomed.forget(spend, [anna]).then(() => false, () => true);
        const store = new FeatureStore({ storage, clock: hastyClock(T + 1000) });
        // Half-way, it is what it was or what it becomes.
        expect([27, 18]).toContain((await (await store.getDataset('d')).read()).rowCount);
        if (died) await store.forget(spend, [anna, { customer: 'anna-secret', shop: 2 }]);
        expect(await store.getDataset('d')).toMatchObject({ rowCount: 18, forgotten: [{ rows: 9 }] });
        await store.forget(spend, [{ customer: 'anna-secret', shop: 2 }]);
        await collect(storage);
        expect(await everyByte(storage)).not.toContain('anna-secret');
        if (!died) {
          expect(failAt).toBeGreaterThan(8);
          break;
        }
      }
    }
  });

  it('never gets them when it is being saved meanwhile, however far that is, and if its process dies', async () => {
    const secret = [anna, { customer: 'anna-secret', shop: 2 }];
    for (let at = 0; at <= 3; at++) {
      const storage = new MemoryStorage();
      const store = await make(storage);
      const other = await make(storage);
      async function* stream() {
        for (const [i, part] of [entities.slice(0, 10), entities.slice(10, 20), entities.slice(20)].entries()) {
          if (i === at) await other.forget(spend, secret);
          yield part;
        }
        if (at === 3) await other.forget(spend, secret);
      }
      const dataset = await store.saveDataset('d', { ...query, entities: stream() });
      expect(dataset).toMatchObject({ version: 1, rowCount: 20, forgotten: [{ rows: 10 }] });
      expect(dataset.splits!.rows['train']! + dataset.splits!.rows['test']!).toBe(20);
      expect((await dataset.read()).rowCount).toBe(20);
      await collect(storage);
      expect(await everyByte(storage)).not.toContain('anna-secret');
    }
    for (let failAt = 1; ; failAt++) {
      const storage = new MemoryStorage();
      await make(storage);
      const doomed = new FeatureStore({ storage: crashingStorage(storage, failAt, 'after'), clock: hastyClock(T + 1000) });
      const died = await doomed.saveDataset('d', query).then(() => false, () => true);
      await (await make(storage)).forget(spend, secret);
      await collect(storage);
      expect(await everyByte(storage)).not.toContain('anna-secret');
      if (!died) break;
    }
  });

  it('never gets them when it is saved beside the forgetting, wherever each is held up', async () => {
    const secret = [anna, { customer: 'anna-secret', shop: 2 }];
    const save = (store: FeatureStore): Promise<SavedDataset> => store.saveDataset('d', { ...query, entities: entities.slice(0, 12) });
    const callsOf = async (run: (store: FeatureStore) => Promise<unknown>): Promise<number> => {
      const storage = new MemoryStorage();
      await make(storage);
      const turns = stopping([]);
      await run(new FeatureStore({ storage: interleavedStorage(storage, turns, { name: 'alone' }), clock: hastyClock(T + 1000) }));
      return turns.calls;
    };
    const stops = await callsOf(save);
    const begins = await callsOf((store) => store.forget(spend, secret));
    for (let stop = 1; stop <= stops; stop++) {
      for (let from = 1 + ((stop * 3) % 8); from <= begins; from += 8) {
        const storage = new MemoryStorage();
        await make(storage);
        const saving = new StoppedWork();
        const slow = new FeatureStore({ storage: interleavedStorage(storage, stopping([{ at: stop, meanwhile: saving.meanwhile }]), { name: 'saving' }), clock: hastyClock(T + 1000) });
        const turns = stopping([{ at: from, meanwhile: () => saving.start(() => save(slow)) }]);
        await new FeatureStore({ storage: interleavedStorage(storage, turns, { name: 'forgetting' }), clock: hastyClock(T + 1000) }).forget(spend, secret);
        await saving.finish();
        const dataset = await new FeatureStore({ storage, clock: hastyClock(T + 1000) }).getDataset('d');
        const { columns } = await dataset.read({ columns: ['customer', 'note'] });
        await collect(storage);
        // Whose label stands in the table that was given is the caller's to say, but nothing of the rows of the view is there.
        const isThere = [Array.from(columns['note']!).includes('note of anna-secret'), (await everyByte(storage)).includes('note of anna-secret')];
        expect([{ stop, from }, ...isThere]).toEqual([{ stop, from }, false, false]);
      }
    }
  });

  it('never gets rows of a batch that was on its way, wherever that is held up, by whatever clocks', async () => {
    const late = [{ ...anna, at: T, amount: 7, note: 'late news' }];
    const callsOf = async (): Promise<number> => {
      const storage = new MemoryStorage();
      const turns = stopping([]);
      await make(storage);
      await new FeatureStore({ storage: interleavedStorage(storage, turns, { name: 'alone' }), clock: hastyClock(T + 1000) }).ingest(spend, late);
      return turns.calls;
    };
    const calls = await callsOf();
    let seen = 0;
    for (let forgotten = 1; forgotten < calls; forgotten++) {
      for (let saved = forgotten + (forgotten % 4); saved <= calls + 5; saved += 4) {
        const storage = new MemoryStorage();
        const store = await make(storage);
        const saving = new StoppedWork();
        const isHeldUp = (forgotten + saved) % 2 === 0;
        async function* stream() {
          yield entities.slice(0, 12);
          if (isHeldUp) await saving.meanwhile();
        }
        const behind = new FeatureStore({ storage, clock: hastyClock(T + 1000 - 3_600_000) });
        const stops = [
          { at: forgotten, meanwhile: async () => void (await store.forget(spend, [anna])) },
          { at: saved, meanwhile: () => saving.start(() => behind.saveDataset('d', { ...query, entities: stream() })) },
        ];
        await new FeatureStore({ storage: interleavedStorage(storage, stopping(stops), { name: 'slow' }), clock: hastyClock(T + 1000) }).ingest(spend, late);
        await saving.finish();
        const { columns } = await store.getHistoricalFeatures({ entities: [{ ...anna, t: T + 100 }], timestamp: 't', features: ['spend:note'] });
        // A batch that heard of the forgetting when it came counts.
        if (columns['note']![0] !== null || (await store.listDatasets()).items.length === 0) continue;
        seen++;
        await collect(storage);
        expect([{ forgotten, saved }, (await everyByte(storage)).includes('late news')]).toEqual([{ forgotten, saved }, false]);
      }
    }
    expect(seen).toBeGreaterThan(10);
  });

  it('loses rows of others that are forgotten at the same time', async () => {
    const storage = new MemoryStorage();
    const stores = await Promise.all([0, 1, 2].map(() => make(storage)));
    await stores[0]!.saveDataset('d', query);
    const counts = await Promise.all(people.map((customer, i) => stores[i]!.forget(spend, [{ customer, shop: 1 }])));
    expect(counts.map(({ datasets }) => datasets)).toEqual([9, 9, 9]);
    const left = await stores[0]!.getDataset('d');
    expect(left.rowCount).toBe(3);
    expect(left.forgotten.map(({ rows }) => rows)).toEqual([9, 9, 9]);
    expect((await left.read()).rowCount).toBe(3);
  });

  it('has them in no file after compaction and collection', async () => {
    const root = join(directory(), 'store');
    await using storage = new FilesystemStorage(root);
    const store = await make(storage);
    await store.saveDataset('d', query);
    await store.forget(spend, [anna, { customer: 'anna-secret', shop: 2 }]);
    await storage.compact();
    await collect(storage);
    const holding = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) => statSync(join(root, name)).isFile() && readFileSync(join(root, name)).includes('anna-secret'));
    expect(holding).toEqual([]);
    expect((await (await store.getDataset('d')).read()).rowCount).toBe(20);
  });
});
