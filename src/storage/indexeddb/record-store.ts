import { promisifyRequest } from 'idb-keyval';
import { crc32 } from '../../core/crc32.ts';
import type { Digest } from '../../core/digest.ts';
import { IntegrityError } from '../../core/errors.ts';
import type { Key } from '../../core/key.ts';
import type { StoredRecord, Version, WriteOperation, WriteResult } from '../contract.ts';
import { rememberedOperations } from '../operation-memory.ts';
import type { Database } from './database.ts';
import { groupCommit } from './group-commit.ts';
import { findAll, headOf, headRange, parseHead } from './layout.ts';

interface RecordRow {
  readonly bytes: Uint8Array;
  readonly version: Version;
  readonly blobs: readonly Digest[];
  /** CRC-32 of the bytes. */
  readonly checksum: number;
}

/** The named writes of one transaction; its key is how many there were so far, with them. */
interface OperationsRow {
  readonly names: readonly string[];
  readonly results: readonly WriteResult[];
}

interface WriteJob {
  readonly signal: AbortSignal | undefined;
  readonly operations: readonly WriteOperation[];
}

/** The records of a database. */
export class RecordStore {
  readonly #database: Database;
  /** Takes the operations over: neither they nor their bytes may change any more. */
  readonly write: (job: WriteJob) => Promise<WriteResult[]> = groupCommit((jobs) => this.#commit(jobs));

  constructor(database: Database) {
    this.#database = database;
  }

  async read(keys: readonly Key[]): Promise<(StoredRecord | undefined)[]> {
    const rows = await this.#database.transact('readonly', ['records'], (records) => Promise.all(keys.map((key) => promisifyRequest<RecordRow | undefined>(records.get(key)))));
    return rows.map((row, i) => {
      if (row === undefined) return undefined;
      const { bytes, version, blobs, checksum } = row;
      if (crc32(bytes) !== checksum) throw new IntegrityError(`The record ${keys[i]} is damaged. Restore it from a copy.`, { key: keys[i]! });
      return { bytes, version, blobs };
    });
  }

  #commit(jobs: readonly WriteJob[]): Promise<WriteResult[][]> {
    const { newVersion } = this.#database.context;
    const { ranges } = this.#database;
    return this.#database.transact('strict', ['heads', 'records', 'operations'], async (heads, records, named) => {
      const operations = jobs.flatMap((job) => job.operations);
      const [present, results] = await Promise.all([findAll(operations.map(({ key }) => key), (key) => heads.getKey(headRange(ranges, key))), namedWrites(named, operations)]);
      const changed = new Map<Key, RecordRow | undefined>();
      const fresh = new Map<string, WriteResult>();

      const apply = ({ key, condition, ...operation }: WriteOperation): WriteResult => {
        const head = present.get(key);
        const version = changed.has(key) ? changed.get(key)?.version : head === undefined ? undefined : parseHead(head).version;
        if (condition !== undefined && version !== (condition === 'absent' ? undefined : condition.match)) return { ok: false, reason: 'conflict', version };
        const row = operation.kind === 'put' ? { bytes: operation.bytes, version: newVersion(), blobs: operation.blobs ?? [], checksum: crc32(operation.bytes) } : undefined;
        changed.set(key, row);
        return { ok: true, version: row?.version };
      };
      const done = jobs.map((job) =>
        job.operations.map((operation) => {
          const name = operation.operationId;
          if (name === undefined) return apply(operation);
          if (!results.has(name)) {
            results.set(name, apply(operation));
            fresh.set(name, results.get(name)!);
          }
          return results.get(name)!;
        }),
      );

      for (const [key, row] of changed) {
        const head = present.get(key);
        if (head !== undefined) heads.delete(head);
        if (row !== undefined) {
          heads.put(0, headOf(key, row.version, row.bytes.length));
          records.put(row, key);
        } else if (head !== undefined) records.delete(key);
      }
      if (fresh.size > 0) {
        const count = ((await promisifyRequest(named.openKeyCursor(null, 'prev')))?.key ?? 0) as number;
        named.put({ names: [...fresh.keys()], results: [...fresh.values()] } satisfies OperationsRow, count + fresh.size);
        named.delete(ranges.upperBound(count - rememberedOperations));
      }
      return done;
    });
  }
}

/** The results of those among the operations that were done before. */
async function namedWrites(store: IDBObjectStore, operations: readonly WriteOperation[]): Promise<Map<string, WriteResult>> {
  const names = operations.flatMap(({ operationId }) => operationId ?? []);
  const places = await findAll(names, (name) => store.index('names').getKey(name));
  const rows = await findAll([...places.values()].filter((place) => place !== undefined), (place) => store.get(place) as IDBRequest<OperationsRow>);
  return new Map([...rows.values()].flatMap((row) => row.names.map((name, i) => [name, row.results[i]!] as const)));
}
