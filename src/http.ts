export { HttpStorage } from './storage/http/http-storage.ts';
export type { HttpRetryOptions, HttpStorageOptions } from './storage/http/http-storage-options.ts';
