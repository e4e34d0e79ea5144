import * as z from 'zod/mini';
import { systemClock, type Clock } from '../core/clock.ts';
import { assertDigest } from '../core/digest.ts';
import { throwIfAborted } from '../core/abort.ts';
import { clockOption } from '../core/option-schemas.ts';
import { check } from '../core/schema.ts';
import type { StorageAdapter } from './contract.ts';
import { LocalBlobs } from './local-blobs.ts';
import { storageOption } from './storage-option.ts';
import { ViewLifetime } from './view-lifetime.ts';

/** Where blobs are kept, and how many bytes of them. */
export interface LocalBlobsOptions {
  /** A store for nothing but this, such as a `FilesystemStorage` in a cache directory or an `IndexedDBStorage`. Several processes or tabs may share it. */
  readonly local: StorageAdapter;
  /** All blobs that are kept, in bytes; what was used longest ago goes first. Besides them there is what is being fetched, and what other processes fetched in the last ten seconds. */
  readonly maxBytes: number;
  /** Blobs larger than this are passed on and not kept, in bytes. @default `maxBytes` */
  readonly maxEntryBytes?: number | undefined;
  /** @default the host's */
  readonly clock?: Clock | undefined;
}

const bytes = /* @__PURE__ */ z.number().check(/* @__PURE__ */ z.int(), /* @__PURE__ */ z.nonnegative());
const optionsSchema = /* @__PURE__ */ z.strictObject({ local: storageOption, maxBytes: bytes, maxEntryBytes: /* @__PURE__ */ z.optional(bytes), clock: clockOption });

/**
 * A slow store, such as one on a server, whose blobs are kept in a local one once they were read: a model that was loaded before is loaded from the disk, also by the next process and without
 * fetching anything but its record.
 *
 * A blob that is read whole is first fetched whole into the local store, then read from there; readers of one blob at one time share one fetch. Nothing of a kept blob is given before it was verified
 * again: up to 8 MiB it is held in memory for that, and a larger one is read through once by each process. A blob that was damaged in the local store is dropped and fetched anew, and what else goes wrong
 * there (a full disk, a quota) makes the reader ask the slow store. Reads of a part use what is kept, and fetch no more than the part otherwise.
 *
 * Everything else goes to the slow store as it comes. A blob that someone else deleted may be read from here for as long as it is kept. Closing it leaves both stores open.
 *
 * @example
 * ```ts
 * import { MemoryStorage, Registry, withLocalBlobs } from 'modelkeep';
 * import { FilesystemStorage } from 'modelkeep/filesystem';
 *
 * const remote = new MemoryStorage(); // new HttpStorage('https://models.example.com')
 * const storage = withLocalBlobs(remote, { local: new FilesystemStorage('model-cache'), maxBytes: 2 * 1024 ** 3 });
 * const registry = new Registry({ storage });
 * console.log((await registry.listModels()).items);
 * ```
 */
export function withLocalBlobs(storage: StorageAdapter, options: LocalBlobsOptions): StorageAdapter {
  const { local, maxBytes, maxEntryBytes = maxBytes, clock = systemClock } = check(optionsSchema, options, 'options');
  const blobs = new LocalBlobs(storage, local, { maxBytes, maxEntryBytes: Math.min(maxEntryBytes, maxBytes), clock });
  const lifetime = new ViewLifetime(`The view of ${storage.name} with local blobs was closed; make another one with withLocalBlobs().`);
  const close = async (): Promise<void> => {
    await blobs.close();
    await lifetime.close();
  };
  return {
    name: `${storage.name} with blobs in ${local.name}`,
    supports: storage.supports,
    read: (keys, options) => lifetime.enter(() => storage.read(keys, options)),
    write: (operations, options) => lifetime.enter(() => storage.write(operations, options)),
    list: (query, options) => lifetime.enter(() => storage.list(query, options)),
    append: (log, entries, options) => lifetime.enter(() => storage.append(log, entries, options)),
    async *readLog(log, query) {
      lifetime.assertOpen();
      yield* storage.readLog(log, query);
    },
    deleteLog: (log, options) => lifetime.enter(() => storage.deleteLog(log, options)),
    writeBlob: (source, options) => lifetime.enter(() => storage.writeBlob(source, options)),
    readBlob: (digest, options) =>
      lifetime.enter(() => {
        throwIfAborted(options?.signal, 'readBlob');
        return blobs.read(assertDigest(digest), options);
      }),
    deleteBlob: (digest, options) =>
      lifetime.enter(async () => {
        await storage.deleteBlob(digest, options);
        await blobs.forget(digest);
      }),
    ...(storage.onChange && { onChange: (wake) => lifetime.listen(() => storage.onChange!(wake)) }),
    ...(storage.inspect && { inspect: (options) => (lifetime.assertOpen(), storage.inspect!(options)) }),
    ...(storage.call && { call: (command, options) => lifetime.enter(() => storage.call!(command, options)) }),
    close,
    [Symbol.asyncDispose]: close,
  };
}
