import { throwIfAborted } from '../core/abort.ts';
import { systemClock, type Clock } from '../core/clock.ts';
import type { Digest } from '../core/digest.ts';
import { durationMs, type Duration } from '../core/duration.ts';
import { describeFailure } from '../core/failure.ts';
import { isModelkeepError, type ErrorCode } from '../core/errors.ts';
import type { Key } from '../core/key.ts';
import type { LongOperationOptions } from '../core/progress.ts';
import { checkGenerations } from './check-generations.ts';
import type { ListEntry, ListQuery, StorageAdapter, StoredRecord, StoreFinding } from './contract.ts';
import { DigestSet } from './digest-set.ts';
import { readNotes } from './garbage-notes.ts';
import { generationOf, logOfPointer } from './log-generations.ts';
import { inBatches, type ScannedRecord } from './record-scan.ts';

/** How a store is checked. */
export interface CheckStoreOptions extends LongOperationOptions {
  /** Also mends what can be mended without a decision: leftovers and half-done rewritings that are older than `grace`, and logs that were rewritten and are still there. @default false */
  readonly repair?: boolean | undefined;
  /** Also reads every blob and every entry of every log, to the last byte. Otherwise blobs are looked for, and only records are read. @default true */
  readonly deep?: boolean | undefined;
  /** What is younger may belong to a writer that is running. @default '1d' */
  readonly grace?: Duration | undefined;
  /** @default the host's */
  readonly clock?: Clock | undefined;
}

/**
 * Looks through a whole store and tells of everything that is wrong with it: records that cannot be read, blobs that a record names and that are missing or are not what their digest says, logs
 * that cannot be read or have gaps, blobs that no record names, logs that a rewriting left behind, and what the adapter itself finds in its layout. A store that is well gives nothing. One damaged
 * thing does not stop the look.
 *
 * Others may go on writing. What they are at in this moment (a blob whose record is not yet written) may be told of as a `leftover`. It never deletes what someone may want: damage stays as it
 * is for whoever has a copy, and blobs that no record names are left to `collectGarbage`.
 *
 * Throws when the store as a whole cannot be reached, and `AbortedError` when the signal fires.
 *
 * @example
 * ```ts
 * import { checkStore, MemoryStorage } from 'modelkeep';
 *
 * const storage = new MemoryStorage();
 * await storage.write([{ kind: 'put', key: 'models/1', bytes: new Uint8Array(1), blobs: [`sha256:${'0'.repeat(64)}`] }]);
 * for await (const { kind, where, message } of checkStore(storage)) console.log(kind, where, message); // damage models/1 …
 * ```
 */
export async function* checkStore(storage: StorageAdapter, options: CheckStoreOptions = {}): AsyncGenerator<StoreFinding> {
  const graceMs = durationMs(options.grace ?? '1d', 'grace');
  const told = new Set<string>();
  for await (const finding of new StoreCheck(storage, graceMs, options).findings()) {
    // The adapter and the look at the contents may come upon the same damage.
    const id = `${finding.where} ${finding.message}`;
    if (!told.has(id)) yield finding;
    told.add(id);
  }
}

// With these, it is not one thing that is damaged.
const fatal: ReadonlySet<ErrorCode> = new Set(['aborted', 'closed', 'unauthorized', 'forbidden', 'unavailable', 'timeout', 'not-a-store', 'unknown-store-version', 'unsupported']);

/** One look through a store. */
class StoreCheck {
  readonly #storage: StorageAdapter;
  readonly #graceMs: number;
  readonly #options: CheckStoreOptions;
  readonly #named = new DigestSet();
  readonly #present = new DigestSet();
  /** Logs that were ever rewritten. */
  readonly #rewritten = new Set<Key>();
  readonly #logRoots = new Set<string>();
  /** Whether all records could be read, so that what none names is known. */
  #complete = true;

  constructor(storage: StorageAdapter, graceMs: number, options: CheckStoreOptions) {
    this.#storage = storage;
    this.#graceMs = graceMs;
    this.#options = options;
  }

  async *findings(): AsyncGenerator<StoreFinding> {
    const { signal, repair = false, clock = systemClock } = this.#options;
    throwIfAborted(signal, 'The check of the store');
    yield* this.#storage.inspect?.({ repair, graceMs: this.#graceMs, signal }) ?? [];
    // Listed before the records are read: a blob that is written later is looked for when it is missed.
    for await (const found of this.#list({ kind: 'blob' })) if ('key' in found) this.#present.add(found.key as Digest);
    yield* this.#logs();
    yield* this.#records();
    yield* checkGenerations(this.#storage, this.#rewritten, { repair, graceMs: this.#graceMs, clock, signal });
    yield* this.#blobs();
    yield* this.#notes(clock.now());
  }

  async *#records(): AsyncGenerator<StoreFinding> {
    const { onProgress } = this.#options;
    let done = 0;
    for await (const batch of this.#recordBatches()) {
      if ('kind' in batch) {
        yield batch;
        continue;
      }
      for (const { key, record } of batch) {
        const log = logOfPointer(key);
        if (log !== undefined) this.#rewritten.add(log);
        yield* this.#namedBlobs(key, record);
      }
      done += batch.length;
      onProgress?.({ phase: 'check records', done });
    }
  }

  async *#recordBatches(): AsyncGenerator<readonly ScannedRecord[] | StoreFinding> {
    let failed = false;
    for await (const found of this.#pages({})) {
      if (!('entries' in found)) {
        failed = true;
        this.#complete = false;
        yield found;
        continue;
      }
      for (const keys of inBatches(found.entries)) yield* this.#read(keys);
    }
    if (!failed) return;
    // What cannot be listed as a whole may be in parts: logs tell where else there is something.
    for (const root of this.#logRoots) {
      for await (const found of this.#pages({ prefix: `${root}/` })) {
        if ('entries' in found) for (const keys of inBatches(found.entries)) yield* this.#read(keys);
      }
    }
  }

  async *#read(keys: readonly Key[]): AsyncGenerator<readonly ScannedRecord[] | StoreFinding> {
    const { signal } = this.#options;
    let records: (StoredRecord | undefined)[];
    try {
      records = await this.#storage.read(keys, { signal });
    } catch (error) {
      this.#throwIfFatal(error);
      if (keys.length > 1) {
        for (const key of keys) yield* this.#read([key]);
        return;
      }
      this.#complete = false;
      yield damage(keys[0]!, describeFailure(error).message);
      return;
    }
    yield records.flatMap((record, i) => (record === undefined ? [] : [{ key: keys[i]!, record }]));
  }

  async *#namedBlobs(key: Key, { blobs }: StoredRecord): AsyncGenerator<StoreFinding> {
    for (const digest of blobs) {
      this.#named.add(digest);
      if (this.#present.has(digest)) continue;
      const [now] = await this.#storage.read([key], { signal: this.#options.signal });
      const found = await this.#storage.readBlob(digest, { range: { start: 0, end: 0 }, signal: this.#options.signal });
      if (found !== undefined) this.#present.add(digest);
      else if (now?.blobs.includes(digest)) yield damage(key, `The blob ${digest} is missing, which the record ${key} names; restore it from a copy, or delete the record.`);
    }
  }

  async *#logs(): AsyncGenerator<StoreFinding> {
    const { deep = true, onProgress } = this.#options;
    let done = 0;
    for await (const found of this.#list({ kind: 'log' })) {
      if (!('key' in found)) {
        yield found;
        continue;
      }
      this.#logRoots.add(found.key.split('/')[0]!);
      const { log, generation } = generationOf(found.key);
      if (generation !== '') this.#rewritten.add(log);
      if (deep) yield* this.#entries(found.key);
      onProgress?.({ phase: 'check logs', done: ++done });
    }
  }

  async *#entries(key: Key): AsyncGenerator<StoreFinding> {
    const last = new Map<string, number>();
    try {
      for await (const { writer, sequence } of this.#storage.readLog(key, { signal: this.#options.signal })) {
        const expected = (last.get(writer) ?? 0) + 1;
        if (sequence !== expected) yield damage(key, `The log ${key} has entry ${sequence} of ${writer} where ${expected} should be; restore the store from a copy.`);
        last.set(writer, sequence);
      }
    } catch (error) {
      this.#throwIfFatal(error);
      yield damage(key, describeFailure(error).message);
    }
  }

  async *#blobs(): AsyncGenerator<StoreFinding> {
    const { deep = true, onProgress } = this.#options;
    let done = 0;
    for await (const found of this.#list({ kind: 'blob' })) {
      if (!('key' in found)) {
        yield found;
        continue;
      }
      const digest = found.key as Digest;
      const named = this.#named.has(digest);
      if (this.#storage.supports.sharesBlobs && !named) continue;
      if (deep) yield* this.#blob(found, digest);
      if (!named && this.#complete) yield leftover(digest, `The blob ${digest} of ${found.size} bytes is named by no record; collectGarbage() deletes it when its grace is over.`);
      onProgress?.({ phase: 'check blobs', done: ++done });
    }
  }

  async *#blob({ size }: ListEntry, digest: Digest): AsyncGenerator<StoreFinding> {
    const { signal } = this.#options;
    try {
      let read = 0;
      for await (const chunk of (await this.#storage.readBlob(digest, { signal })) ?? []) read += chunk.length;
      const still = read === size || (await this.#storage.readBlob(digest, { range: { start: 0, end: 0 }, signal })) !== undefined;
      if (read !== size && still) yield damage(digest, `The blob ${digest} has ${read} bytes and is listed with ${size}; write it again from a copy.`);
    } catch (error) {
      this.#throwIfFatal(error);
      // It was deleted before it was read.
      if (isModelkeepError(error, 'not-found')) return;
      yield damage(digest, describeFailure(error).message);
    }
  }

  /** Notes from the future keep garbage for as long. */
  async *#notes(now: number): AsyncGenerator<StoreFinding> {
    if (this.#storage.supports.sharesBlobs || !this.#complete) return;
    const latest = Math.max(0, ...[...(await readNotes(this.#storage, { signal: this.#options.signal })).values()].flatMap((part) => Object.values(part).map((note) => note.at)));
    if (latest - now <= this.#graceMs) return;
    yield leftover('_garbage', `Garbage was noted for ${new Date(latest).toISOString()}, by a clock that was ahead, and is kept until then; delete the records under _garbage/ to begin anew.`);
  }

  async *#list(query: ListQuery): AsyncGenerator<ListEntry | StoreFinding> {
    for await (const page of this.#pages(query)) {
      if ('entries' in page) yield* page.entries;
      else yield page;
    }
  }

  /** The pages of a list. Where it cannot be had, it goes on behind what is in the way, if the error says what that is. */
  async *#pages(query: ListQuery): AsyncGenerator<{ readonly entries: readonly ListEntry[] } | StoreFinding> {
    const kind = query.kind ?? 'record';
    let after = '';
    let limit = 1000;
    for (;;) {
      try {
        const page = await this.#storage.list({ ...query, after: after === '' ? undefined : after, limit }, { signal: this.#options.signal });
        yield { entries: page.entries };
        if (page.next === undefined) return;
        after = page.next;
      } catch (error) {
        this.#throwIfFatal(error);
        if (limit > 1) {
          limit = Math.floor(limit / 10);
          continue;
        }
        const { message } = describeFailure(error);
        const { key } = isModelkeepError(error) ? (error.details as { readonly key?: string }) : {};
        yield damage(key ?? `${kind}s`, message);
        if (key === undefined || key <= after || !/^[a-z0-9_-]/.test(key)) return;
        after = key;
        limit = 1000;
      }
    }
  }

  #throwIfFatal(error: unknown): void {
    if (isModelkeepError(error) && fatal.has(error.code)) throw error;
    throwIfAborted(this.#options.signal, 'The check of the store');
  }
}

function damage(where: string, message: string): StoreFinding {
  return { kind: 'damage', where, message, repaired: false };
}

function leftover(where: string, message: string): StoreFinding {
  return { kind: 'leftover', where, message, repaired: false };
}
