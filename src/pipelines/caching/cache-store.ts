import { encode } from '../../core/codec.ts';
import { newId } from '../../core/ids.ts';
import { escapeSegment, type Key } from '../../core/key.ts';
import type { OperationOptions } from '../../core/progress.ts';
import type { StorageAdapter, WriteCondition, WriteOperation } from '../../storage/contract.ts';
import { readEach, type EachValue } from '../../storage/read-each.ts';
import { listAll } from '../../storage/records.ts';
import type { LeaseRecord } from '../../storage/lease.ts';
import type { RunStore } from '../run-store.ts';
import { blobsOf, type StoredValue } from '../stored-output.ts';
import type { CachedFrom } from './cached-from.ts';

/** An output that other runs may take. */
export interface CacheEntry extends CachedFrom {
  /** Absent for nothing. */
  readonly output?: StoredValue | undefined;
}

const deletedAtOnce = 500;

/** Where the outputs are that the steps of one pipeline may take: a record for each key, under a prefix for each step. */
export class CacheStore {
  readonly storage: StorageAdapter;
  readonly #root: Key;

  constructor({ storage, root }: Pick<RunStore, 'storage' | 'root'>) {
    this.storage = storage;
    this.#root = root;
  }

  /** Where it is kept who works on the output of a key. */
  flightKey(step: string, key: string): Key {
    return `${this.#root}/flights/${escapeSegment(step)}/${key}`;
  }

  /** What there is for a key, or why that cannot be read. */
  async entry(step: string, key: string, options?: OperationOptions): Promise<EachValue<CacheEntry>> {
    const [entry] = await readEach<CacheEntry>(this.storage, [this.#entryKey(step, key)], { ...options, fresh: true });
    return entry;
  }

  /**
   * Puts an entry in the place of what was found.
   *
   * @param found - What there must still be, `undefined` for whatever there is; otherwise the entry that somebody else has put in stays.
   */
  async put(step: string, key: string, entry: CacheEntry, found: WriteCondition | undefined): Promise<void> {
    const at = this.#entryKey(step, key);
    const blobs = blobsOf([entry.output]);
    await this.storage.write([{ kind: 'put', key: at, bytes: encode(entry, at), blobs, condition: found, operationId: newId() }]);
  }

  /** Deletes the entries of a step, or of all, that were made before a time, or whenever; tells how many. One that cannot be read has no time. */
  clear(step: string | undefined, madeBefore: number | undefined, options: OperationOptions): Promise<number> {
    const prefix = step === undefined ? `${this.#root}/cache/` : this.#entryKey(step, '');
    return this.#clear<CacheEntry>(prefix, madeBefore === undefined ? undefined : ({ at }) => at < madeBefore, options);
  }

  /** Deletes what was left by those who died while they made an output of a step, or of any, and whose lease ran out before a time. */
  async sweepFlights(step: string | undefined, endedBefore: number, options: OperationOptions): Promise<void> {
    await this.#clear<LeaseRecord>(step === undefined ? `${this.#root}/flights/` : this.flightKey(step, ''), ({ expiresAt }) => expiresAt < endedBefore, options);
  }

  /** Deletes the records under a prefix of which that holds, unless they change meanwhile, or all of them. */
  async #clear<T>(prefix: string, isOld: ((value: T) => boolean) | undefined, options: OperationOptions): Promise<number> {
    let keys: Key[] = [];
    let cleared = 0;
    const flush = async (): Promise<void> => {
      const deletes = isOld ? await this.#oldOnes(keys, isOld, options) : keys.map((key): WriteOperation => ({ kind: 'delete', key }));
      keys = [];
      const results = deletes.length === 0 ? [] : await this.storage.write(deletes, options);
      cleared += results.filter(({ ok }) => ok).length;
    };
    for await (const { key } of listAll(this.storage, { prefix }, options)) {
      keys.push(key);
      if (keys.length === deletedAtOnce) await flush();
    }
    await flush();
    return cleared;
  }

  async #oldOnes<T>(keys: readonly Key[], isOld: (value: T) => boolean, options: OperationOptions): Promise<WriteOperation[]> {
    const records = await readEach<T>(this.storage, keys, options);
    return records.flatMap((record, i): WriteOperation[] => {
      if (record === undefined || 'error' in record || !isOld(record.value)) return [];
      return [{ kind: 'delete', key: keys[i]!, condition: { match: record.version }, operationId: newId() }];
    });
  }

  #entryKey(step: string, key: string): Key {
    return `${this.#root}/cache/${escapeSegment(step)}/${key}`;
  }
}
