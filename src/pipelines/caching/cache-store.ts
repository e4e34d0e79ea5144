import { encode } from '../../core/codec.ts';
import { newId } from '../../core/ids.ts';
import { escapeSegment, type Key } from '../../core/key.ts';
import type { OperationOptions } from '../../core/progress.ts';
import type { StorageAdapter, WriteCondition, WriteOperation } from '../../storage/contract.ts';
import { readEach, type EachValue } from '../../storage/read-each.ts';
import { listAll } from '../../storage/records.ts';
import type { RunStore } from '../run-store.ts';
import type { StoredBytes } from '../stored-output.ts';
import type { CachedFrom } from './cached-from.ts';

/** An output that other runs may take. */
export interface CacheEntry extends CachedFrom {
  /** Absent for nothing. */
  readonly output?: StoredBytes | undefined;
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
    const blobs = entry.output && 'blob' in entry.output ? [entry.output.blob] : [];
    await this.storage.write([{ kind: 'put', key: at, bytes: encode(entry, at), blobs, condition: found, operationId: newId() }]);
  }

  /** Deletes the entries of a step, or of all, and tells how many. */
  async clear(step: string | undefined, options: OperationOptions): Promise<number> {
    const prefix = step === undefined ? `${this.#root}/cache/` : this.#entryKey(step, '');
    let deletes: WriteOperation[] = [];
    let cleared = 0;
    const flush = async (): Promise<void> => {
      const results = deletes.length === 0 ? [] : await this.storage.write(deletes, options);
      cleared += results.length;
      deletes = [];
    };
    for await (const { key } of listAll(this.storage, { prefix }, options)) {
      deletes.push({ kind: 'delete', key });
      if (deletes.length === deletedAtOnce) await flush();
    }
    await flush();
    return cleared;
  }

  #entryKey(step: string, key: string): Key {
    return `${this.#root}/cache/${escapeSegment(step)}/${key}`;
  }
}
