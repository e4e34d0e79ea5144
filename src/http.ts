export { HttpStorage } from './storage/http/http-storage.ts';
export type { HttpRetryOptions, HttpStorageOptions } from './storage/http/http-storage-options.ts';
export type { Token } from './storage/http/token-source.ts';
