import { fromUtf8, utf8 } from '../core/bytes.ts';
import { IntegrityError } from '../core/errors.ts';
import type { Key } from '../core/key.ts';
import type { Version } from './contract.ts';
import { SequencePrint } from './replication-content.ts';

/** How one kind of state is stored and compared. */
export interface StateKind<T> {
  /** Segment of the keys of its shards. */
  readonly name: string;
  /** From how many entries on a shard is split. */
  readonly splitAt: number;
  /** A state as JSON. */
  toJson(state: T): unknown;
  /** The state that `toJson` gave. */
  fromJson(json: unknown): T;
  /** The source's version that a state is settled at; `undefined` when it must be looked at again. */
  settledAt(state: T): Version | undefined;
  /** Whether a state is only the memory of something that is gone, which no list shows. */
  isGone(state: T): boolean;
}

/**
 * What is known of the keys from `bound` (included) to `upper` (excluded), as one record. Shards form a chain by their bounds, as the leaves of a B-link tree do (Lehman
 * and Yao, 1981): a split is one write of the left shard, and whoever finds the right one missing makes it from what the left still holds.
 */
export interface Shard<T> {
  readonly bound: string;
  readonly upper: string | undefined;
  /** The record's version; `undefined` before there is one. */
  readonly version: Version | undefined;
  /** Ascending by key. */
  readonly entries: ReadonlyMap<Key, T>;
  /** What a split left behind here until the next write: it belongs to the shard at `upper`, which goes on to `beyond`. */
  readonly surplus: ReadonlyMap<Key, T>;
  readonly beyond: string | undefined;
}

/** Whether a key belongs into a shard. */
export function isWithin(key: Key, { bound, upper }: { readonly bound: string; readonly upper: string | undefined }): boolean {
  return key >= bound && (upper === undefined || key < upper);
}

/** The bytes of a shard's record. */
export function encodeShard<T>(kind: StateKind<T>, { upper, beyond }: Pick<Shard<T>, 'upper' | 'beyond'>, entries: Iterable<readonly [Key, T]>): Uint8Array {
  return utf8(JSON.stringify({ format: 1, upper, beyond, entries: Array.from(entries, ([key, state]) => [key, kind.toJson(state)]) }));
}

/** The shard of a record. Throws `IntegrityError` for what is none. */
export function decodeShard<T>(kind: StateKind<T>, bound: string, record: { readonly bytes: Uint8Array; readonly version: Version }, key: Key): Shard<T> {
  try {
    const { format, upper, beyond, entries } = JSON.parse(fromUtf8(record.bytes)) as { format: number; upper?: string; beyond?: string; entries: [Key, unknown][] };
    if (format !== 1) throw new TypeError(`format ${format}`);
    const [own, surplus] = [new Map<Key, T>(), new Map<Key, T>()];
    for (const [entry, json] of entries) (upper === undefined || entry < upper ? own : surplus).set(entry, kind.fromJson(json));
    return { bound, upper, version: record.version, entries: own, surplus, beyond };
  } catch (cause) {
    throw new IntegrityError(`${key} is not a state that this version of replicate() wrote. Delete all below ${key.split('/', 3).join('/')}: everything is compared anew, and nothing sent twice.`, {
      key,
      cause,
    });
  }
}

/** The print of the versions that a shard's keys are settled at, as {@link printOfList} gives it for a list that needs nothing; `undefined` when some key is open. */
export function printOfShard<T>(kind: StateKind<T>, entries: ReadonlyMap<Key, T>): string | undefined {
  const print = new SequencePrint();
  for (const [key, state] of entries) {
    if (kind.isGone(state)) continue;
    const version = kind.settledAt(state);
    if (version === undefined) return undefined;
    print.add(key);
    print.add(version);
  }
  return print.text();
}

/** The print of keys and their versions. */
export function printOfList(list: Iterable<{ readonly key: Key; readonly version: Version }>): string {
  const print = new SequencePrint();
  for (const { key, version } of list) {
    print.add(key);
    print.add(version);
  }
  return print.text();
}

/** Where to split so many entries: the bound of a new shard for the upper part. Entries that came in order leave the lower part nearly full, since nothing more will come there. */
export function splitBound(keys: readonly Key[], splitAt: number): string {
  const at = Math.max(1, Math.min(keys.length - 1, Math.ceil(splitAt * 0.75)));
  return shortestAbove(keys[at - 1]!, keys[at]!);
}

/** The shortest text that is greater than `low` and begins `high` or is it. */
function shortestAbove(low: string, high: string): string {
  let length = 1;
  while (length < high.length && high.slice(0, length) <= low) length++;
  return high.slice(0, length);
}
