import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { throwIfAborted } from '../../core/abort.ts';
import { systemClock } from '../../core/clock.ts';
import { isDigest, type Digest, type HasherFactory } from '../../core/digest.ts';
import { IntegrityError, NotFoundError } from '../../core/errors.ts';
import type { BlobOptions, BlobRef, ListEntry, ListPage, ReadBlobOptions } from '../contract.ts';
import { clipRange } from '../blob-range.ts';
import { checkedChunks } from '../blob-source.ts';
import type { CheckedListQuery } from '../list-page.ts';
import { verifiedBytes } from '../verified-bytes.ts';
import type { Directories } from './directories.ts';
import { readAt, syncIfThere, writeAll } from './file-reading.ts';
import { codeOf, type FileSystem, type OpenFile } from './file-system.ts';
import { storageError } from './system-error.ts';

const chunkBytes = 512 * 1024;
const kind = 'sha256';

/** SHA-256 by the host's native code. */
const createNativeHasher: HasherFactory = () => {
  const hash = createHash(kind);
  return {
    update(bytes) {
      hash.update(bytes);
    },
    digest: () => `sha256:${hash.digest('hex')}`,
  };
};

/** The blobs of a store, each a file named by its digest. */
export class BlobStore {
  readonly #fileSystem: FileSystem;
  readonly #directories: Directories;
  readonly #root: string;
  readonly #flushed: boolean;

  constructor(fileSystem: FileSystem, directories: Directories, flushed: boolean) {
    this.#fileSystem = fileSystem;
    this.#directories = directories;
    this.#root = join(directories.root, 'blobs', kind);
    this.#flushed = flushed;
  }

  /** Streams bytes into a temporary file while hashing them, and gives it its name. */
  async write(source: AsyncIterable<Uint8Array>, options: BlobOptions): Promise<BlobRef> {
    const temporary = await this.#guard('Writing a blob', options.digest, () => this.#directories.createTemporary());
    try {
      const ref = await this.#fill(temporary.file, source, options);
      throwIfAborted(options.signal, 'Writing a blob');
      if (options.digest !== undefined && options.digest !== ref.digest) {
        throw new IntegrityError(`The blob was to be ${options.digest}, but its bytes hash to ${ref.digest}; nothing was kept.`, { key: options.digest, found: ref.digest });
      }
      await this.#guard(`Writing the blob ${ref.digest}`, ref.digest, () => this.#name(temporary.path, ref));
      return ref;
    } catch (error) {
      await this.#fileSystem.unlink(temporary.path).catch(() => undefined);
      throw error;
    }
  }

  async read(digest: Digest, options: ReadBlobOptions): Promise<AsyncIterable<Uint8Array> | undefined> {
    clipRange(options.range, 0);
    const path = this.#path(digest);
    const size = await this.#guard(`Reading the blob ${digest}`, digest, () => this.#sizeOf(path));
    if (size === undefined) return undefined;
    // A whole read goes to the end of the file whatever its size is, so that a blob that grew is found out.
    if (options.range === undefined) return verifiedBytes(this.#chunks(path, digest, 0, Infinity, options.signal), digest, createNativeHasher);
    const { start, end } = clipRange(options.range, size);
    return this.#chunks(path, digest, start, end, options.signal);
  }

  async delete(digest: Digest): Promise<void> {
    const path = this.#path(digest);
    await this.#guard(`Deleting the blob ${digest}`, digest, async () => {
      try {
        await this.#fileSystem.unlink(path);
      } catch (error) {
        if (codeOf(error) !== 'ENOENT') throw error;
      }
      // Also when it was gone: whoever deleted it before may have died before that was flushed.
      if (this.#flushed) await syncIfThere(this.#fileSystem, join(path, '..'));
    });
  }

  async list(query: CheckedListQuery): Promise<ListPage> {
    return this.#guard('Listing the blobs', undefined, async () => {
      const from = query.after ?? '';
      const entries: ListEntry[] = [];
      for (const folder of await this.#namesIn(this.#root)) {
        if (`sha256:${folder}~` <= from) continue;
        for (const name of await this.#namesIn(join(this.#root, folder))) {
          const key = `sha256:${name}`;
          if (!isDigest(key) || key <= from) continue;
          if (entries.length === query.limit) return { entries, next: entries[entries.length - 1]!.key };
          const entry = await this.#describe(key);
          if (entry !== undefined) entries.push(entry);
        }
      }
      return { entries };
    });
  }

  async #fill(file: OpenFile, source: AsyncIterable<Uint8Array>, { signal, digest }: BlobOptions): Promise<BlobRef> {
    const guard = <T>(work: () => Promise<T>): Promise<T> => this.#guard('Writing a blob', digest, work);
    try {
      const hasher = createNativeHasher();
      let size = 0;
      for await (const chunk of checkedChunks(source, signal)) {
        // The disk and the hash work at the same time.
        const writing = guard(() => writeAll(file, chunk));
        writing.catch(() => undefined);
        hasher.update(chunk);
        size += chunk.length;
        await writing;
      }
      // Whatever the durability: a name that survived without its bytes would be damage.
      await guard(() => file.sync());
      return { digest: hasher.digest(), size };
    } finally {
      await file.close();
    }
  }

  /** Gives a filled file its name. Over a blob that is there already it goes too: that refreshes it, and mends it if it was damaged. */
  async #name(temporary: string, { digest, size }: BlobRef): Promise<void> {
    const path = this.#path(digest);
    const directory = await this.#directories.ensure('blobs', kind, folderOf(digest));
    try {
      await this.#fileSystem.rename(temporary, path);
    } catch (error) {
      // Windows does not replace a file that someone is reading.
      if ((await this.#sizeOf(path)) !== size) throw error;
      await this.#fileSystem.setModified(path, systemClock.now());
      await this.#fileSystem.unlink(temporary);
    }
    if (this.#flushed) await this.#fileSystem.syncDirectory(directory);
  }

  async *#chunks(path: string, digest: Digest, start: number, end: number, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
    const file = await this.#open(path, digest);
    let ahead: Promise<Buffer> | undefined;
    try {
      const next = (position: number): Promise<Buffer> => {
        const reading = this.#guard(`Reading the blob ${digest}`, digest, () => readAt(file, position, Math.max(0, Math.min(chunkBytes, end - position))));
        reading.catch(() => undefined);
        return reading;
      };
      ahead = next(start);
      for (let position = start; ; ) {
        const chunk = await ahead;
        throwIfAborted(signal, 'Reading a blob');
        if (chunk.length === 0) return;
        position += chunk.length;
        ahead = next(position);
        yield new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length);
      }
    } finally {
      await ahead?.catch(() => undefined);
      await file.close();
    }
  }

  async #open(path: string, digest: Digest): Promise<OpenFile> {
    try {
      return await this.#fileSystem.open(path, 'read');
    } catch (error) {
      if (codeOf(error) === 'ENOENT') throw new NotFoundError(`The blob ${digest} was deleted before it was read.`, { key: digest });
      throw storageError(error, `Reading the blob ${digest}`, digest);
    }
  }

  async #describe(digest: Digest): Promise<ListEntry | undefined> {
    try {
      const { size, modifiedMs } = await this.#fileSystem.stat(this.#path(digest));
      return { key: digest, version: String(modifiedMs), size };
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined;
      throw error;
    }
  }

  async #sizeOf(path: string): Promise<number | undefined> {
    try {
      return (await this.#fileSystem.stat(path)).size;
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined;
      throw error;
    }
  }

  async #namesIn(path: string): Promise<string[]> {
    try {
      return (await this.#fileSystem.readDirectory(path)).map((entry) => entry.name).sort();
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return [];
      throw error;
    }
  }

  #path(digest: Digest): string {
    return join(this.#root, folderOf(digest), digest.slice('sha256:'.length));
  }

  async #guard<T>(doing: string, key: string | undefined, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw storageError(error, doing, key);
    }
  }
}

function folderOf(digest: Digest): string {
  return digest.slice('sha256:'.length, 'sha256:'.length + 2);
}
