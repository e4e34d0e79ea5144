import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { FeatureStore, featureView, MemoryStorage, rewritableLog, type StorageAdapter } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { describe, expect, it } from 'vitest';
import { temporaryDirectories } from '../storage/filesystem/temporary-directory.ts';

const directory = temporaryDirectories();
const view = featureView({ name: 'spend', entity: ['customer'], timestamp: 'at', features: { amount: 'float64' } });
const rowsKey = 'features/rows/spend/1';

async function amounts(store: FeatureStore): Promise<unknown[]> {
  const entities = ['anna', 'bert', 'carl'].map((customer) => ({ customer, at: 10_000 }));
  const found = await store.getHistoricalFeatures({ entities, timestamp: 'at', features: ['spend:amount'] });
  return [...(found.columns['amount'] as ArrayLike<unknown> & Iterable<unknown>)];
}

describe('rows that were taken out of a log of rows', () => {
  it('count no more, for an instance that had read them and one that had not, and others go on', async () => {
    const storage: StorageAdapter = new MemoryStorage();
    const [store, other] = [new FeatureStore({ storage }), new FeatureStore({ storage })];
    await store.apply([view]);
    for (const [customer, amount] of [['anna', 1], ['bert', 2]] as const) await store.ingest(view, [{ customer, at: 1000, amount }]);
    expect([await amounts(store), await amounts(other)]).toEqual([[1, 2, null], [1, 2, null]]);
    await store.materialize(view, { end: 5000 });

    const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');
    expect(await rewritableLog(storage, rowsKey).rewrite((entry) => !text(entry.bytes).includes('anna'))).toMatchObject({ kept: 1, dropped: 1 });
    expect([await amounts(store), await amounts(other), await amounts(new FeatureStore({ storage }))]).toEqual(Array.from({ length: 3 }, () => [null, 2, null]));
    // The rows that come next are seen by all, and brought online once.
    await other.ingest(view, [{ customer: 'carl', at: 2000, amount: 3 }]);
    expect([await amounts(store), await amounts(other)]).toEqual([[null, 2, 3], [null, 2, 3]]);
    expect(await store.materialize(view, { end: 6000 })).toMatchObject({ entities: 1 });
    const online = await store.getOnlineFeatures({ entities: [{ customer: 'bert' }, { customer: 'carl' }], features: ['spend:amount'] });
    expect([...(online.columns['amount'] as Iterable<unknown>)]).toEqual([2, 3]);
  });

  it('are in no file of the logs', async () => {
    const root = join(directory(), 'store');
    await using storage = new FilesystemStorage(root);
    const store = new FeatureStore({ storage });
    await store.apply([view]);
    for (const customer of ['anna-karenina', 'bert', 'carl']) await store.ingest(view, [{ customer, at: 1000, amount: 1 }]);
    const holders = (): string[] => readdirSync(join(root, 'logs'), { recursive: true, encoding: 'utf8' })
      .map((name) => join(root, 'logs', name))
      .filter((path) => statSync(path).isFile() && readFileSync(path).includes('anna-karenina'));
    expect(holders()).toHaveLength(1);
    await rewritableLog(storage, rowsKey).rewrite((entry) => !Buffer.from(entry.bytes).includes('anna-karenina'));
    expect(holders()).toEqual([]);
    await store.ingest(view, [{ customer: 'dora', at: 1000, amount: 1 }]);
    expect(holders()).toEqual([]);
  });
});
