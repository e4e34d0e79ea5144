export { storageConformance } from './storage/conformance/storage-conformance.ts';
export type { StorageConformanceOptions } from './storage/conformance/storage-conformance.ts';
export type { ClaimedSupports, ConformanceStore } from './storage/conformance/test-store.ts';
