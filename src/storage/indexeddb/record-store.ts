import { promisifyRequest } from 'idb-keyval';
import { crc32 } from '../../core/crc32.ts';
import type { Digest } from '../../core/digest.ts';
import { IntegrityError } from '../../core/errors.ts';
import type { Key } from '../../core/key.ts';
import type { StoredRecord, Version, WriteOperation, WriteResult } from '../contract.ts';
import { rememberedOperations } from '../operation-memory.ts';
import type { Database, StoreOf } from './database.ts';
import { GroupCommit, type Job } from './group-commit.ts';
import { headOf, headRange, type KeyRanges, parseHead } from './layout.ts';

interface RecordRow {
  readonly bytes: Uint8Array;
  readonly version: Version;
  readonly blobs: readonly Digest[];
  /** CRC-32 of the bytes. */
  readonly checksum: number;
}

interface OperationRow {
  readonly id: string;
  readonly result: WriteResult;
}

interface WriteJob extends Job {
  readonly operations: readonly WriteOperation[];
}

/** A record while a transaction works on it. */
interface Pending {
  /** Its head as the transaction found it. */
  readonly head: IDBValidKey | undefined;
  version: Version | undefined;
  row: RecordRow | undefined;
  touched: boolean;
}

/** The records of a database. */
export class RecordStore {
  readonly #database: Database;
  readonly #ranges: KeyRanges;
  readonly #newVersion: () => Version;
  readonly #group = new GroupCommit<WriteJob, WriteResult[]>((jobs) => this.#commit(jobs));

  constructor(database: Database, ranges: KeyRanges, newVersion: () => Version) {
    this.#database = database;
    this.#ranges = ranges;
    this.#newVersion = newVersion;
  }

  async read(keys: readonly Key[]): Promise<(StoredRecord | undefined)[]> {
    if (keys.length === 0) return [];
    const rows = await this.#database.transact('readonly', ['records'], (storeOf) => Promise.all(keys.map((key) => promisifyRequest<RecordRow | undefined>(storeOf('records').get(key)))));
    return rows.map((row, i) => {
      if (row === undefined) return undefined;
      const { bytes, version, blobs, checksum } = row;
      if (crc32(bytes) !== checksum) throw new IntegrityError(`The record ${keys[i]} is damaged: its bytes are not those that were written. Restore it from a copy.`, { key: keys[i]! });
      return { bytes, version, blobs };
    });
  }

  /** Takes the operations over: neither they nor their bytes may change any more. */
  async write(operations: readonly WriteOperation[], signal: AbortSignal | undefined): Promise<WriteResult[]> {
    return operations.length === 0 ? [] : this.#group.add({ operations, signal });
  }

  #commit(jobs: readonly WriteJob[]): Promise<WriteResult[][]> {
    return this.#database.transact('strict', ['heads', 'records', 'operations'], async (storeOf) => {
      const operations = jobs.flatMap((job) => job.operations);
      const [records, named] = await Promise.all([this.#find(storeOf, operations), findNamed(storeOf, operations)]);
      const remembered: OperationRow[] = [];
      const results = jobs.map((job) =>
        job.operations.map((operation) => {
          const id = operation.operationId;
          const earlier = id === undefined ? undefined : named.get(id);
          if (earlier) return earlier;
          const result = this.#apply(records.get(operation.key)!, operation);
          if (id !== undefined) {
            named.set(id, result);
            remembered.push({ id, result });
          }
          return result;
        }),
      );
      this.#put(storeOf, records);
      remember(storeOf('operations'), remembered, this.#ranges);
      return results;
    });
  }

  async #find(storeOf: StoreOf, operations: readonly WriteOperation[]): Promise<Map<Key, Pending>> {
    const keys = [...new Set(operations.map(({ key }) => key))];
    const heads = await Promise.all(keys.map((key) => promisifyRequest(storeOf('heads').getKey(headRange(this.#ranges, key)))));
    return new Map(keys.map((key, i) => [key, { head: heads[i], version: heads[i] === undefined ? undefined : parseHead(heads[i]).version, row: undefined, touched: false }]));
  }

  #apply(pending: Pending, operation: WriteOperation): WriteResult {
    const { condition } = operation;
    const present = pending.version;
    const holds = condition === undefined || (condition === 'absent' ? present === undefined : present === condition.match);
    if (!holds) return { ok: false, reason: 'conflict', version: present };
    pending.touched = true;
    if (operation.kind === 'delete') {
      pending.row = pending.version = undefined;
    } else {
      const { bytes, blobs = [] } = operation;
      pending.version = this.#newVersion();
      pending.row = { bytes, version: pending.version, blobs, checksum: crc32(bytes) };
    }
    return { ok: true, version: pending.version };
  }

  #put(storeOf: StoreOf, records: ReadonlyMap<Key, Pending>): void {
    for (const [key, { head, row, touched }] of records) {
      if (!touched) continue;
      if (head !== undefined) storeOf('heads').delete(head);
      if (row !== undefined) {
        storeOf('heads').put(0, headOf(key, row.version, row.bytes.length));
        storeOf('records').put(row, key);
      } else if (head !== undefined) storeOf('records').delete(key);
    }
  }
}

async function findNamed(storeOf: StoreOf, operations: readonly WriteOperation[]): Promise<Map<string, WriteResult>> {
  const ids = [...new Set(operations.flatMap(({ operationId }) => operationId ?? []))];
  if (ids.length === 0) return new Map();
  const index = storeOf('operations').index('id');
  const rows = await Promise.all(ids.map((id) => promisifyRequest<OperationRow | undefined>(index.get(id))));
  return new Map(rows.flatMap((row) => (row ? [[row.id, row.result]] : [])));
}

/** Remembers results in the order of their coming, and now and then forgets those that are too old. */
function remember(store: IDBObjectStore, rows: readonly OperationRow[], ranges: KeyRanges): void {
  rows.forEach((row, i) => {
    const request = store.put(row);
    if (i !== rows.length - 1) return;
    request.onsuccess = () => {
      const last = request.result as number;
      if (last % forgetEvery < rows.length && last > rememberedOperations) store.delete(ranges.upperBound(last - rememberedOperations));
    };
  });
}

const forgetEvery = 500;
