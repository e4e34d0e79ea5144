import { newId } from '../../core/ids.ts';
import type { ListEntry, ListPage, Version } from '../contract.ts';
import type { CheckedListQuery } from '../list-page.ts';

/**
 * The object stores of format 1.
 *
 * `heads`, `logs` and `blobs` say all that a list tells in their keys, `<key>\0<version>\0<size>`, so that a list reads keys and no values, however large the values are:
 * - `about`: `'store'` → which database this is
 * - `heads`: the head of each record → 0; `records`: key → {@link RecordRow}
 * - `operations`: number → the named write and its result, found by the index `id`
 * - `logs`: the head of each log → 0; `entries`: `[log, writer, sequence of the last entry, bytes]` → {@link EntriesRow}, found by name with the index `operation`
 * - `blobs`: the head of each blob → {@link Manifest}; `chunks`: `[staging, number]` → bytes; `staging`: staging → when its last chunk came, while it has no manifest
 */
export const storeNames = ['about', 'heads', 'records', 'operations', 'logs', 'entries', 'blobs', 'chunks', 'staging'] as const;

export type StoreName = (typeof storeNames)[number];

/** What this code reads and writes; the version of the database. */
export const formatVersion = 1;

/** Which database this is: another one after the browser removed it and it was made anew. */
export interface AboutRow {
  readonly id: string;
}

/** Makes the object stores of a new database. */
export function createLayout(database: IDBDatabase): void {
  for (const name of storeNames) {
    const store = database.createObjectStore(name, { autoIncrement: name === 'operations' });
    if (name === 'about') store.put({ id: newId() } satisfies AboutRow, 'store');
    if (name === 'operations') store.createIndex('id', 'id');
    if (name === 'entries') store.createIndex('operation', 'operation');
  }
}

/** What a head says. */
export type Head = ListEntry;

/** The key under which a record, log or blob stands in its list. */
export function headOf(key: string, version: Version, size: number): string {
  return `${key}\0${version}\0${size}`;
}

/** What a head says. */
export function parseHead(head: IDBValidKey): Head {
  const [key, version, size] = (head as string).split('\0') as [string, string, string];
  return { key, version, size: Number(size) };
}

/** Makes key ranges; of the host, or injected with its factory. */
export type KeyRanges = Pick<typeof IDBKeyRange, 'bound' | 'lowerBound' | 'upperBound'>;

/** Where the head of a key stands, whatever its version and size. */
export function headRange(ranges: KeyRanges, key: string): IDBKeyRange {
  return ranges.bound(`${key}\0`, `${key}\x01`, false, true);
}

/** All keys that are arrays beginning with these parts. */
export function arrayRange(ranges: KeyRanges, ...parts: readonly string[]): IDBKeyRange {
  return ranges.bound([...parts], [...parts, []]);
}

/** A page of a list, read from the keys of its heads alone. */
export async function listHeads(ranges: KeyRanges, getAllKeys: (range: IDBKeyRange | undefined, count: number) => Promise<IDBValidKey[]>, query: CheckedListQuery): Promise<ListPage> {
  const { prefix, after, limit } = query;
  // A head of `after` itself is less than this, a head of any greater key is not.
  const lower = after === undefined || `${after}\x01` < prefix ? prefix : `${after}\x01`;
  const upper = `${prefix}\uffff`;
  if (lower >= upper) return { entries: [] };
  const entries = (await getAllKeys(prefix === '' ? ranges.lowerBound(lower) : ranges.bound(lower, upper), Math.min(limit, maxCount) + 1)).map(parseHead);
  if (entries.length <= limit) return { entries };
  entries.pop();
  return { entries, next: entries[entries.length - 1]!.key };
}

// Counts of IndexedDB are unsigned 32-bit numbers.
const maxCount = 0xffff_fffe;
