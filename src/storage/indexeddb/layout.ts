import { promisifyRequest } from 'idb-keyval';
import { newId } from '../../core/ids.ts';
import type { ListEntry, ListPage, Version } from '../contract.ts';
import type { CheckedListQuery } from '../list-page.ts';

/**
 * The object stores of format 1.
 *
 * `heads`, `logs` and `blobs` say all that a list tells in their keys, `<key>\0<version>\0<size>`, so that a list reads keys and no values, however large the values are:
 * - `about`: `'store'` → which database this is; `['append', instance, number, piece]` → an append that a page put aside when it was left
 * - `heads`: the head of each record → 0; `records`: key → RecordRow
 * - `operations`: how many named writes there were so far → OperationsRow, found by any of its names with the index `names`
 * - `logs`: the head of each log → 0; `entries`: RowKey → EntriesRow, found by the name of its append with the index `names`
 * - `blobs`: the head of each blob → the name of its upload; `chunks`: ChunkKey → bytes; `staging`: name of an upload that is under way → when its last chunk came
 */
export const storeNames = ['about', 'heads', 'records', 'operations', 'logs', 'entries', 'blobs', 'chunks', 'staging'] as const;

export type StoreName = (typeof storeNames)[number];

/** What this code reads and writes; the version of the database. */
export const formatVersion = 1;

/** Makes the object stores of a new database. */
export function createLayout(database: IDBDatabase): void {
  for (const name of storeNames) {
    const store = database.createObjectStore(name);
    // Another one when the browser removed the database and it was made anew.
    if (name === 'about') store.put(newId(), 'store');
    if (name === 'operations' || name === 'entries') store.createIndex('names', 'names', { multiEntry: true });
  }
}

/** The key under which a record, log or blob stands in its list. */
export function headOf(key: string, version: Version, size: number): string {
  return `${key}\0${version}\0${size}`;
}

/** What a head says. */
export function parseHead(head: IDBValidKey): ListEntry {
  const [key, version, size] = (head as string).split('\0') as [string, string, string];
  return { key, version, size: Number(size) };
}

/** Makes key ranges; of the host, or injected with its factory. */
export type KeyRanges = Pick<typeof IDBKeyRange, 'bound' | 'upperBound'>;

/** Where the head of a key stands, whatever its version and size. */
export function headRange(ranges: KeyRanges, key: string): IDBKeyRange {
  return ranges.bound(`${key}\0`, `${key}\x01`);
}

/** All keys that are arrays beginning with these parts. */
export function arrayRange(ranges: KeyRanges, ...parts: readonly string[]): IDBKeyRange {
  return ranges.bound(parts, [...parts, []]);
}

/** Where an append stands that a page put aside when it was left, each of its pieces under one more number. */
export type PutAsideKey = readonly [kind: 'append', instance: string, number: number];

/** Where all appends are that pages put aside. */
export function putAside(ranges: KeyRanges): IDBKeyRange {
  return arrayRange(ranges, 'append');
}

/** A page of a list, read from the keys of its heads alone. */
export async function listHeads(store: IDBObjectStore, ranges: KeyRanges, { prefix, after, limit }: CheckedListQuery): Promise<ListPage> {
  // A head of `after` itself is less than this, a head of any greater key is not.
  const behind = after === undefined ? '' : `${after}\x01`;
  const lower = behind > prefix ? behind : prefix;
  const upper = `${prefix}\uffff`;
  if (lower >= upper) return { entries: [] };
  // Counts of IndexedDB are unsigned 32-bit numbers.
  const entries = (await promisifyRequest(store.getAllKeys(ranges.bound(lower, upper), Math.min(limit + 1, 0xffff_ffff)))).map(parseHead);
  return entries.length <= limit ? { entries } : { entries: entries.slice(0, limit), next: entries[limit - 1]!.key };
}

/** What a request for each of `keys` gave, all of them made at once. */
export async function findAll<K, V>(keys: readonly K[], request: (key: K) => IDBRequest<V>): Promise<Map<K, V>> {
  const distinct = [...new Set(keys)];
  const found = await Promise.all(distinct.map((key) => promisifyRequest(request(key))));
  return new Map(distinct.map((key, i) => [key, found[i]!]));
}
