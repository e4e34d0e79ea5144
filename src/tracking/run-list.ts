import { decode } from '../core/codec.ts';
import { isModelkeepError } from '../core/errors.ts';
import { describeFailure, type FailureRecord } from '../core/failure.ts';
import type { Page } from '../core/page.ts';
import type { OperationOptions } from '../core/progress.ts';
import type { StorageAdapter, StoredRecord } from '../storage/contract.ts';
import { mergeLatest } from './latest-metric.ts';
import { readLatest } from './metric-log.ts';
import { toRunRecord, type RunRecord, type StoredRun } from './run-record.ts';
import { keys, newestFirst } from './tracking-keys.ts';

/** A run that could not be read. */
export interface DamagedRun {
  /** UUIDv7. */
  readonly id: string;
  /** Why it cannot be read. */
  readonly error: FailureRecord;
}

/** Part of a list of runs; it may hold fewer than were asked for and still have a `next`. */
export interface RunPage extends Page<RunRecord> {
  /** Runs of this part that cannot be read; they hide none of the others. */
  readonly damaged: readonly DamagedRun[];
}

/** Which runs are listed, newest first. */
export interface ListRunsQuery {
  readonly experiments: readonly string[] | undefined;
  readonly limit: number;
  /** Id of the run to go on after. */
  readonly after: string | undefined;
}

/** A page of runs. A run that starts meanwhile comes before every page, so that none is skipped and none comes twice. */
export async function listRunPage(storage: StorageAdapter, query: ListRunsQuery, options: OperationOptions): Promise<RunPage> {
  const { experiments, limit, after } = query;
  const prefixes = experiments === undefined ? [keys.runs] : [...new Set(experiments)].map(keys.experimentRuns);
  const lists = await Promise.all(prefixes.map((prefix) => segmentsUnder(storage, prefix, limit + 1, after, options)));
  const segments = lists.flat().sort();
  const ids = segments.slice(0, limit).map(newestFirst);
  const runs: RunRecord[] = [];
  const damaged: DamagedRun[] = [];
  for (const [i, record] of (await readEach(storage, ids, options)).entries()) {
    if (record === undefined) continue;
    try {
      if ('error' in record) throw record.error;
      runs.push(await withMetrics(storage, decode(record.bytes, keys.run(ids[i]!)) as StoredRun, options));
    } catch (error) {
      if (!isDamage(error)) throw error;
      damaged.push({ id: ids[i]!, error: describeFailure(error) });
    }
  }
  return { items: runs, damaged, next: segments.length > limit ? ids[limit - 1] : undefined };
}

/** The record as callers see it: while sessions are open, or died open, the log tells what the record does not. */
export async function withMetrics(storage: StorageAdapter, run: StoredRun, options: OperationOptions): Promise<RunRecord> {
  if (run.openSessions.length === 0) return toRunRecord(run, run.metrics);
  const logged = await readLatest(storage, keys.metrics(run.id), options);
  return toRunRecord(run, mergeLatest(run.metrics, Object.entries(logged)));
}

async function segmentsUnder(storage: StorageAdapter, prefix: string, limit: number, after: string | undefined, options: OperationOptions): Promise<string[]> {
  const segments: string[] = [];
  let cursor = after === undefined ? undefined : `${prefix}${newestFirst(after)}`;
  do {
    const page = await storage.list({ prefix, limit: limit - segments.length, after: cursor }, options);
    for (const entry of page.entries) segments.push(entry.key.slice(prefix.length));
    cursor = page.next;
  } while (cursor !== undefined && segments.length < limit);
  return segments;
}

/** The record of each id, or why it cannot be read; `undefined` for a run whose start was cut off. */
async function readEach(storage: StorageAdapter, ids: readonly string[], options: OperationOptions): Promise<(StoredRecord | { error: unknown } | undefined)[]> {
  if (ids.length === 0) return [];
  try {
    return await storage.read(ids.map(keys.run), options);
  } catch (error) {
    if (!isDamage(error)) throw error;
    if (ids.length === 1) return [{ error }];
    // One damaged record fails the whole read, so each is asked for alone.
    return (await Promise.all(ids.map((id) => readEach(storage, [id], options)))).flat();
  }
}

function isDamage(error: unknown): boolean {
  return isModelkeepError(error, 'integrity', 'unsupported');
}
