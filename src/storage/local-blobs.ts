import { throwIfAborted, untilAborted } from '../core/abort.ts';
import { collectBytes } from '../core/bytes.ts';
import type { Clock } from '../core/clock.ts';
import type { Digest } from '../core/digest.ts';
import { isModelkeepError } from '../core/errors.ts';
import { clipRange } from './blob-range.ts';
import type { ReadBlobOptions, StorageAdapter } from './contract.ts';
import { LocalIndex } from './local-index.ts';

/** One blob on its way into the local store, for all who wait for it. */
interface Fetch {
  readonly outcome: Promise<'kept' | 'missing' | 'not kept'>;
  readonly controller: AbortController;
  waiters: number;
}

const wholeBytes = 8 * 1024 * 1024;
const chunkBytes = 256 * 1024;

/** Blobs of one store, read from another once they were fetched. What goes wrong with the other one is no failure of a read: the first is asked then. */
export class LocalBlobs {
  readonly #remote: StorageAdapter;
  readonly #local: StorageAdapter;
  readonly #index: LocalIndex;
  readonly #maxEntryBytes: number;
  readonly #fetches = new Map<Digest, Fetch>();
  /** Large blobs that were read to their end and found whole, so that they can be streamed. */
  readonly #verified = new Set<Digest>();
  readonly #tooLarge = new Set<Digest>();

  constructor(remote: StorageAdapter, local: StorageAdapter, { maxBytes, maxEntryBytes, clock }: { maxBytes: number; maxEntryBytes: number; clock: Clock }) {
    this.#remote = remote;
    this.#local = local;
    this.#index = new LocalIndex(local, maxBytes, clock);
    this.#maxEntryBytes = maxEntryBytes;
  }

  async read(digest: Digest, options: ReadBlobOptions = {}): Promise<AsyncIterable<Uint8Array> | undefined> {
    const { range, signal } = options;
    clipRange(range, 0);
    const kept = await this.#readKept(digest, options);
    if (kept) return kept;
    // A part is not worth the whole: it would make a read of a few bytes of a large blob one of all.
    if (range !== undefined || this.#tooLarge.has(digest)) return this.#remote.readBlob(digest, options);
    const outcome = await this.#fetched(digest, signal);
    if (outcome === 'missing') return undefined;
    return (outcome === 'kept' ? await this.#readKept(digest, options) : undefined) ?? this.#remote.readBlob(digest, options);
  }

  /** Forgets a blob that is deleted. */
  async forget(digest: Digest): Promise<void> {
    const fetch = this.#fetches.get(digest);
    fetch?.controller.abort();
    await fetch?.outcome.catch(() => undefined);
    await this.#drop(digest);
  }

  /** Ends what is being fetched. */
  async close(): Promise<void> {
    const fetches = [...this.#fetches.values()];
    for (const { controller } of fetches) controller.abort();
    await Promise.allSettled(fetches.map(({ outcome }) => outcome));
  }

  /** A blob of the local store, of which no byte is given before all were verified; `undefined` when it is not there, or not whole. */
  async #readKept(digest: Digest, options: ReadBlobOptions): Promise<AsyncIterable<Uint8Array> | undefined> {
    const { signal } = options;
    try {
      const size = await this.#index.use(digest);
      if (size === undefined) return undefined;
      if (size <= wholeBytes) {
        const chunks = await this.#local.readBlob(digest, { signal });
        if (chunks) return partOf(await collectBytes(chunks), options);
      } else if (await this.#isWhole(digest, signal)) {
        const chunks = await this.#local.readBlob(digest, options);
        if (chunks) return this.#index.held(digest, chunks);
      }
      await this.#index.drop(digest);
    } catch (error) {
      if (signal?.aborted) throw error;
      if (isModelkeepError(error, 'integrity')) await this.#drop(digest);
    }
    return undefined;
  }

  async #drop(digest: Digest): Promise<void> {
    this.#verified.delete(digest);
    await this.#index.drop(digest).catch(() => undefined);
  }

  async #isWhole(digest: Digest, signal: AbortSignal | undefined): Promise<boolean> {
    if (this.#verified.has(digest)) return true;
    const chunks = await this.#local.readBlob(digest, { signal });
    if (chunks === undefined) return false;
    for await (const chunk of this.#index.held(digest, chunks)) void chunk;
    this.#verified.add(digest);
    return true;
  }

  async #fetched(digest: Digest, signal: AbortSignal | undefined): Promise<'kept' | 'missing' | 'not kept'> {
    let fetch = this.#fetches.get(digest);
    if (fetch === undefined) {
      const controller = new AbortController();
      fetch = { outcome: this.#fetch(digest, controller.signal).finally(() => this.#finish(digest, controller)), controller, waiters: 0 };
      fetch.outcome.catch(() => undefined);
      this.#fetches.set(digest, fetch);
    }
    fetch.waiters++;
    try {
      return await untilAborted(fetch.outcome, signal, 'Reading a blob');
    } finally {
      if (--fetch.waiters === 0) fetch.controller.abort();
    }
  }

  #finish(digest: Digest, controller: AbortController): void {
    if (this.#fetches.get(digest)?.controller === controller) this.#fetches.delete(digest);
  }

  async #fetch(digest: Digest, signal: AbortSignal): Promise<'kept' | 'missing' | 'not kept'> {
    const chunks = await this.#remote.readBlob(digest, { signal });
    if (chunks === undefined) return 'missing';
    try {
      await this.#index.begin(digest);
      const { size } = await this.#local.writeBlob(this.#bounded(digest, chunks), { digest, signal });
      await this.#index.add(digest, size);
      // The adapter verified them on their way in.
      if (size > wholeBytes) this.#verified.add(digest);
      return 'kept';
    } catch {
      await this.#drop(digest);
      // Whatever it was, of the remote or of the local store: the reader asks the remote, and hears its own word.
      return 'not kept';
    }
  }

  async *#bounded(digest: Digest, chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    let size = 0;
    for await (const chunk of chunks) {
      size += chunk.length;
      if (size > this.#maxEntryBytes) {
        this.#tooLarge.add(digest);
        throw new RangeError('too large to be kept');
      }
      yield chunk;
    }
  }
}

async function* partOf(bytes: Uint8Array, { range, signal }: ReadBlobOptions): AsyncGenerator<Uint8Array> {
  const { start, end } = clipRange(range, bytes.length);
  for (let at = start; at < end; at += chunkBytes) {
    throwIfAborted(signal, 'Reading a blob');
    yield bytes.subarray(at, Math.min(at + chunkBytes, end));
  }
}
