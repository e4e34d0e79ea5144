import type { Clock } from '../core/clock.ts';
import type { Digest } from '../core/digest.ts';
import type { Key } from '../core/key.ts';
import type { StorageAdapter } from './contract.ts';
import { listAll, readValue, readValues, writeValue } from './records.ts';

/** What is known of a blob that is kept; `size` is null while it is being written. */
interface Kept {
  readonly size: number | null;
  readonly usedAt: number;
}

const prefix = 'local-blobs/';
const algorithm = 'sha256:';
// How late the order of use on disk may be, how long a write may take before it counts as one that died, and how late other processes' blobs are seen.
const touchAfterMs = 3_600_000;
const deadAfterMs = 3_600_000;
const lookAfterMs = 10_000;
// Room is made in one go for the next blobs too.
const roomAfter = 0.9;

/** Which blobs a local store keeps, and when each was used last, so that the longest unused go when there is no room. It is kept in records, and shared by all who use the store. */
export class LocalIndex {
  readonly #storage: StorageAdapter;
  readonly #maxBytes: number;
  readonly #clock: Clock;
  readonly #held = new Map<Digest, number>();
  #kept = new Map<Digest, Kept>();
  #lookedAt = -Infinity;

  constructor(storage: StorageAdapter, maxBytes: number, clock: Clock) {
    this.#storage = storage;
    this.#maxBytes = maxBytes;
    this.#clock = clock;
  }

  /** The size of a blob that is kept, which is the last to go now. */
  async use(digest: Digest): Promise<number | undefined> {
    const known = this.#kept.get(digest) ?? (await readValue<Kept>(this.#storage, keyOf(digest)))?.value;
    if (known === undefined || known.size === null) return undefined;
    const usedAt = this.#clock.now();
    this.#kept.set(digest, { size: known.size, usedAt });
    if (usedAt - known.usedAt > touchAfterMs) await this.#write(digest, { size: known.size, usedAt });
    return known.size;
  }

  /** Chunks of a blob that does not go before they were read. */
  async *held(digest: Digest, chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    this.#held.set(digest, (this.#held.get(digest) ?? 0) + 1);
    try {
      yield* chunks;
    } finally {
      const left = this.#held.get(digest)! - 1;
      if (left === 0) this.#held.delete(digest);
      else this.#held.set(digest, left);
    }
  }

  /** Says that a blob is about to be written, so that it can be found when its writer dies. */
  async begin(digest: Digest): Promise<void> {
    await this.#write(digest, { size: null, usedAt: this.#clock.now() });
  }

  /** Says that a blob was written, and makes room for it. */
  async add(digest: Digest, size: number): Promise<void> {
    const kept = { size, usedAt: this.#clock.now() };
    await this.#write(digest, kept);
    await this.#makeRoom(digest);
  }

  /** Deletes a blob. */
  async drop(digest: Digest): Promise<void> {
    this.#kept.delete(digest);
    await this.#storage.deleteBlob(digest);
    await this.#storage.write([{ kind: 'delete', key: keyOf(digest) }]);
  }

  async #write(digest: Digest, kept: Kept): Promise<void> {
    await writeValue(this.#storage, keyOf(digest), kept);
    this.#kept.set(digest, kept);
  }

  async #makeRoom(added: Digest): Promise<void> {
    if (this.#clock.now() - this.#lookedAt > lookAfterMs || this.#bytes() > this.#maxBytes) await this.#look();
    let bytes = this.#bytes();
    const now = this.#clock.now();
    const dead = [...this.#kept].filter(([, { size, usedAt }]) => size === null && now - usedAt > deadAfterMs);
    for (const [digest] of dead) await this.drop(digest);
    if (bytes <= this.#maxBytes) return;
    for (const [digest, { size }] of [...this.#kept].sort(([, a], [, b]) => a.usedAt - b.usedAt)) {
      if (bytes <= this.#maxBytes * roomAfter) return;
      if (digest === added || size === null || this.#held.has(digest)) continue;
      await this.drop(digest);
      bytes -= size;
    }
  }

  #bytes(): number {
    let sum = 0;
    for (const { size } of this.#kept.values()) sum += size ?? 0;
    return sum;
  }

  async #look(): Promise<void> {
    this.#lookedAt = this.#clock.now();
    const keys: Key[] = [];
    for await (const { key } of listAll(this.#storage, { prefix })) keys.push(key);
    const values = await readValues<Kept>(this.#storage, keys);
    const own = this.#kept;
    this.#kept = new Map(
      keys.flatMap((key, i) => {
        const digest: Digest = `${algorithm}${key.slice(prefix.length)}`;
        const value = values[i]?.value;
        // What was used here since it was written down is used later than that.
        return value ? [[digest, { size: value.size, usedAt: Math.max(value.usedAt, own.get(digest)?.usedAt ?? 0) }] as const] : [];
      }),
    );
  }
}

function keyOf(digest: Digest): Key {
  return prefix + digest.slice(algorithm.length);
}
