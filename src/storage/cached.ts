import * as z from 'zod/mini';
import { throwIfAborted } from '../core/abort.ts';
import { systemClock, type Clock } from '../core/clock.ts';
import { assertDigest } from '../core/digest.ts';
import { durationMs, type Duration } from '../core/duration.ts';
import type { OperationOptions } from '../core/progress.ts';
import { clockOption } from '../core/option-schemas.ts';
import { check } from '../core/schema.ts';
import { BlobCache } from './blob-cache.ts';
import { ByteLru } from './byte-lru.ts';
import type { StorageAdapter } from './contract.ts';
import { RecordCache, type KeptRecord } from './record-cache.ts';
import { ViewLifetime } from './view-lifetime.ts';

/** What is kept, and for how long. */
export interface CacheOptions {
  /** All that is kept, in bytes, with what keeping it takes; never more. What is being fetched is not in it. */
  readonly maxBytes: number;
  /** How old a record may be that is read. @default 0: records are not kept */
  readonly maxAge?: Duration | undefined;
  /** Blobs and records larger than this are passed on and not kept, in bytes. @default a quarter of `maxBytes` */
  readonly maxEntryBytes?: number | undefined;
  /** @default the host's */
  readonly clock?: Clock | undefined;
}

const optionsSchema = /* @__PURE__ */ z.strictObject({
  maxBytes: /* @__PURE__ */ z.number().check(/* @__PURE__ */ z.int(), /* @__PURE__ */ z.nonnegative()),
  maxAge: /* @__PURE__ */ z.optional(/* @__PURE__ */ z.union([/* @__PURE__ */ z.number(), /* @__PURE__ */ z.string()])),
  maxEntryBytes: /* @__PURE__ */ z.optional(/* @__PURE__ */ z.number().check(/* @__PURE__ */ z.int(), /* @__PURE__ */ z.nonnegative())),
  clock: clockOption,
});

/**
 * A store with what was read from it kept in memory, within a bound of bytes; what was used least recently goes first.
 *
 * *Blobs* never change, so a blob that was read whole, and verified on the way, is kept until there is no room or it is deleted through here. Readers of one blob at one
 * time share one fetch. A blob that someone else deleted may be read from here for as long as it is kept. What is not there is asked for each time.
 *
 * *Records* are kept only when `maxAge` is given, and are then behind the store by that much at most, unless a read asks for what is `fresh`. What is written through here is seen through here at once.
 * Compare-and-swap stays exact: the store decides, and a refused write makes the next read ask the store. Lists and logs are passed through.
 *
 * Closing it ends the cache and leaves the store open.
 *
 * @example
 * ```ts
 * import { MemoryStorage, Registry, cached } from 'modelkeep';
 *
 * const remote = new MemoryStorage();
 * const storage = cached(remote, { maxBytes: 256 * 1024 * 1024, maxAge: '2s' });
 * const registry = new Registry({ storage });
 * console.log((await registry.listModels()).items);
 * ```
 */
export function cached(storage: StorageAdapter, options: CacheOptions): StorageAdapter {
  const { maxBytes, maxAge = 0, clock = systemClock, maxEntryBytes = Math.floor(maxBytes / 4) } = check(optionsSchema, options, 'options');
  const maxAgeMs = durationMs(maxAge as Duration, 'options.maxAge');
  const kept = new ByteLru<Uint8Array | KeptRecord>(maxBytes);
  const blobs = new BlobCache(storage, kept as ByteLru<Uint8Array>, Math.min(maxEntryBytes, maxBytes));
  const records = maxAgeMs === 0 ? undefined : new RecordCache(storage, kept as ByteLru<KeptRecord>, { maxAgeMs, maxRecordBytes: maxEntryBytes, clock });
  const lifetime = new ViewLifetime(`The cache of ${storage.name} was closed; make another one with cached().`);
  const enter = <T>(call: string, options: OperationOptions | undefined, start: () => Promise<T>): Promise<T> =>
    lifetime.enter(() => {
      throwIfAborted(options?.signal, call);
      return start();
    });
  const close = async (): Promise<void> => {
    await lifetime.close();
    kept.clear();
  };
  return {
    name: `cached ${storage.name}`,
    supports: storage.supports,
    read: (keys, options) => enter('read', options, () => (records ?? storage).read(keys, options)),
    write: (operations, options) => enter('write', options, () => (records ?? storage).write(operations, options)),
    list: (query, options) => enter('list', options, () => storage.list(query, options)),
    append: (log, entries, options) => enter('append', options, () => storage.append(log, entries, options)),
    async *readLog(log, query) {
      lifetime.assertOpen();
      yield* storage.readLog(log, query);
    },
    deleteLog: (log, options) => enter('deleteLog', options, () => storage.deleteLog(log, options)),
    writeBlob: (source, options) => enter('writeBlob', options, () => storage.writeBlob(source, options)),
    readBlob: (digest, options) => enter('readBlob', options, () => blobs.read(assertDigest(digest), options)),
    deleteBlob: (digest, options) =>
      enter('deleteBlob', options, async () => {
        blobs.forget(assertDigest(digest));
        try {
          await storage.deleteBlob(digest, options);
        } finally {
          blobs.forget(digest);
        }
      }),
    ...(storage.onChange && { onChange: (wake) => lifetime.listen(() => storage.onChange!(wake)) }),
    ...(storage.inspect && { inspect: (options) => (lifetime.assertOpen(), storage.inspect!(options)) }),
    ...(storage.call && {
      // What the guard of a domain's state changes is not known here.
      call: (command, options) => enter('call', options, () => (records ? records.during(() => storage.call!(command, options)) : storage.call!(command, options))),
    }),
    close,
    [Symbol.asyncDispose]: close,
  };
}
