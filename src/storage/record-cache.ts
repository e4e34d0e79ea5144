import type { Clock } from '../core/clock.ts';
import { assertKey, type Key } from '../core/key.ts';
import type { OperationOptions } from '../core/progress.ts';
import type { ByteLru } from './byte-lru.ts';
import type { ReadOptions, StorageAdapter, StoredRecord, WriteOperation, WriteResult } from './contract.ts';

/** A record that was read, and when its read began. */
export interface KeptRecord {
  readonly record: StoredRecord;
  readonly at: number;
}

/** What one read is after; a write that touches one of its keys meanwhile makes its answer too old to be kept. */
type KeysUnderRead = Map<Key, 'fresh' | 'stale'>;

const digestBytes = 160;

/** Records, kept for a while. What this process writes is forgotten when the write begins and when it ends, so no read that overlaps it can leave an old state behind. */
export class RecordCache {
  readonly #storage: StorageAdapter;
  readonly #kept: ByteLru<KeptRecord>;
  readonly #maxAgeMs: number;
  readonly #maxRecordBytes: number;
  readonly #clock: Clock;
  readonly #reads = new Set<KeysUnderRead>();

  constructor(storage: StorageAdapter, kept: ByteLru<KeptRecord>, { maxAgeMs, maxRecordBytes, clock }: { maxAgeMs: number; maxRecordBytes: number; clock: Clock }) {
    this.#storage = storage;
    this.#kept = kept;
    this.#maxAgeMs = maxAgeMs;
    this.#maxRecordBytes = maxRecordBytes;
    this.#clock = clock;
  }

  async read(keys: readonly Key[], options?: ReadOptions): Promise<(StoredRecord | undefined)[]> {
    const found = new Map(keys.map((key) => [key, this.#fresh(assertKey(key), options?.fresh)] as const));
    const missing = [...found].flatMap(([key, record]) => (record === undefined ? [key] : []));
    if (missing.length > 0) for (const [key, record] of await this.#fetch(missing, options)) found.set(key, record);
    return keys.map((key) => {
      const record = found.get(key);
      return record && { version: record.version, bytes: new Uint8Array(record.bytes), blobs: [...record.blobs] };
    });
  }

  async write(operations: readonly WriteOperation[], options?: OperationOptions): Promise<WriteResult[]> {
    const keys = operations.map(({ key }) => key);
    this.#forget(keys);
    try {
      return await this.#storage.write(operations, options);
    } finally {
      this.#forget(keys);
    }
  }

  /** Does something that may change any record. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    this.#forgetAll();
    try {
      return await work();
    } finally {
      this.#forgetAll();
    }
  }

  #fresh(key: Key, asked: boolean | undefined): StoredRecord | undefined {
    const kept = asked ? undefined : this.#kept.get(nameOf(key));
    const age = kept ? this.#clock.monotonic() - kept.at : Infinity;
    if (age < this.#maxAgeMs) return kept!.record;
    this.#kept.delete(nameOf(key));
    return undefined;
  }

  async #fetch(keys: readonly Key[], options: ReadOptions | undefined): Promise<[Key, StoredRecord | undefined][]> {
    const underRead: KeysUnderRead = new Map(keys.map((key) => [key, 'fresh']));
    const at = this.#clock.monotonic();
    this.#reads.add(underRead);
    try {
      const records = await this.#storage.read(keys, { ...options, holds: undefined });
      return keys.map((key, i) => {
        const record = records[i];
        // What is not there may appear any moment, and is soon asked for again by whoever waits for it.
        if (record && underRead.get(key) === 'fresh' && record.bytes.length <= this.#maxRecordBytes) {
          this.#kept.set(nameOf(key), { record, at }, record.bytes.length + digestBytes * record.blobs.length);
        }
        return [key, record];
      });
    } finally {
      this.#reads.delete(underRead);
    }
  }

  #forgetAll(): void {
    this.#kept.clear();
    for (const read of this.#reads) for (const key of read.keys()) read.set(key, 'stale');
  }

  #forget(keys: readonly Key[]): void {
    for (const key of keys) {
      this.#kept.delete(nameOf(key));
      for (const read of this.#reads) if (read.has(key)) read.set(key, 'stale');
    }
  }
}

function nameOf(key: Key): string {
  return `record ${key}`;
}
