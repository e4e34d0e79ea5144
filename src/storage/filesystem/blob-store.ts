import { throwIfAborted } from '../../core/abort.ts';
import { createHasher, type Digest } from '../../core/digest.ts';
import { IntegrityError, isModelkeepError, NotFoundError } from '../../core/errors.ts';
import type { BlobOptions, BlobRef, ListPage, ReadBlobOptions, Version } from '../contract.ts';
import { clipRange } from '../blob-range.ts';
import { checkedChunks } from '../blob-source.ts';
import type { CheckedListQuery } from '../list-page.ts';
import { verifiedBytes } from '../verified-bytes.ts';
import { BlobFiles } from './blob-files.ts';
import type { Directories } from './directories.ts';
import { FileFilling } from './file-filling.ts';
import { readAt } from './file-reading.ts';
import type { FileSystem, OpenFile } from './file-system.ts';
import { storageError } from './system-error.ts';

const chunkBytes = 1 << 20;
/** Chunks that are being read while the reader works on one. */
const readAhead = 2;

/** The blobs of a store, each a file named by its digest. */
export class BlobStore {
  readonly #fileSystem: FileSystem;
  readonly #directories: Directories;
  readonly #files: BlobFiles;

  constructor(fileSystem: FileSystem, directories: Directories, flushed: boolean) {
    this.#fileSystem = fileSystem;
    this.#directories = directories;
    this.#files = new BlobFiles(fileSystem, directories, flushed);
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
      await this.#guard(`Writing the blob ${ref.digest}`, ref.digest, () => this.#files.name(temporary.path, ref.digest, () => this.#isWhole(ref.digest)));
      return ref;
    } catch (error) {
      await this.#fileSystem.unlink(temporary.path).catch(() => undefined);
      throw error;
    }
  }

  async read(digest: Digest, options: ReadBlobOptions): Promise<AsyncIterable<Uint8Array> | undefined> {
    clipRange(options.range, 0);
    const size = await this.#guard(`Reading the blob ${digest}`, digest, () => this.#files.sizeOf(digest));
    if (size === undefined) return undefined;
    if (options.range === undefined) return verifiedBytes(this.#wholeFile(digest, size, options.signal), digest);
    const { start, end } = clipRange(options.range, size);
    return this.#chunks(digest, start, end, options.signal);
  }

  /** Deletes a blob; only while it is at version `match`, if there is one, and with `ConflictError` when it is not. */
  delete(digest: Digest, match: Version | undefined): Promise<void> {
    return this.#guard(`Deleting the blob ${digest}`, digest, () => this.#files.delete(digest, match));
  }

  list(query: CheckedListQuery): Promise<ListPage> {
    return this.#guard('Listing the blobs', undefined, () => this.#files.list(query));
  }

  async #fill(file: OpenFile, source: AsyncIterable<Uint8Array>, { signal, digest }: BlobOptions): Promise<BlobRef> {
    const filling = new FileFilling(file);
    const guard = <T>(work: () => Promise<T>): Promise<T> => this.#guard('Writing a blob', digest, work);
    try {
      const hasher = createHasher();
      let size = 0;
      for await (const chunk of checkedChunks(source, signal)) {
        hasher.update(chunk);
        size += chunk.length;
        await guard(() => filling.add(chunk));
      }
      // Whatever the durability: a name that survived without its bytes would be damage.
      await guard(() => filling.end());
      return { digest: hasher.digest(), size };
    } finally {
      await filling.settle();
      await file.close();
    }
  }

  async #isWhole(digest: Digest): Promise<boolean> {
    try {
      const chunks = (await this.read(digest, {}))?.[Symbol.asyncIterator]();
      while (chunks !== undefined && !(await chunks.next()).done);
      return chunks !== undefined;
    } catch (error) {
      if (isModelkeepError(error, 'integrity', 'not-found')) return false;
      throw error;
    }
  }

  /** One byte more than there should be, so that a blob that grew is found out. */
  #wholeFile(digest: Digest, size: number, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
    return this.#chunks(digest, 0, size + 1, signal);
  }

  async *#chunks(digest: Digest, start: number, end: number, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
    const file = await this.#open(digest);
    const ahead: Promise<Buffer>[] = [];
    let asked = start;
    const ask = (): void => {
      const length = Math.min(chunkBytes, end - asked);
      if (length <= 0) return;
      const position = asked;
      const reading = this.#guard(`Reading the blob ${digest}`, digest, () => readAt(file, position, length));
      reading.catch(() => undefined);
      ahead.push(reading);
      asked += length;
    };
    try {
      for (let i = 0; i < readAhead; i++) ask();
      for (let reading = ahead.shift(); reading !== undefined; reading = ahead.shift()) {
        const chunk = await reading;
        throwIfAborted(signal, 'Reading a blob');
        if (chunk.length === 0) return;
        ask();
        yield new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length);
      }
    } finally {
      await Promise.allSettled(ahead);
      await file.close();
    }
  }

  async #open(digest: Digest): Promise<OpenFile> {
    const doing = `Reading the blob ${digest}`;
    const file = await this.#guard(doing, digest, () => this.#files.look(digest, (path) => this.#fileSystem.open(path, 'read')));
    if (file === undefined) throw new NotFoundError(`The blob ${digest} was deleted before it was read.`, { key: digest });
    return file;
  }

  async #guard<T>(doing: string, key: string | undefined, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw storageError(error, doing, key);
    }
  }
}
