export { IndexedDBStorage } from './storage/indexeddb/indexeddb-storage.ts';
export type { IndexedDBStorageOptions } from './storage/indexeddb/indexeddb-storage.ts';
export type { StorageQuota } from './storage/indexeddb/browser-error.ts';
