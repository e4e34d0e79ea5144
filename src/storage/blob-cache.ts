import { throwIfAborted } from '../core/abort.ts';
import { concatBytes } from '../core/bytes.ts';
import type { Digest } from '../core/digest.ts';
import { AbortedError, NotFoundError } from '../core/errors.ts';
import { clipRange } from './blob-range.ts';
import type { ByteLru } from './byte-lru.ts';
import type { ReadBlobOptions, StorageAdapter } from './contract.ts';

/** What a fetch came to: the whole blob, or the beginning of one that is too large to be kept. */
type Gathered = { readonly bytes: Uint8Array } | { readonly start: Uint8Array[]; readonly rest: AsyncIterator<Uint8Array, unknown> };

/** One read of a blob that several share: opened for all, gathered once the first of them reads on. */
interface Fetch {
  readonly controller: AbortController;
  readonly opened: Promise<AsyncIterable<Uint8Array> | undefined>;
  /** How many deletes there had been when it began: after another one, what it gathers is not kept. */
  readonly deletes: number;
  /** Whether it was opened and nobody has read on: it may be old when someone does, so no one else joins. */
  idle: boolean;
  gathered: Promise<Gathered> | undefined;
  readers: number;
  /** Whether a reader goes on with what is too large; it can be read on only once. */
  taken: boolean;
}

const chunkBytes = 256 * 1024;

/** Whole blobs, kept once they were read to their verified end. Readers who want one blob at the same time share one fetch. */
export class BlobCache {
  readonly #storage: StorageAdapter;
  readonly #kept: ByteLru<Uint8Array>;
  readonly #maxBlobBytes: number;
  readonly #fetches = new Map<Digest, Fetch>();
  #deletes = 0;

  constructor(storage: StorageAdapter, kept: ByteLru<Uint8Array>, maxBlobBytes: number) {
    this.#storage = storage;
    this.#kept = kept;
    this.#maxBlobBytes = maxBlobBytes;
  }

  async read(digest: Digest, options: ReadBlobOptions = {}): Promise<AsyncIterable<Uint8Array> | undefined> {
    const { range, signal } = options;
    clipRange(range, 0);
    const kept = this.#kept.get(nameOf(digest));
    if (kept !== undefined) return chunksOf(kept, options);
    // A part is not worth the whole: it would make a read of a few bytes of a large blob one of all.
    if (range !== undefined) return this.#storage.readBlob(digest, options);
    const present = this.#fetches.get(digest);
    const fetch = present && !present.idle ? present : this.#open(digest);
    const opened = await this.#waitFor(fetch, fetch.opened, signal);
    return opened && this.#stream(digest, fetch, signal);
  }

  /** Forgets a blob that is deleted; what is being fetched of it will not be kept. */
  forget(digest: Digest): void {
    this.#deletes++;
    this.#kept.delete(nameOf(digest));
    // Who asks after the delete must not be given what was there before.
    this.#fetches.delete(digest);
  }

  #open(digest: Digest): Fetch {
    const controller = new AbortController();
    const opened = this.#storage.readBlob(digest, { signal: controller.signal });
    const fetch: Fetch = { controller, opened, deletes: this.#deletes, idle: false, gathered: undefined, readers: 0, taken: false };
    this.#fetches.set(digest, fetch);
    opened.then(
      (chunks) => (chunks === undefined ? this.#finish(digest, fetch) : void (fetch.idle = fetch.gathered === undefined)),
      () => this.#finish(digest, fetch),
    );
    return fetch;
  }

  #finish(digest: Digest, fetch: Fetch): void {
    if (this.#fetches.get(digest) === fetch) this.#fetches.delete(digest);
  }

  async *#stream(digest: Digest, fetch: Fetch, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array, void> {
    const aborted = fetch.controller.signal.aborted;
    if (!aborted) fetch.gathered ??= this.#gather(digest, fetch);
    const gathered = aborted ? undefined : await this.#waitFor(fetch, fetch.gathered!, signal);
    if (gathered && 'bytes' in gathered) return yield* chunksOf(gathered.bytes, { signal });
    if (gathered && !fetch.taken) {
      fetch.taken = true;
      return yield* goOn(gathered.start, gathered.rest, fetch.controller, signal);
    }
    const own = await this.#storage.readBlob(digest, { signal });
    if (own === undefined) throw new NotFoundError(`The blob ${digest} was deleted before it was read.`, { key: digest });
    yield* own;
  }

  async #gather(digest: Digest, fetch: Fetch): Promise<Gathered> {
    fetch.idle = false;
    try {
      const rest: AsyncIterator<Uint8Array, unknown> = (await fetch.opened)![Symbol.asyncIterator]();
      const start: Uint8Array[] = [];
      for (let size = 0; size <= this.#maxBlobBytes; ) {
        const next = await rest.next();
        if (next.done) {
          const bytes = concatBytes(start);
          if (fetch.deletes === this.#deletes) this.#kept.set(nameOf(digest), bytes, bytes.length);
          return { bytes };
        }
        start.push(next.value);
        size += next.value.length;
      }
      return { start, rest };
    } finally {
      this.#finish(digest, fetch);
    }
  }

  /** Waits for a part of a fetch until the signal fires; when the last who waits is gone, the fetch ends. */
  async #waitFor<T>(fetch: Fetch, part: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    throwIfAborted(signal, 'Reading a blob');
    fetch.readers++;
    let aborted = (): void => undefined;
    const abort = new Promise<never>((_resolve, reject) => {
      aborted = () => reject(new AbortedError('Reading a blob was aborted by its caller.', { cause: signal?.reason }));
      signal?.addEventListener('abort', aborted, { once: true });
    });
    try {
      return await Promise.race([part, abort]);
    } catch (error) {
      if (fetch.readers === 1) this.#abandon(fetch);
      throw error;
    } finally {
      fetch.readers--;
      signal?.removeEventListener('abort', aborted);
    }
  }

  #abandon(fetch: Fetch): void {
    fetch.controller.abort();
    for (const [digest, other] of this.#fetches) if (other === fetch) this.#fetches.delete(digest);
    const letGo = (gathered: Gathered): unknown => ('rest' in gathered && !fetch.taken ? gathered.rest.return?.() : undefined);
    fetch.gathered?.then(letGo).catch(() => undefined);
  }
}

function nameOf(digest: Digest): string {
  return `blob ${digest}`;
}

/** A kept blob or a part of it, in chunks that are the caller's own. */
async function* chunksOf(bytes: Uint8Array, { range, signal }: ReadBlobOptions): AsyncGenerator<Uint8Array, void> {
  const { start, end } = clipRange(range, bytes.length);
  for (let at = start; at < end; at += chunkBytes) {
    throwIfAborted(signal, 'Reading a blob');
    yield bytes.slice(at, Math.min(at + chunkBytes, end));
  }
}

/** What was fetched of a blob that is too large, and the rest of it. */
async function* goOn(start: Uint8Array[], rest: AsyncIterator<Uint8Array, unknown>, controller: AbortController, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array, void> {
  const abort = (): void => controller.abort(signal?.reason);
  signal?.addEventListener('abort', abort, { once: true });
  try {
    for (let chunk = start.shift(); chunk !== undefined; chunk = start.shift()) {
      throwIfAborted(signal, 'Reading a blob');
      yield chunk;
    }
    for (;;) {
      throwIfAborted(signal, 'Reading a blob');
      const next = await rest.next();
      if (next.done) return;
      yield next.value;
    }
  } finally {
    signal?.removeEventListener('abort', abort);
    await rest.return?.();
  }
}
