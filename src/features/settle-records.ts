import type { Clock } from '../core/clock.ts';
import { ConflictError } from '../core/errors.ts';
import type { Key } from '../core/key.ts';
import type { OperationOptions } from '../core/progress.ts';
import type { StorageAdapter, Version } from '../storage/contract.ts';
import { buildRecords, hashes, keepFrom, type BuildSource } from './build-records.ts';
import { batchesAfter, rewritten } from './log-chunks.ts';
import { noteRebuild, readState, type MaterializedState } from './materialized-state.ts';
import { decodeRecord, encodeRecord, generationOf, rebuildRecord, unsure, type OnlineRecord, type RebuildPlan } from './online-record.ts';
import { sharedRows } from './record-table.ts';

/** From what records are settled. */
export interface SettleSource extends BuildSource {
  readonly storage: StorageAdapter;
  readonly clock: Clock;
}

const attempts = 100;
const keysPerRead = 64;

/** How records of a layout and generation are made anew. */
interface SettlePlan extends RebuildPlan {
  readonly generation: number;
}

/**
 * Takes out of records what the log does not have any more, and returns how many are different now. A row is in the log before it is in a record, so one that is in a record that was read before the log, and not in
 * the log, was taken out of it. A record of which the log has no row goes; any other is made anew from the log, since rows that count now may have been let go for those that went, or folded together with them.
 */
export async function settleRecords(source: SettleSource, keys: readonly Key[], options: OperationOptions): Promise<number> {
  let left = keys;
  let settled = 0;
  for (let attempt = 1; ; attempt++) {
    const present = await versionsOf(source.storage, left, options);
    if (present.size === 0) return settled;
    if (attempt > attempts) throw new ConflictError(`${left[0]!} was changed by others at each of ${attempts} attempts; try again when it is less busy.`, { key: left[0]! });
    const result = await settlePresent(source, present, options);
    settled += result.settled;
    left = result.left;
  }
}

/** Settles those records that are of these versions still; the others are left. */
async function settlePresent(source: SettleSource, present: ReadonlyMap<Key, Version>, options: OperationOptions): Promise<{ readonly settled: number; readonly left: readonly Key[] }> {
  const { storage, clock, current } = source;
  const { value: state } = await readState(storage, current, { ...options, fresh: true });
  const end = Math.max(state?.end ?? -Infinity, state?.rebuild?.end ?? -Infinity);
  const due = new Set(present.keys());
  const again: Key[] = [];
  let settled = 0;
  const settle = async (key: Key, built: OnlineRecord | undefined, plans: readonly SettlePlan[]): Promise<void> => {
    due.delete(key);
    const result = await settleRecord(source, key, present.get(key)!, built, plans, options);
    if (result === undefined) again.push(key);
    else if (result) settled++;
  };
  for (let low = 0; low < hashes; ) {
    const pass = await buildRecords(source, { end, keepFrom: keepFrom(clock.now(), end), low, only: due }, options);
    if (pass === rewritten) return { settled, left: [...due, ...again] };
    const plans = await plansOf(source, state, end, options);
    for (const [key, built] of pass.records) await settle(key, built, plans);
    low = pass.high;
    if (low >= hashes) for (const key of [...due]) await settle(key, undefined, plans);
  }
  return { settled, left: again };
}

/** How records are made anew that a state tells of. */
async function plansOf({ layout, log }: SettleSource, state: MaterializedState | undefined, end: number, options: OperationOptions): Promise<SettlePlan[]> {
  const plans: SettlePlan[] = [];
  for (const made of [state, state?.rebuild]) {
    if (made?.layout !== layout.id) continue;
    const later = await batchesAfter(log, made.position, options);
    // Where the log was rewritten, nobody goes on from the place that was noted: all of it will be read again.
    plans.push({ generation: made.generation ?? 0, end, later: later === rewritten ? new Set() : later, layout });
  }
  return plans;
}

/** Settles one record, and tells whether it is different now; `undefined` when someone else was first. */
async function settleRecord({ storage, current }: SettleSource, key: Key, version: Version, built: OnlineRecord | undefined, plans: readonly SettlePlan[], options: OperationOptions): Promise<boolean | undefined> {
  const [stored] = await storage.read([key], { ...options, fresh: true });
  if (stored?.version !== version) return undefined;
  const record = decodeRecord(stored.bytes, key);
  const next = built && asInLog(record, built, plans);
  if (next === record) return false;
  if (next === unsure) await noteRebuild(storage, current, options);
  const condition = { match: version };
  const isLeft = next !== undefined && next !== unsure;
  const [result] = await storage.write([isLeft ? { kind: 'put', key, bytes: encodeRecord(next), condition } : { kind: 'delete', key, condition }], options);
  return result?.ok ? true : undefined;
}

/** The record as the log has it, the very same when it lacks none of its rows; `unsure` where it is of another layout or generation than the view's state tells: then only making all records anew helps. */
function asInLog(record: OnlineRecord, built: OnlineRecord, plans: readonly SettlePlan[]): OnlineRecord | typeof unsure | undefined {
  if (record.folded === undefined && sharedRows(record.rows, built.rows)?.every((isShared) => isShared === 1)) return record;
  const generation = generationOf(record);
  const plan = plans.find((each) => each.generation === generation);
  if (plan === undefined) return unsure;
  const next = rebuildRecord(record, built, plan);
  return next && { ...next, by: record.by, ...(generation > 0 && { generation }) };
}

/** The versions of those records that are there. */
async function versionsOf(storage: StorageAdapter, keys: readonly Key[], options: OperationOptions): Promise<Map<Key, Version>> {
  const found = new Map<Key, Version>();
  for (let i = 0; i < keys.length; i += keysPerRead) {
    const some = keys.slice(i, i + keysPerRead);
    const records = await storage.read(some, { ...options, fresh: true });
    records.forEach((record, k) => record && found.set(some[k]!, record.version));
  }
  return found;
}
