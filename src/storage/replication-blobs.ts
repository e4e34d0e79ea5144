import { decode, encode } from '../core/codec.ts';
import type { Digest } from '../core/digest.ts';
import { NotFoundError } from '../core/errors.ts';
import { newId } from '../core/ids.ts';
import type { Key } from '../core/key.ts';
import type { StorageAdapter } from './contract.ts';
import { listAll } from './records.ts';
import type { ReplicationContext } from './replication-context.ts';

// Half of the day that the collection of garbage waits: what was written later than this cannot be collected before the record that names it is there.
const freshMs = 12 * 3_600_000;
const rememberedBlobs = 1_000;

/**
 * Brings blobs to the target. A blob that is there already is written anew unless this link did so lately: only that keeps it from being collected before a record names
 * it.
 */
export class BlobMover {
  readonly #context: ReplicationContext;
  readonly #state: StorageAdapter;
  readonly #key: Key;
  /** When each was brought, oldest first. */
  #brought: Map<Digest, number> | undefined;
  /** Those that were seen at the target in this pass. */
  #seen = new Set<Digest>();

  constructor(context: ReplicationContext, state: StorageAdapter, root: Key) {
    this.#context = context;
    this.#state = state;
    this.#key = `${root}/blobs`;
  }

  begin(): void {
    this.#seen = new Set();
  }

  /** Brings the blobs that a record names. Throws `NotFoundError` when neither side has one. */
  async bring(digests: readonly Digest[], key: Key): Promise<void> {
    const brought = await this.#load();
    let moved = false;
    for (const digest of digests) {
      if (this.#seen.has(digest)) continue;
      const { clock, to, signal } = this.#context;
      const at = brought.get(digest);
      const age = at === undefined ? Infinity : clock.now() - at;
      const fresh = age >= 0 && age < freshMs && (await isThere(to, digest, signal));
      if (!fresh) {
        if (!(await this.#move(digest)) && !(await isThere(to, digest, signal))) {
          throw new NotFoundError(`${key} names the blob ${digest}, which neither the source nor the target has; write the blob to the source, or the record without it.`, { key, digest });
        }
        brought.delete(digest);
        brought.set(digest, clock.now());
        moved = true;
      }
      this.#seen.add(digest);
    }
    if (moved) await this.#save(brought);
  }

  /** Brings all blobs that the target does not list. */
  async bringAll(): Promise<void> {
    const { from, to, signal } = this.#context;
    const there = listAll(to, { kind: 'blob' }, { signal });
    let next = await there.next();
    for await (const { key } of listAll(from, { kind: 'blob' }, { signal })) {
      while (!next.done && next.value.key < key) next = await there.next();
      try {
        if (next.done || next.value.key !== key) await this.#move(key as Digest);
      } catch (error) {
        this.#context.failed(key, error);
      }
      this.#context.moved(1);
    }
  }

  /** Streams a blob over. False when the source does not have it. */
  async #move(digest: Digest): Promise<boolean> {
    const { from, to, signal } = this.#context;
    const chunks = await from.readBlob(digest, { signal });
    if (chunks === undefined) return false;
    await to.writeBlob(this.#counted(chunks), { digest, signal });
    this.#context.moved(0, { blobs: 1 });
    return true;
  }

  async *#counted(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) {
      yield chunk;
      this.#context.moved(0, { bytes: chunk.length });
    }
  }

  async #load(): Promise<Map<Digest, number>> {
    if (this.#brought !== undefined) return this.#brought;
    const [record] = await this.#state.read([this.#key], { signal: this.#context.signal });
    this.#brought = new Map(record && (decode(record.bytes, this.#key) as [Digest, number][]));
    return this.#brought;
  }

  async #save(brought: Map<Digest, number>): Promise<void> {
    for (const digest of brought.keys()) {
      if (brought.size <= rememberedBlobs) break;
      brought.delete(digest);
    }
    await this.#state.write([{ kind: 'put', key: this.#key, bytes: encode([...brought]), operationId: newId() }], { signal: this.#context.signal });
  }
}

async function isThere(storage: StorageAdapter, digest: Digest, signal: AbortSignal): Promise<boolean> {
  const chunks = await storage.readBlob(digest, { range: { start: 0, end: 1 }, signal });
  if (chunks === undefined) return false;
  // Read to its end, so that nothing stays open behind it.
  for await (const chunk of chunks) void chunk;
  return true;
}
