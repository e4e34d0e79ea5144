import type { Clock } from '../core/clock.ts';
import type { Key } from '../core/key.ts';
import type { OperationOptions } from '../core/progress.ts';
import type { StorageAdapter } from '../storage/contract.ts';
import { buildRecords, keepFrom, type BuildSource } from './build-records.ts';
import { batchesAfter, rewritten } from './log-chunks.ts';
import { readState } from './materialized-state.ts';
import { generationOf, rebuildRecord, unsure, type OnlineRecord } from './online-record.ts';
import { rowsOfBatches } from './record-table.ts';

/** From what a record is made anew. */
export interface RemakeSource extends BuildSource {
  readonly storage: StorageAdapter;
  readonly clock: Clock;
}

/**
 * The record of one entity from the log, without the rows of batches up to `last` in their order; `undefined` when none is left, and `unsure` where records are of another layout or generation than
 * the view's state tells: then only making all of them anew helps.
 */
export async function remakeRecord(source: RemakeSource, key: Key, record: OnlineRecord, last: string, options: OperationOptions): Promise<OnlineRecord | typeof unsure | typeof rewritten | undefined> {
  const { storage, clock, current, layout, log } = source;
  const { value: state } = await readState(storage, current, { ...options, fresh: true });
  const generation = generationOf(record);
  const made = [{ generation: 0, ...state }, ...(state?.rebuild ? [state.rebuild] : [])].find((each) => each.layout === layout.id && each.generation === generation);
  if (made === undefined) return unsure;
  const end = Math.max(made.end ?? -Infinity, state?.end ?? -Infinity);
  const now = keepFrom(clock.now(), end);
  const pass = await buildRecords(source, { end, keepFrom: now, only: new Set([key]), after: last }, options);
  if (pass === rewritten) return rewritten;
  const later = await batchesAfter(log, made.position, options);
  const built = pass.records.get(key);
  if (built === undefined) return undefined;
  // Rows are in the log before they are in a record. Where it was rewritten, nobody goes on from the place that was noted: all records will be made anew.
  const before = { ...record, rows: rowsOfBatches(record.rows, (batch) => batch > last) };
  const next = rebuildRecord(before, built, { end, later: later === rewritten ? new Set() : later, layout });
  return next && { ...next, by: record.by, ...(generation > 0 && { generation }) };
}
