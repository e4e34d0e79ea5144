import { IDBFactory, IDBKeyRange } from 'fake-indexeddb';
import { storageConformance } from 'modelkeep/conformance';
import { IndexedDBStorage } from 'modelkeep/indexeddb';
import { describe, it } from 'vitest';

storageConformance({
  describe,
  it,
  name: 'IndexedDBStorage over fake-indexeddb',
  supports: { durability: 'flushed', sharedBetweenProcesses: true },
  createStore: () => {
    const indexedDB = new IDBFactory();
    return { open: () => new IndexedDBStorage('store', { indexedDB, IDBKeyRange }) };
  },
});
