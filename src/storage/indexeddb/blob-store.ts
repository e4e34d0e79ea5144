import { promisifyRequest } from 'idb-keyval';
import { throwIfAborted } from '../../core/abort.ts';
import { concatBytes } from '../../core/bytes.ts';
import { createHasher, type Digest } from '../../core/digest.ts';
import { ConflictError, IntegrityError, NotFoundError, StorageError } from '../../core/errors.ts';
import { newId } from '../../core/ids.ts';
import { clipRange } from '../blob-range.ts';
import { checkedChunks } from '../blob-source.ts';
import type { BlobOptions, BlobRef, ReadBlobOptions, Version } from '../contract.ts';
import { verifiedBytes } from '../verified-bytes.ts';
import type { Database } from './database.ts';
import { arrayRange, headOf, headRange, parseHead } from './layout.ts';

/** Where the bytes of a blob are. */
interface Manifest {
  /** First part of the keys of its chunks. */
  readonly staging: string;
  /** Bytes of each of its chunks but the last. */
  readonly chunkBytes: number;
}

const chunkBytes = 1 << 20;
/** How long a writer may be silent before its chunks are taken for those of a dead one. */
export const deadAfterMs: number = 24 * 60 * 60 * 1000;

/**
 * The blobs of a database. A transaction ends while it waits for a source, so each chunk is written in a transaction of its own, under a name that nobody knows yet; the
 * last one brings the manifest with it, and with that the blob is there. Chunks are flushed like manifests: nothing promises that a flush takes earlier, relaxed
 * transactions with it, and Chromium keeps large values in files of their own.
 */
export class BlobStore {
  readonly #database: Database;
  #collected: Promise<unknown> | undefined;

  constructor(database: Database) {
    this.#database = database;
  }

  async write(source: AsyncIterable<Uint8Array>, { digest = undefined, signal }: BlobOptions): Promise<BlobRef> {
    const staging = newId();
    const hasher = createHasher();
    let parts: Uint8Array[] = [];
    let [filled, size, staged] = [0, 0, 0];
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
      if (digest !== undefined && digest !== found) throw new IntegrityError(`The blob was to be ${digest}, but its bytes hash to ${found}; nothing was kept.`, { key: digest, found });
      await this.#commit(found, size, staging, staged, concatBytes(parts));
      return { digest: found, size };
    } catch (error) {
      await writing?.catch(() => undefined);
      // What cannot be removed now is left to whoever collects the chunks of dead writers.
      if (staged > 0) await this.#database.transact('relaxed', ['chunks', 'staging'], (...stores) => this.#unstage(stores, staging)).catch(() => undefined);
      throw error;
    }
  }

  async read(digest: Digest, { range, signal }: ReadBlobOptions): Promise<AsyncIterable<Uint8Array> | undefined> {
    clipRange(range, 0);
    const found = await this.#database.transact('readonly', ['blobs'], (blobs) => this.#find(blobs, digest));
    if (found === null) return undefined;
    const { start, end } = clipRange(range, parseHead(found.key).size);
    const chunks = this.#chunks(digest, start, end, signal);
    return range === undefined ? verifiedBytes(chunks, digest, createHasher) : chunks;
  }

  delete(digest: Digest, match: Version | undefined): Promise<void> {
    return this.#database.transact('strict', ['blobs', 'chunks'], (blobs, chunks) => this.#remove(blobs, chunks, digest, match));
  }

  /** The names of uploads that have been silent for so long; `remove` removes their chunks. */
  abandoned(silentMs: number, remove: boolean): Promise<string[]> {
    return this.#database.transact(remove ? 'strict' : 'readonly', ['chunks', 'staging'], async (chunks, staging) => {
      const [names, times] = await Promise.all([promisifyRequest(staging.getAllKeys()), promisifyRequest<number[]>(staging.getAll())]);
      const since = this.#database.context.clock.now() - silentMs;
      const dead = (names as string[]).filter((_name, i) => times[i]! <= since);
      if (remove) for (const name of dead) this.#unstage([chunks, staging], name);
      return dead;
    });
  }

  /** Whether a blob has as many chunks as its size asks for, or is not there. */
  isWhole(digest: Digest): Promise<boolean> {
    return this.#database.transact('readonly', ['blobs', 'chunks'], async (blobs, chunks) => {
      const found = await this.#find(blobs, digest);
      if (found === null) return true;
      const { staging, chunkBytes: length } = found.value as Manifest;
      return (await promisifyRequest(chunks.count(arrayRange(this.#database.ranges, staging)))) === Math.ceil(parseHead(found.key).size / length);
    });
  }

  async #stage(staging: string, index: number, bytes: Uint8Array): Promise<void> {
    // Once, beside the first work of the kind; what fails here is found by inspect().
    await (this.#collected ??= this.abandoned(deadAfterMs, true).catch(() => undefined));
    await this.#database.transact('strict', ['chunks', 'staging'], (chunks, writers) => {
      chunks.put(bytes, [staging, index]);
      writers.put(this.#database.context.clock.now(), staging);
    });
  }

  #unstage([chunks, writers]: readonly IDBObjectStore[], staging: string): void {
    chunks!.delete(arrayRange(this.#database.ranges, staging));
    writers!.delete(staging);
  }

  #commit(digest: Digest, size: number, staging: string, staged: number, last: Uint8Array): Promise<void> {
    return this.#database.transact('strict', ['blobs', 'chunks', 'staging'], async (blobs, chunks, writers) => {
      if ((await promisifyRequest(chunks.count(arrayRange(this.#database.ranges, staging)))) !== staged) {
        throw new StorageError('storage', `The chunks of the blob ${digest} were collected as those of a dead writer; write it again.`, { key: digest });
      }
      // Over a blob that is there already too: that refreshes it, and mends it if it was damaged.
      await this.#remove(blobs, chunks, digest, undefined);
      if (last.length > 0) chunks.put(last, [staging, staged]);
      blobs.put({ staging, chunkBytes } satisfies Manifest, headOf(digest, this.#database.context.newVersion(), size));
      writers.delete(staging);
    });
  }

  #find(blobs: IDBObjectStore, digest: Digest): Promise<IDBCursorWithValue | null> {
    return promisifyRequest(blobs.openCursor(headRange(this.#database.ranges, digest)));
  }

  async #remove(blobs: IDBObjectStore, chunks: IDBObjectStore, digest: Digest, match: Version | undefined): Promise<void> {
    const found = await this.#find(blobs, digest);
    if (found === null) return;
    if (match !== undefined && parseHead(found.key).version !== match) {
      throw new ConflictError(`The blob ${digest} is not at version ${match} any more; it was kept. List it again.`, { key: digest });
    }
    blobs.delete(found.key);
    chunks.delete(arrayRange(this.#database.ranges, (found.value as Manifest).staging));
  }

  async *#chunks(digest: Digest, start: number, end: number, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
    const next = (at: number): Promise<Uint8Array> => {
      const reading = this.#part(digest, at, end);
      reading.catch(() => undefined);
      return reading;
    };
    for (let at = start, ahead = next(at); at < end; ) {
      const part = await ahead;
      throwIfAborted(signal, 'Reading the blob');
      at += part.length;
      if (at < end) ahead = next(at);
      yield part;
    }
  }

  /** The bytes from `at` to the end of their chunk, or to `end`. The blob is found anew for each: written again meanwhile, the same bytes are in another place. */
  #part(digest: Digest, at: number, end: number): Promise<Uint8Array> {
    return this.#database.transact('readonly', ['blobs', 'chunks'], async (blobs, chunks) => {
      const found = await this.#find(blobs, digest);
      if (found === null) throw new NotFoundError(`The blob ${digest} was deleted while it was read.`, { key: digest });
      const { staging, chunkBytes: length } = found.value as Manifest;
      const index = Math.floor(at / length);
      const from = index * length;
      const chunk = await promisifyRequest<Uint8Array | undefined>(chunks.get([staging, index]));
      if (chunk?.length !== Math.min(length, parseHead(found.key).size - from)) {
        throw new IntegrityError(`The blob ${digest} is damaged. Restore it from a copy or write it again.`, { key: digest });
      }
      return at === from && end >= from + chunk.length ? chunk : chunk.slice(at - from, end - from);
    });
  }
}
