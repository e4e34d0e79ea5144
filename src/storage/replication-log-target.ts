import { isModelkeepError } from '../core/errors.ts';
import type { Key } from '../core/key.ts';
import type { ListEntry, LogPosition, StorageAdapter } from './contract.ts';
import type { ReplicationContext } from './replication-context.ts';
import { StretchDigests, type LogState, type StretchDigest, type TargetView } from './replication-log-plan.ts';

/** The log at a key as a store lists it, or `undefined`. */
export async function logAt(storage: StorageAdapter, log: Key, signal: AbortSignal): Promise<ListEntry | undefined> {
  const { entries } = await storage.list({ kind: 'log', prefix: log, limit: 1 }, { signal });
  return entries[0]?.key === log ? entries[0] : undefined;
}

/** The target's log as it was read. */
export interface TargetReading extends TargetView {
  /** As it was listed before it was read. */
  readonly log: ListEntry | undefined;
  /** The position behind all that was read. */
  readonly position: LogPosition | undefined;
}

/**
 * Reads what the target has behind what is known to be the same, or, `thorough`, all of it. Nothing when it is not what was believed: a log with less than it had, or with
 * more than was read.
 */
export async function lookAtTarget(context: ReplicationContext, log: Key, known: LogState, thorough: boolean): Promise<TargetReading | undefined> {
  const { to, signal } = context;
  const before = await logAt(to, log, signal);
  const base = thorough ? undefined : known.target;
  const counts = new Map(base?.counts);
  const digests = new StretchDigests();
  let position = base?.position;
  let added = 0;
  try {
    for await (const entry of to.readLog(log, { after: position, signal })) {
      position = entry.position;
      if (entry.sequence > (counts.get(entry.writer) ?? 0)) {
        counts.set(entry.writer, entry.sequence);
        added += entry.bytes.length;
      }
      if (entry.sequence > (known.same.get(entry.writer) ?? 0)) digests.add(entry.writer, entry.sequence, entry.bytes);
    }
  } catch (error) {
    // A position of a log that has been deleted may be refused.
    if (base?.position !== undefined && isModelkeepError(error, 'validation')) return undefined;
    throw error;
  }
  const after = await logAt(to, log, signal);
  const isStill = before?.version === after?.version;
  if (isStill && (after?.size ?? 0) !== (base?.size ?? 0) + added) return undefined;
  return { log: before, counts, digests: digests.takeAll(), position };
}

/** Digests of what the target has of each writer behind what is known to be the same, up to a given entry. */
export async function digestTarget(context: ReplicationContext, log: Key, known: LogState, upTo: ReadonlyMap<string, number>): Promise<Map<string, StretchDigest>> {
  const digests = new StretchDigests();
  if (upTo.size === 0) return new Map();
  for await (const { writer, sequence, bytes } of context.to.readLog(log, { after: known.target?.position, signal: context.signal })) {
    if (sequence > (known.same.get(writer) ?? 0) && sequence <= (upTo.get(writer) ?? 0)) digests.add(writer, sequence, bytes);
  }
  return digests.takeAll();
}
