import { promisifyRequest } from 'idb-keyval';
import { throwIfAborted } from '../../core/abort.ts';
import { concatBytes } from '../../core/bytes.ts';
import type { Clock } from '../../core/clock.ts';
import { createHasher, type Digest } from '../../core/digest.ts';
import { ConflictError, IntegrityError, NotFoundError, StorageError } from '../../core/errors.ts';
import { newId } from '../../core/ids.ts';
import { clipRange } from '../blob-range.ts';
import { checkedChunks } from '../blob-source.ts';
import type { BlobOptions, BlobRef, ReadBlobOptions, Version } from '../contract.ts';
import { verifiedBytes } from '../verified-bytes.ts';
import type { Database, StoreOf } from './database.ts';
import { arrayRange, headOf, headRange, type KeyRanges, parseHead } from './layout.ts';

/** Where the bytes of a blob are. */
export interface Manifest {
  /** First part of the keys of its chunks. */
  readonly staging: string;
  /** Bytes of each of its chunks but the last. */
  readonly chunkBytes: number;
}

interface Located extends Manifest {
  readonly size: number;
}

const chunkBytes = 1 << 20;
/** How long a writer may be silent before its chunks are taken for those of a dead one. */
export const deadAfterMs: number = 24 * 60 * 60 * 1000;

/**
 * The blobs of a database. A transaction ends while it waits for a source, so each chunk is written in a transaction of its own, under a name that nobody knows yet; the
 * last one brings the manifest with it, and with that the blob is there.
 */
export class BlobStore {
  readonly #database: Database;
  readonly #ranges: KeyRanges;
  readonly #newVersion: () => Version;
  readonly #clock: Clock;
  #collected: Promise<unknown> | undefined;

  constructor(database: Database, ranges: KeyRanges, newVersion: () => Version, clock: Clock) {
    this.#database = database;
    this.#ranges = ranges;
    this.#newVersion = newVersion;
    this.#clock = clock;
  }

  async write(source: AsyncIterable<Uint8Array>, { digest, signal }: BlobOptions): Promise<BlobRef> {
    const staging = newId();
    const hasher = createHasher();
    let parts: Uint8Array[] = [];
    let filled = 0;
    let size = 0;
    let staged = 0;
    let writing: Promise<void> | undefined;
    try {
      for await (const piece of checkedChunks(source, signal)) {
        hasher.update(piece);
        size += piece.length;
        for (let at = 0; at < piece.length; ) {
          if (filled === chunkBytes) {
            // The disk and the hash work at the same time, one chunk apart.
            await writing;
            writing = this.#stage(staging, staged++, concatBytes(parts));
            writing.catch(() => undefined);
            parts = [];
            filled = 0;
          }
          const part = piece.slice(at, at + chunkBytes - filled);
          parts.push(part);
          filled += part.length;
          at += part.length;
        }
      }
      await writing;
      throwIfAborted(signal, 'Writing the blob');
      const found = hasher.digest();
      if (digest !== undefined && digest !== found) {
        throw new IntegrityError(`The blob was to be ${digest}, but its bytes hash to ${found}; nothing was kept.`, { key: digest, found });
      }
      await this.#commit(found, size, staging, staged, concatBytes(parts));
      return { digest: found, size };
    } catch (error) {
      await writing?.catch(() => undefined);
      // What cannot be removed now is left to whoever collects the chunks of dead writers.
      if (staged > 0) await this.#discard(staging).catch(() => undefined);
      throw error;
    }
  }

  async read(digest: Digest, { range, signal }: ReadBlobOptions): Promise<AsyncIterable<Uint8Array> | undefined> {
    clipRange(range, 0);
    const located = await this.#database.transact('readonly', ['blobs'], (storeOf) => this.#locate(storeOf, digest));
    if (located === undefined) return undefined;
    const { start, end } = clipRange(range, located.size);
    const chunks = this.#chunks(digest, start, end, located, signal);
    return range === undefined ? verifiedBytes(chunks, digest, createHasher) : chunks;
  }

  delete(digest: Digest, match: Version | undefined): Promise<void> {
    return this.#database.transact('strict', ['blobs', 'chunks'], async (storeOf) => {
      const removed = await this.#remove(storeOf, digest, match);
      if (removed === 'kept') throw new ConflictError(`The blob ${digest} was written anew since version ${match} was listed; it stays.`, { key: digest });
    });
  }

  /** The names of uploads that have been silent for longer than `silentMs`; `remove` removes their chunks. */
  abandoned(silentMs: number, remove: boolean): Promise<string[]> {
    return this.#database.transact(remove ? 'strict' : 'readonly', ['staging', 'chunks'], async (storeOf) => {
      const [names, times] = await Promise.all([promisifyRequest(storeOf('staging').getAllKeys()), promisifyRequest<number[]>(storeOf('staging').getAll())]);
      const now = this.#clock.now();
      const dead = (names as string[]).filter((_name, i) => now - times[i]! >= silentMs);
      if (remove) for (const name of dead) this.#unstage(storeOf, name);
      return dead;
    });
  }

  async #stage(staging: string, index: number, bytes: Uint8Array): Promise<void> {
    this.#collected ??= this.abandoned(deadAfterMs, true).catch((error: unknown) => {
      this.#collected = undefined;
      throw error;
    });
    await this.#collected;
    await this.#database.transact('strict', ['chunks', 'staging'], async (storeOf) => {
      storeOf('chunks').put(bytes, [staging, index]);
      storeOf('staging').put(this.#clock.now(), staging);
    });
  }

  #discard(staging: string): Promise<void> {
    return this.#database.transact('relaxed', ['chunks', 'staging'], async (storeOf) => this.#unstage(storeOf, staging));
  }

  #unstage(storeOf: StoreOf, staging: string): void {
    storeOf('chunks').delete(arrayRange(this.#ranges, staging));
    storeOf('staging').delete(staging);
  }

  #commit(digest: Digest, size: number, staging: string, staged: number, last: Uint8Array): Promise<void> {
    return this.#database.transact('strict', ['blobs', 'chunks', 'staging'], async (storeOf) => {
      if (staged > 0 && (await promisifyRequest(storeOf('chunks').count(arrayRange(this.#ranges, staging)))) !== staged) {
        throw new StorageError('storage', `The chunks of the blob ${digest} were collected as those of a dead writer before it was whole; write it again.`, { key: digest });
      }
      // Over a blob that is there already too: that refreshes it, and mends it if it was damaged.
      await this.#remove(storeOf, digest, undefined);
      if (last.length > 0) storeOf('chunks').put(last, [staging, staged]);
      storeOf('blobs').put({ staging, chunkBytes } satisfies Manifest, headOf(digest, this.#newVersion(), size));
      storeOf('staging').delete(staging);
    });
  }

  async #remove(storeOf: StoreOf, digest: Digest, match: Version | undefined): Promise<'removed' | 'kept' | 'absent'> {
    const cursor = await promisifyRequest(storeOf('blobs').openCursor(headRange(this.#ranges, digest)));
    if (cursor === null) return 'absent';
    if (match !== undefined && parseHead(cursor.key).version !== match) return 'kept';
    storeOf('blobs').delete(cursor.key);
    storeOf('chunks').delete(arrayRange(this.#ranges, (cursor.value as Manifest).staging));
    return 'removed';
  }

  async #locate(storeOf: StoreOf, digest: Digest): Promise<Located | undefined> {
    const cursor = await promisifyRequest(storeOf('blobs').openCursor(headRange(this.#ranges, digest)));
    return cursor === null ? undefined : { ...(cursor.value as Manifest), size: parseHead(cursor.key).size };
  }

  async *#chunks(digest: Digest, start: number, end: number, located: Located, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
    const next = (at: number): Promise<Uint8Array | undefined> => {
      const reading = at < end ? this.#part(digest, at, end, located) : Promise.resolve(undefined);
      reading.catch(() => undefined);
      return reading;
    };
    let at = start;
    for (let ahead = next(at); ; ) {
      const part = await ahead;
      throwIfAborted(signal, 'Reading the blob');
      if (part === undefined) return;
      at += part.length;
      ahead = next(at);
      yield part;
    }
  }

  /** The bytes from `at` to the end of their chunk, or to `end`. Written anew meanwhile, the blob has the same bytes in another place. */
  #part(digest: Digest, at: number, end: number, located: Located): Promise<Uint8Array> {
    return this.#database.transact('readonly', ['blobs', 'chunks'], async (storeOf) => {
      const part = (await partOf(storeOf, at, end, located)) ?? (await this.#partAnew(storeOf, digest, at, end));
      if (part === undefined) throw new IntegrityError(`The blob ${digest} is damaged: its bytes at ${at} are missing. Restore it from a copy or write it again.`, { key: digest });
      return part;
    });
  }

  async #partAnew(storeOf: StoreOf, digest: Digest, at: number, end: number): Promise<Uint8Array | undefined> {
    const located = await this.#locate(storeOf, digest);
    if (located === undefined) throw new NotFoundError(`The blob ${digest} was deleted while it was read.`, { key: digest });
    return partOf(storeOf, at, end, located);
  }
}

/** The bytes of one chunk, or undefined when it is not there or not of the length that it must have. */
async function partOf(storeOf: StoreOf, at: number, end: number, { staging, chunkBytes: length, size }: Located): Promise<Uint8Array | undefined> {
  const index = Math.floor(at / length);
  const from = index * length;
  const chunk = await promisifyRequest<Uint8Array | undefined>(storeOf('chunks').get([staging, index]));
  if (chunk?.length !== Math.min(length, size - from)) return undefined;
  return at === from && end >= from + chunk.length ? chunk : chunk.slice(at - from, end - from);
}
