export { IndexedDBStorage } from './storage/indexeddb/indexeddb-storage.ts';
export type { DatabaseFactory, IndexedDBStorageOptions, SpaceKeeper } from './storage/indexeddb/indexeddb-storage.ts';
export type { StorageQuota } from './storage/indexeddb/browser-error.ts';
