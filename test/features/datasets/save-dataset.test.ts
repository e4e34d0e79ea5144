import { readdirSync, readFileSync as readFile, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { aggregate, collectGarbage, FeatureStore, featureService, featureView, MemoryStorage, onDemandView, Tracker, type DatasetChunk, type SavedDataset, type StorageAdapter } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { describe, expect, it } from 'vitest';
import { temporaryDirectories } from '../../storage/filesystem/temporary-directory.ts';
import { crashingStorage } from '../failing-storage.ts';
import { simulatedClock } from '../simulated-clock.ts';
import { bits, everyEntity, ingestEveryType } from './every-type.ts';

const directory = temporaryDirectories();
const T = Date.UTC(2024, 4, 1);
const spend = featureView({ name: 'spend', entity: ['customer'], timestamp: 'at', ttl: '1d', features: { amount: 'float64', n: aggregate.count({ window: '7d' }) } });
const rows = Array.from({ length: 30 }, (_, i) => ({ customer: `c${i % 6}`, at: T + i * 3_600_000, amount: i }));
const entities = Array.from({ length: 12 }, (_, i) => ({ customer: `c${i % 7}`, t: T + i * 10_000_000, late: i % 2 === 0 }));
const query = { entities, timestamp: 't', features: ['spend:*'] };

async function make(storage: StorageAdapter = new MemoryStorage(), clock = simulatedClock(T)): Promise<FeatureStore> {
  const store = new FeatureStore({ storage, clock });
  await store.apply([spend]);
  await store.ingest(spend, rows);
  return store;
}

async function gather(pieces: AsyncIterable<DatasetChunk>): Promise<{ sizes: number[]; columns: Record<string, unknown[]> }> {
  const columns: Record<string, unknown[]> = {};
  const sizes: number[] = [];
  for await (const piece of pieces) {
    sizes.push(piece.rowCount);
    for (const [name, values] of Object.entries(piece.columns)) (columns[name] ??= []).push(...Array.from(values));
  }
  return { sizes, columns };
}

async function rowsOf(dataset: SavedDataset, options = {}): Promise<unknown[]> {
  const found: unknown[] = [];
  for await (const row of dataset.rows(options)) found.push(row);
  return found;
}

describe('a saved dataset', () => {
  it('gives back every value of every type as the query gave it, in whatever pieces, and has the fingerprint that a run gives the same contents', async () => {
    await using files = new FilesystemStorage(join(directory(), 'store'));
    for (const storage of [new MemoryStorage(), files]) {
      const store = new FeatureStore({ storage });
      await ingestEveryType(store);
      // Bytes make chunks of some thousand rows.
      for (const size of storage === files ? [10] : [0, 1, 10, 9_000]) {
        const { types, ...plain } = everyEntity(size);
        const asked = await store.getHistoricalFeatures(plain);
        await store.saveDataset(`every ${size}`, { ...plain, types });
        const dataset = await store.getDataset(`every ${size}@1`);
        expect(dataset).toMatchObject({ name: `every ${size}`, version: 1, rowCount: size, features: ['b', 'f', 'i', 'j', 'raw', 's', 't', 'v'], failures: 0, forgotten: [], report: { every: asked.report['every'] } });
        const whole = await dataset.read();
        const expected = size === 0 ? bits(Object.fromEntries(Object.keys(dataset.schema).map((name) => [name, []]))) : bits(asked.columns);
        expect(bits(whole.columns)).toBe(expected);
        if (size === 0) continue;
        const { sizes, columns } = await gather(dataset.columns());
        if (size === 9_000) expect(sizes.length).toBeGreaterThan(1);
        expect(bits(columns)).toBe(expected);
        const pieces = await gather(dataset.columns({ chunkRows: 7, columns: ['i', 'photo'] }));
        expect([...new Set(pieces.sizes.slice(0, -1))]).toEqual(size > 7 ? [7] : []);
        expect(bits(pieces.columns)).toBe(bits({ i: asked.columns['i']!, photo: asked.columns['photo']! }));
        const some = await rowsOf(dataset, { columns: ['v', 'who'] });
        expect(bits({ v: some.map((row) => (row as { v: unknown }).v) })).toBe(bits({ v: asked.columns['v']! }));
        const tracker = new Tracker({ storage });
        const run = await tracker.startRun({ experiment: 'e' });
        const logged = await run.logDataset({ name: 'x', role: 'training', columns: whole.columns, types: dataset.schema });
        await run.end();
        expect(logged.fingerprint).toBe(dataset.digest);
        expect(dataset.statistics).toEqual(logged.profile);
        expect(dataset.schema).toEqual(logged.schema);
      }
    }
  });

  it('is saved once for the same contents, query and splits, and otherwise as the next version', async () => {
    const storage = new MemoryStorage();
    const clock = simulatedClock(T);
    const store = await make(storage, clock);
    const first = await store.saveDataset('spend', { ...query, description: 'What they spent.', tags: { owner: 'ops' } });
    clock.set(T + 5);
    const again = await (await make(storage)).saveDataset('spend', query);
    expect(again).toMatchObject({ version: 1, digest: first.digest, createdAt: T, description: 'What they spent.', tags: { owner: 'ops' } });
    // Columns and a stream come to the same.
    async function* stream() {
      yield entities.slice(0, 5);
      yield* entities.slice(5, 9);
      yield { late: entities.slice(9).map(({ late }) => late), t: entities.slice(9).map(({ t }) => t), customer: entities.slice(9).map(({ customer }) => customer) };
    }
    expect(await store.saveDataset('spend', { ...query, entities: stream() })).toMatchObject({ version: 1 });
    expect(await store.saveDataset('spend', { ...query, asOf: 'event' })).toMatchObject({ version: 2, digest: first.digest });
    expect(await store.saveDataset('spend', { ...query, splits: { fractions: { train: 0.5, test: 0.5 } } })).toMatchObject({ version: 3 });
    await store.ingest(spend, [{ customer: 'c1', at: T + 1, amount: 1000 }]);
    const fourth = await store.saveDataset('spend', query);
    expect(fourth.version).toBe(4);
    expect(fourth.digest).not.toBe(first.digest);
    expect(await store.saveDataset('spend', query)).toMatchObject({ version: 4 });
    expect((await store.getDataset('spend')).version).toBe(4);
    expect((await storage.list({ prefix: 'features/saved/' })).entries).toHaveLength(4);
  });

  it('is bound to the versions of what it was asked by', async () => {
    const storage = new MemoryStorage();
    const store = await make(storage);
    const busy = onDemandView({ name: 'busy', version: '3', inputs: { n: spend.feature('n') }, request: { late: 'bool' }, features: { hurry: 'bool' }, compute: ({ n, late }) => {
      if (n === null) throw new Error('no n');
      return { hurry: late === true };
    } });
    await store.apply([busy, featureService({ name: 'service', features: ['spend:amount', 'busy:*'] })]);
    await expect(store.saveDataset('bound', { ...query, features: 'service' })).rejects.toThrow('no n');
    const dataset = await store.saveDataset('bound', { ...query, features: 'service', onTransformError: 'null' });
    expect(dataset).toMatchObject({
      features: ['amount', 'hurry'],
      failures: 2,
      query: { features: 'service', service: { service: 'service', version: 1 }, timestamp: 't', asOf: 'knowledge', fullFeatureNames: false, views: [{ name: 'spend', version: 1, as: 'spend', keys: { customer: 'customer' } }], onDemandViews: [{ name: 'busy', version: '3' }] },
    });
    expect(JSON.stringify(dataset.query)).toBe(JSON.stringify((await store.getDataset('bound')).query));
    const plain = await store.saveDataset('plain', { ...query, features: [spend.feature('n'), { view: 'spend@1', as: 'other', keys: { customer: 'friend' } }], entities: entities.map((row) => ({ ...row, friend: 'c2' })) });
    expect(plain.query).toMatchObject({ features: ['spend:n', { view: 'spend@1', as: 'other', keys: { customer: 'friend' } }], views: [{ keys: { customer: 'customer' } }, { as: 'other', keys: { customer: 'friend' } }] });
  });

  it('is listed in pages, deleted by version or by name, and its numbers are not given again', async () => {
    const storage = new MemoryStorage();
    const store = await make(storage);
    for (const [name, size] of [['b', 1], ['a b/c', 1], ['b', 2], ['b', 3], ['c', 1]] as const) await store.saveDataset(name, { ...query, entities: entities.slice(0, size) });
    const names: string[] = [];
    let after: string | undefined;
    do {
      const page = await store.listDatasets({ limit: 2, after });
      expect(page.items.length).toBeLessThanOrEqual(2);
      names.push(...page.items.map(({ name, version, rowCount }) => `${name}@${version} ${rowCount}`));
      after = page.next;
    } while (after !== undefined);
    expect(names).toEqual(['a b/c@1 1', 'b@1 1', 'b@2 2', 'b@3 3', 'c@1 1']);
    expect((await store.listDatasets({ name: 'b', limit: 2 })).items.map(({ version }) => version)).toEqual([1, 2]);
    expect((await store.listDatasets({ name: 'nobody' })).items).toEqual([]);
    await store.deleteDataset('b@2');
    await expect(store.getDataset('b@2')).rejects.toThrow("There is no version 2 of the dataset 'b'; it has 1, 3.");
    await expect(store.deleteDataset('b@2')).rejects.toMatchObject({ code: 'not-found' });
    const open = await store.getDataset('b');
    await store.deleteDataset('b');
    expect((await store.listDatasets({ name: 'b' })).items).toEqual([]);
    await expect(store.getDataset('b')).rejects.toThrow("There is no dataset 'b'");
    expect(await store.saveDataset('b', { ...query, entities: entities.slice(0, 2) })).toMatchObject({ version: 4 });
    await store.deleteDataset('b');
    expect((await storage.list({ prefix: 'features/saved/' })).entries).toHaveLength(2);
    let now = T;
    const clock = { ...simulatedClock(T), now: () => (now += 100_000_000) };
    await collectGarbage(storage, { clock });
    expect((await collectGarbage(storage, { clock })).deleted).toBeGreaterThan(3);
    await expect(open.read()).rejects.toThrow("The dataset 'b@3' was deleted while it was read.");
    expect((await (await store.getDataset('a b/c')).read()).rowCount).toBe(1);
  });

  it('is saved whole or not at all, wherever the process dies, and by the same call again', async () => {
    for (const moment of ['before', 'after'] as const) {
      for (let failAt = 1; ; failAt++) {
        const storage = new MemoryStorage();
        await make(storage);
        const clock = simulatedClock(T);
        const doomed = new FeatureStore({ storage: crashingStorage(storage, failAt, moment), clock });
        const died = await doomed.saveDataset('d', { ...query, splits: { fractions: { train: 0.5, test: 0.5 } } }).then(() => false, () => true);
        const store = new FeatureStore({ storage, clock });
        for (const { name, version } of (await store.listDatasets()).items) await (await store.getDataset(`${name}@${version}`)).read();
        const saved = await store.saveDataset('d', { ...query, splits: { fractions: { train: 0.5, test: 0.5 } } });
        expect(saved.version).toBe(1);
        expect((await saved.read({ split: 'test' })).rowCount).toBe(saved.splits!.rows['test']);
        // What the dead one left is dropped a day later, and its blobs are garbage then.
        clock.set(T + 2 * 86_400_000);
        await store.saveDataset('d', { ...query, entities: [] });
        await store.deleteDataset('d');
        expect((await storage.list({ prefix: 'features/saved/' })).entries).toEqual([]);
        let now = T;
        const later = { ...clock, now: () => (now += 100_000_000) };
        await collectGarbage(storage, { clock: later });
        await collectGarbage(storage, { clock: later });
        expect((await storage.list({ kind: 'blob' })).entries).toEqual([]);
        if (!died) {
          expect(failAt).toBeGreaterThan(6);
          break;
        }
      }
    }
  });

  it('is one version when several save the same at once, and several when they save others', async () => {
    const storage = new MemoryStorage();
    const stores = await Promise.all([0, 1, 2, 3].map(() => make(storage)));
    const same = await Promise.all(stores.map((store) => store.saveDataset('same', query)));
    expect(same.map(({ version }) => version)).toEqual([1, 1, 1, 1]);
    const others = await Promise.all(stores.map((store, i) => store.saveDataset('same', { ...query, entities: entities.slice(0, i + 1) })));
    expect(others.map(({ version }) => version).sort()).toEqual([2, 3, 4, 5]);
    for (const [i, { version }] of others.entries()) expect((await (await stores[0]!.getDataset(`same@${version}`)).read()).rowCount).toBe(i + 1);
    expect((await storage.list({ prefix: 'features/saved/' })).entries).toHaveLength(5);
  });

  it('is joined to the rows that were there when it began, in all its parts', async () => {
    const store = await make();
    async function* stream() {
      yield entities;
      await store.ingest(spend, [{ customer: 'new', at: T + 1, amount: 5 }, { customer: 'c1', at: T, amount: 1e6 }]);
      yield entities.map((row) => ({ ...row, customer: row.customer === 'c6' ? 'new' : row.customer }));
    }
    const { columns } = await (await store.saveDataset('parts', { ...query, entities: stream() })).read();
    expect(Array.from(columns['amount']!).slice(12)).toEqual(Array.from(columns['amount']!).slice(0, 12));
    expect(Array.from(columns['n']!).slice(12)).toEqual(Array.from(columns['n']!).slice(0, 12));
  });

  it('tells what is damaged', async () => {
    const root = join(directory(), 'store');
    await using storage = new FilesystemStorage(root);
    const store = await make(storage);
    const dataset = await store.saveDataset('d', query);
    const blobs = readdirSync(join(root, 'blobs'), { recursive: true, encoding: 'utf8' }).filter((name) => /[0-9a-f]{64}$/.test(name)).map((name) => join(root, 'blobs', name));
    const chunk = blobs.find((path) => Buffer.from(new Uint8Array(readFile(path))).includes('dataset-chunk'))!;
    const bytes = readFile(chunk);
    const broken = Uint8Array.from(bytes);
    broken[broken.length - 9]! ^= 1;
    writeFileSync(chunk, broken);
    for (const reading of [() => dataset.read(), () => dataset.read({ columns: ['n'] }), () => rowsOf(dataset)]) {
      await expect(reading()).rejects.toMatchObject({ code: 'integrity', message: expect.stringContaining("The rows 0 to 11 of the dataset 'd@1' cannot be read") });
    }
    // The other columns are well.
    expect((await dataset.read({ columns: ['customer'] })).columns['customer']).toEqual(entities.map(({ customer }) => customer));
  });

  it('is refused with the place of what is wrong', async () => {
    const storage = new MemoryStorage();
    const store = await make(storage);
    const saving = (change: object, name: unknown = 'd') => store.saveDataset(name as string, { ...query, ...change });
    for (const [attempt, message] of [
      [saving({}, 'a@1'), "The name of the dataset is \"a@1\"; give a text of up to 500 characters without '@'."],
      [saving({}, ''), 'The name of the dataset is ""'],
      [saving({ entities: undefined }), 'query.entities is missing'],
      [saving({ entities: 5 }), 'query.entities must be an array of rows'],
      [saving({ timestamp: 'when' }), "entities has no column 'when'"],
      [saving({ features: ['spend:nothing'] }), "has no feature 'nothing'"],
      [saving({ types: { stray: 'int64' } }), "types names the column 'stray'"],
      [saving({ tags: { a: 1 } }), 'query.tags.a must be a string'],
      [saving({ extra: 1 }), 'query has unknown options: extra'],
      [saving({ entities: [{ customer: 'c1', t: T, amount: 1 }] }), "Two columns of the result would be named 'amount'"],
      [saving({ entities: (async function* () { yield [{ customer: 'c1', t: T, x: null }]; yield [{ customer: 'c1', t: T, x: 'text' }]; })() }), 'After 1 rows of the stream: entities.x[0] is "text"'],
      [saving({ entities: (async function* () { yield [{ customer: 'c1', t: T }]; yield [{ customer: 'c1', t: T, y: 1 }]; })() }), "entities has a column 'y', which the rows before did not have"],
      [store.getDataset('d@x'), 'ref is "d@x"'],
      [store.getDataset('d@0'), 'ref is "d@0"'],
      [store.getDataset('d'), "There is no dataset 'd'"],
      [store.listDatasets({ after: '?' }), "after is \"?\"; give the 'next' of the page before."],
      [store.listDatasets({ limit: 0 }), 'query.limit must be at least 1'],
      [saving({ signal: AbortSignal.abort() }), 'aborted'],
    ] as const) {
      await expect(attempt).rejects.toThrow(message);
    }
    expect((await store.listDatasets()).items).toEqual([]);
    expect((await storage.list({ prefix: 'features/saved/' })).entries).toEqual([]);
    const dataset = await store.saveDataset('d', query);
    await expect(dataset.read({ columns: ['x'] })).rejects.toThrow("has no column \"x\"; it has customer, t, late, amount, n.");
    await expect(dataset.read({ columns: [] })).rejects.toThrow('columns is []');
    await expect(dataset.read({ split: 'train' })).rejects.toThrow('has no split "train"; it has none.');
    await expect(dataset.columns({ chunkRows: 0 }).next()).rejects.toThrow('chunkRows is 0');
    await expect(dataset.read({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'aborted' });
  });
});
