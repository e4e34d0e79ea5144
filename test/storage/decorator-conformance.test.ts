import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemoryStorage, cached, withLocalBlobs, withPrefix, withSegmentedLog } from 'modelkeep';
import { storageConformance, type ConformanceStore } from 'modelkeep/conformance';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { describe, it } from 'vitest';
import type { StorageAdapter } from '../../src/storage/contract.ts';
import { sharedMemory } from './shared-memory.ts';
import { withoutLogs } from './without-logs.ts';

type Decorate = (storage: StorageAdapter) => StorageAdapter;

/** A decorator that leaves the store open when it is closed, together with the store. */
const closingBoth =
  (decorate: Decorate): Decorate =>
  (storage) => {
    const view = decorate(storage);
    const close = (): Promise<void> => view.close().then(() => storage.close());
    return { ...view, close, [Symbol.asyncDispose]: close };
  };

const inDirectory =
  (decorate: Decorate) =>
  async (): Promise<ConformanceStore> => {
    const directory = await mkdtemp(join(tmpdir(), 'modelkeep-'));
    return {
      open: () => decorate(new FilesystemStorage(join(directory, 'store'), { durability: 'buffered', compactAt: 16_384 })),
      dispose: () => rm(directory, { recursive: true, force: true }),
    };
  };

const inMemory = (decorate: Decorate) => (): ConformanceStore => ({ open: () => decorate(new MemoryStorage()) });

const inSharedMemory = (decorate: Decorate) => (): ConformanceStore => {
  const { open } = sharedMemory();
  return { open: () => decorate(open()) };
};

const memory = { durability: 'memory', sharedBetweenProcesses: false } as const;
const shared = { durability: 'memory', sharedBetweenProcesses: true } as const;
const directory = { durability: 'buffered', sharedBetweenProcesses: true } as const;

const prefixed = closingBoth((storage) => withPrefix(storage, 'team-a/b'));
const segmented: Decorate = (storage) => withSegmentedLog(withoutLogs(storage));

storageConformance({ describe, it, supports: shared, name: 'withPrefix(shared memory)', createStore: inSharedMemory(prefixed) });
storageConformance({ describe, it, supports: memory, name: 'withSegmentedLog(MemoryStorage)', createStore: inMemory(segmented) });
storageConformance({ describe, it, supports: shared, name: 'withSegmentedLog(shared memory)', createStore: inSharedMemory(segmented) });
storageConformance({ describe, it, supports: directory, name: 'withSegmentedLog(FilesystemStorage)', createStore: inDirectory(segmented) });

for (const maxAge of [0, '1h'] as const) {
  const cache = closingBoth((storage) => cached(storage, { maxBytes: 1_000_000, maxAge }));
  storageConformance({ describe, it, supports: memory, name: `cached(MemoryStorage) with a maxAge of ${maxAge}`, createStore: inMemory(cache) });
}

const tiny = closingBoth((storage) => cached(storage, { maxBytes: 20_000, maxAge: '1h', maxEntryBytes: 5_000 }));
storageConformance({ describe, it, supports: memory, name: 'cached(MemoryStorage) with next to no room', createStore: inMemory(tiny) });

const beside = (maxBytes: number): Decorate => closingBoth((storage) => withLocalBlobs(storage, { local: new MemoryStorage(), maxBytes }));
storageConformance({ describe, it, supports: memory, name: 'withLocalBlobs(MemoryStorage)', createStore: inMemory(beside(50_000_000)) });
storageConformance({ describe, it, supports: memory, name: 'withLocalBlobs(MemoryStorage) with next to no room', createStore: inMemory(beside(20_000)) });

// A blob that another instance deleted may be read from a cache, and that is all that it may do.
const aboutBlobsOfOthers = 'what one instance wrote, another sees at once';
storageConformance({
  describe,
  it: (name, test) => (name === aboutBlobsOfOthers ? undefined : it(name, test)),
  supports: shared,
  name: 'cached(shared memory)',
  createStore: inSharedMemory(closingBoth((storage) => cached(storage, { maxBytes: 1_000_000 }))),
});
