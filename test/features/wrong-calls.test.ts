import { FeatureStore, featureView, MemoryStorage } from 'modelkeep';
import { describe, expect, it } from 'vitest';

/** A store as a program without types sees it. */
type AnyStore = Record<string, (...given: unknown[]) => Promise<unknown>>;

const view = featureView({ name: 'v', entity: ['k'], timestamp: 'at', features: { x: 'float64' } });

async function filled(): Promise<{ store: AnyStore; storage: MemoryStorage }> {
  const storage = new MemoryStorage();
  const store = new FeatureStore({ storage });
  await store.apply([view]);
  await store.ingest(view, [{ k: 'a', at: 1, x: 1 }]);
  return { store: store as unknown as AnyStore, storage };
}

describe('a call that is wrong', () => {
  it.each([
    ['forget', ['v'], 'entities is undefined; give a list of objects with the keys'],
    ['forget', ['v', { k: 'a' }], 'entities is {"k":"a"}; give a list of objects with the keys'],
    ['forget', ['v', 'a'], 'entities is "a"; give a list'],
    ['forget', ['v', [{ k: 'a' }], null], 'options must be an object.'],
    ['releaseQuarantined', ['v'], 'rows is undefined; give a list of ids of rows in quarantine'],
    ['releaseQuarantined', ['v', 'abc'], 'rows is "abc"; give a list'],
    ['rejectQuarantined', ['v'], 'ids is undefined; give a list of ids of rows in quarantine.'],
    ['rejectQuarantined', ['v', 'abc'], 'ids is "abc"; give a list'],
    ['checkSkew', [['v:x'], null], 'options must be an object.'],
    ['listCheckSuites', [null], 'options must be an object.'],
    ['getCheckSuite', ['s', null], 'options must be an object.'],
    ['getView', ['v', null], 'options must be an object.'],
    ['getView', ['v', { signal: 5 }], 'options.signal must be an AbortSignal'],
    ['listViews', [{ limit: 3 }], 'options has unknown options: limit.'],
    ['getDataset', ['d', null], 'options must be an object.'],
    ['deleteDataset', ['d', null], 'options must be an object.'],
    ['flush', [null], 'options must be an object.'],
    ['close', [null], 'options must be an object.'],
  ])('of %s with %j is refused by saying what is wrong, and nothing is written', async (method, given, message) => {
    const { store, storage } = await filled();
    const before = (await storage.list()).entries;
    await expect(store[method]!(...given)).rejects.toMatchObject({ code: 'validation', message: expect.stringContaining(message) as unknown });
    expect((await storage.list()).entries).toEqual(before);
  });
});
