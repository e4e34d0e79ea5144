import { encode } from '../../core/codec.ts';
import { newId } from '../../core/ids.ts';
import type { Key } from '../../core/key.ts';
import type { StorageAdapter, WriteCondition } from '../../storage/contract.ts';
import { readEach, type EachValue } from '../../storage/read-each.ts';

/** The last details that the attempts at a unit have given of how far they were. */
export interface HeartbeatRecord extends HeartbeatAuthor {
  /** Epoch milliseconds. */
  readonly at: number;
  /** Packed. */
  readonly details: Uint8Array;
}

/** Tells an attempt from all others at its unit: which the later of two is decides whose details stay. */
export interface HeartbeatAuthor {
  readonly round: number;
  readonly attempt: number;
  /** Grows with whoever makes the same attempt anew. */
  readonly fence: number;
}

/** Whether an attempt came after another, so that what the other says no longer counts. */
export function isLater(one: HeartbeatAuthor, other: HeartbeatAuthor): boolean {
  if (one.round !== other.round) return one.round > other.round;
  return one.attempt === other.attempt ? one.fence > other.fence : one.attempt > other.attempt;
}

/** What there is of a unit, or why that cannot be read. */
export async function readHeartbeat(storage: StorageAdapter, key: Key): Promise<EachValue<HeartbeatRecord>> {
  const [found] = await readEach<HeartbeatRecord>(storage, [key], { fresh: true });
  return found;
}

/** What a record takes the place of, when this was found: one that cannot be read has no version to go by. */
export function placeOf(found: EachValue<HeartbeatRecord>): WriteCondition | undefined {
  if (found === undefined) return 'absent';
  return 'error' in found ? undefined : { match: found.version };
}

/** Puts a record in its place, unless somebody else was first: `undefined` then, and otherwise the place of the next. */
export async function putHeartbeat(storage: StorageAdapter, key: Key, record: HeartbeatRecord, place: WriteCondition | undefined): Promise<WriteCondition | undefined> {
  const [result] = await storage.write([{ kind: 'put', key, bytes: encode(record, key), condition: place, operationId: newId() }]);
  return result!.ok ? { match: result!.version! } : undefined;
}
