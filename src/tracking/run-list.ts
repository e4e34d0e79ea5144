import { describeFailure, type FailureRecord } from '../core/failure.ts';
import type { Page } from '../core/page.ts';
import { newestFirst } from '../core/newest-first.ts';
import type { OperationOptions } from '../core/progress.ts';
import type { StorageAdapter } from '../storage/contract.ts';
import { readHeartbeats, withLife } from './heartbeat.ts';
import type { LogTails } from './log-tails.ts';
import { isDamage, readEach } from '../storage/read-each.ts';
import { toRunRecord, type RunRecord, type StoredRun } from './run-record.ts';
import { keys } from './tracking-keys.ts';

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

/** What becomes of deleted runs in a list: they are left out, come with the others, or come alone. */
export type DeletedRuns = 'exclude' | 'include' | 'only';

/** Which runs are listed, newest first. */
export interface ListRunsQuery {
  readonly experiments: readonly string[] | undefined;
  readonly deleted: DeletedRuns;
  readonly limit: number;
  /** Id of the run to go on after. */
  readonly after: string | undefined;
}

/** A page of runs. A run that starts meanwhile comes before every page, so that none is skipped and none comes twice. */
export async function listRunPage(storage: StorageAdapter, tails: LogTails, query: ListRunsQuery, now: number, options: OperationOptions): Promise<RunPage> {
  const { experiments, deleted, limit, after } = query;
  const prefixes = experiments === undefined ? [keys.runs] : [...new Set(experiments)].map(keys.experimentRuns);
  const lists = await Promise.all(prefixes.map((prefix) => segmentsUnder(storage, prefix, limit + 1, after, options)));
  const segments = lists.flat().sort();
  const ids = segments.slice(0, limit).map(newestFirst);
  const stored: StoredRun[] = [];
  const damaged: DamagedRun[] = [];
  for (const [i, record] of (await readEach<StoredRun>(storage, ids.map(keys.run), options)).entries()) {
    if (record === undefined) continue;
    if ('error' in record) damaged.push({ id: ids[i]!, error: describeFailure(record.error) });
    else if (isListed(record.value, deleted)) stored.push(record.value);
  }
  const heartbeats = await readHeartbeats(storage, stored, options);
  const items: RunRecord[] = [];
  for (const run of stored) {
    try {
      const metrics = await tails.metricsOf(run, options);
      items.push(withLife(toRunRecord(run, metrics), run.openSessions, heartbeats, now));
    } catch (error) {
      if (!isDamage(error)) throw error;
      damaged.push({ id: run.id, error: describeFailure(error) });
    }
  }
  const place = new Map(ids.map((id, i) => [id, i]));
  damaged.sort((a, b) => place.get(a.id)! - place.get(b.id)!);
  return { items, damaged, next: segments.length > limit ? ids[limit - 1] : undefined };
}

/** Whether a query is to give a run, by what it says of deleted ones. */
export function isListed(run: Pick<RunRecord, 'deletedAt'>, deleted: DeletedRuns): boolean {
  return deleted === 'include' || (run.deletedAt !== undefined) === (deleted === 'only');
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
