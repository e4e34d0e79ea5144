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

/** Key of a chunk: the upload that wrote it, where its bytes begin in the blob, and how many they are. */
type ChunkKey = [staging: string, start: number, length: number];

const chunkBytes = 1 << 20;
/** How long a writer may be silent before its chunks are taken for those of a dead one. */
export const deadAfterMs: number = 24 * 60 * 60 * 1000;

/**
 * The blobs of a database. A transaction ends while it waits for a source, so each chunk is written in a transaction of its own, under a name that nobody knows yet; the
 * last one brings the head that gives the blob this name, and with that it is there. Chunks are flushed like heads: nothing promises that a flush takes earlier, relaxed
 * transactions with it, and Chromium keeps large values in files of their own.
 */
export class BlobStore {
  readonly #database: Database;
  #collected: Promise<unknown> | undefined;

  constructor(database: Database) {
    this.#database = database;
  }

  async write(source: AsyncIterable<Uint8Array>, { digest, signal }: BlobOptions): Promise<BlobRef> {
    const staging = newId();
    const hasher = createHasher();
    let parts: Uint8Array[] = [];
    let [staged, size] = [0, 0];
    let writing: Promise<void> | undefined;
    try {
      for await (const piece of checkedChunks(source, signal)) {
        hasher.update(piece);
        // The slice of a Buffer would share its memory.
        parts.push(new Uint8Array(piece));
        size += piece.length;
        if (size - staged < chunkBytes) continue;
        // The disk and the hash work at the same time, one chunk apart.
        await writing;
        writing = this.#stage(staging, staged, concatBytes(parts));
        writing.catch(() => undefined);
        parts = [];
        staged = size;
      }
      await writing;
      throwIfAborted(signal, 'Writing the blob');
      const found = hasher.digest();
      if (digest !== undefined && digest !== found) throw new IntegrityError(`The blob was to be ${digest}, but its bytes hash to ${found}; nothing was kept.`, { key: digest, found });
      await this.#commit(found, staging, staged, concatBytes(parts));
      return { digest: found, size };
    } catch (error) {
      await writing?.catch(() => undefined);
      // What cannot be removed now is left to whoever collects the chunks of dead writers.
      if (staged > 0) await this.#database.transact('relaxed', ['chunks', 'staging'], (chunks, uploads) => this.#unstage(chunks, uploads, staging)).catch(() => undefined);
      throw error;
    }
  }

  async read(digest: Digest, { range, signal }: ReadBlobOptions): Promise<AsyncIterable<Uint8Array> | undefined> {
    clipRange(range, 0);
    const found = await this.#database.transact('readonly', ['blobs'], (blobs) => this.#find(blobs, digest));
    if (found === null) return undefined;
    const { start, end } = clipRange(range, parseHead(found.key).size);
    const chunks = this.#chunks(digest, start, end, signal);
    return range === undefined ? verifiedBytes(chunks, digest) : chunks;
  }

  delete(digest: Digest, match: Version | undefined): Promise<void> {
    return this.#database.transact('strict', ['blobs', 'chunks'], (blobs, chunks) => this.#remove(blobs, chunks, digest, match));
  }

  /** The names of uploads that have been silent for so long; `remove` removes their chunks. */
  abandoned(silentMs: number, remove: boolean): Promise<string[]> {
    return this.#database.transact(remove ? 'strict' : 'readonly', ['chunks', 'staging'], async (chunks, uploads) => {
      const [names, times] = await Promise.all([promisifyRequest(uploads.getAllKeys()), promisifyRequest<number[]>(uploads.getAll())]);
      const since = this.#database.context.clock.now() - silentMs;
      const dead = (names as string[]).filter((_name, i) => times[i]! <= since);
      if (remove) for (const name of dead) this.#unstage(chunks, uploads, name);
      return dead;
    });
  }

  /** Whether all chunks of a blob are there, or it is not there itself. */
  isWhole(digest: Digest): Promise<boolean> {
    return this.#database.transact('readonly', ['blobs', 'chunks'], async (blobs, chunks) => {
      const found = await this.#find(blobs, digest);
      return found === null || (await this.#bytesOf(chunks, found.value as string)) === parseHead(found.key).size;
    });
  }

  async #stage(staging: string, start: number, bytes: Uint8Array): Promise<void> {
    // Once, beside the first work of the kind; what fails here is found by inspect().
    await (this.#collected ??= this.abandoned(deadAfterMs, true).catch(() => undefined));
    await this.#database.transact('strict', ['chunks', 'staging'], (chunks, uploads) => {
      putChunks(chunks, staging, start, bytes);
      uploads.put(this.#database.context.clock.now(), staging);
    });
  }

  #unstage(chunks: IDBObjectStore, uploads: IDBObjectStore, staging: string): void {
    chunks.delete(arrayRange(this.#database.ranges, staging));
    uploads.delete(staging);
  }

  #commit(digest: Digest, staging: string, staged: number, last: Uint8Array): Promise<void> {
    return this.#database.transact('strict', ['blobs', 'chunks', 'staging'], async (blobs, chunks, uploads) => {
      if ((await this.#bytesOf(chunks, staging)) !== staged) {
        throw new StorageError('storage', `The chunks of the blob ${digest} were collected as those of a dead writer; write it again.`, { key: digest });
      }
      // Over a blob that is there already too: that refreshes it, and mends it if it was damaged.
      await this.#remove(blobs, chunks, digest, undefined);
      putChunks(chunks, staging, staged, last);
      blobs.put(staging, headOf(digest, this.#database.context.newVersion(), staged + last.length));
      uploads.delete(staging);
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
    chunks.delete(arrayRange(this.#database.ranges, found.value as string));
  }

  async #bytesOf(chunks: IDBObjectStore, staging: string): Promise<number> {
    const keys = (await promisifyRequest(chunks.getAllKeys(arrayRange(this.#database.ranges, staging)))) as ChunkKey[];
    return keys.reduce((sum, [, , length]) => sum + length, 0);
  }

  async *#chunks(digest: Digest, start: number, end: number, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
    const next = (at: number): Promise<Uint8Array> | undefined => {
      const reading = at < end ? this.#part(digest, at, end) : undefined;
      reading?.catch(() => undefined);
      return reading;
    };
    for (let at = start, part, ahead = next(at); (part = await ahead) !== undefined; yield part) {
      throwIfAborted(signal, 'Reading the blob');
      ahead = next((at += part.length));
    }
  }

  /** The bytes from `at` to the end of their chunk, or to `end`. The blob is found anew for each: written again meanwhile, the same bytes are in another place. */
  #part(digest: Digest, at: number, end: number): Promise<Uint8Array> {
    return this.#database.transact('readonly', ['blobs', 'chunks'], async (blobs, chunks) => {
      const found = await this.#find(blobs, digest);
      if (found === null) throw new NotFoundError(`The blob ${digest} was deleted while it was read.`, { key: digest });
      const staging = found.value as string;
      const cursor = await promisifyRequest(chunks.openCursor(this.#database.ranges.bound([staging], [staging, at, []]), 'prev'));
      const [, start, length] = (cursor?.key ?? ['', 0, 0]) as ChunkKey;
      const bytes = cursor?.value as Uint8Array | undefined;
      if (bytes?.length !== length || at >= start + length) throw new IntegrityError(`The blob ${digest} is damaged. Restore it from a copy or write it again.`, { key: digest });
      return at === start && end >= start + length ? bytes : bytes.slice(at - start, end - start);
    });
  }
}

/** Puts bytes in chunks of a size that a reader may well hold. */
function putChunks(chunks: IDBObjectStore, staging: string, start: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    const chunk = bytes.slice(at, at + chunkBytes);
    chunks.put(chunk, [staging, start + at, chunk.length] satisfies ChunkKey);
  }
}
