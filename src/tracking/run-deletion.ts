import type { Clock } from '../core/clock.ts';
import { encode } from '../core/codec.ts';
import { NotFoundError } from '../core/errors.ts';
import { durationMs } from '../core/duration.ts';
import { checkOptionNames, type OptionNames } from '../core/option-names.ts';
import type { LongOperationOptions, OperationOptions } from '../core/progress.ts';
import type { DeleteOperation, StorageAdapter } from '../storage/contract.ts';
import { deleteLineage } from '../storage/lineage.ts';
import { listAll } from '../storage/records.ts';
import { update } from '../storage/update.ts';
import { heartOf, livingSessions, readHeartbeatsAt } from './heartbeat.ts';
import { readEach } from '../storage/read-each.ts';
import { blobsOfRun, type StoredRun } from './run-record.ts';
import type { PurgeOptions } from './tracker-options.ts';
import { keys } from './tracking-keys.ts';

/** What a purge did. */
export interface PurgeReport {
  /** Ids of the runs that are gone for good. */
  readonly purged: readonly string[];
  /** Deleted runs that stay: they were deleted too short a time ago, or someone still has them open. */
  readonly kept: number;
}

/** How long a sign of life is kept that no run needs, in milliseconds: its tracker may be about to start one. */
const heartbeatKeptMs = 7 * 24 * 60 * 60 * 1000;
const batchSize = 500;

const purgeNames: OptionNames<PurgeOptions> = { olderThan: true, signal: true, onProgress: true };

/** Checks which runs are purged, and gives how long ago they were deleted at least, in milliseconds. Throws `ValidationError`. */
export function purgeAge(options: PurgeOptions): number {
  checkOptionNames(options, purgeNames, 'purgeDeleted');
  return durationMs(options.olderThan ?? '30d', 'olderThan');
}

/** Marks a run as deleted, or takes the mark away. Throws `NotFoundError` when there is no such run. */
export async function setDeleted(storage: StorageAdapter, clock: Clock, id: string, deleted: boolean, options: OperationOptions): Promise<StoredRun> {
  const { value } = await update<StoredRun>(
    storage,
    keys.run(id),
    (run) => {
      if (run === undefined || run.purging) throw new NotFoundError(`Run ${id} does not exist in this store any more.`, { key: id });
      if ((run.deletedAt !== undefined) === deleted) return run;
      const { deletedAt: _, ...rest } = run;
      return deleted ? { ...rest, deletedAt: clock.now() } : rest;
    },
    { clock, blobs: blobsOfRun, ...options },
  );
  return value;
}

/**
 * Removes every run that was deleted before a time: its metrics, what is recorded of its artifacts, models and datasets, and its lineage. Its record goes last, so that a purge that was cut off is finished by the next one. Runs that cannot
 * be read stay.
 */
export async function purgeDeletedRuns(storage: StorageAdapter, deletedBefore: number, now: number, { signal, onProgress }: LongOperationOptions): Promise<PurgeReport> {
  const purged: string[] = [];
  let kept = 0;
  let done = 0;
  const batch: string[] = [];
  const hearts = new Set<string>();
  const look = async (): Promise<void> => {
    for (const record of await readEach<StoredRun>(storage, batch.splice(0), { signal })) {
      if (record === undefined || 'error' in record) continue;
      const { value: run, version } = record;
      const gone = run.deletedAt !== undefined && run.deletedAt <= deletedBefore && (await livingSessions(storage, run, now, { signal })).length === 0 && (await purge(storage, run, version, { signal }));
      if (gone) purged.push(run.id);
      else if (run.deletedAt !== undefined) kept++;
      if (!gone && run.status === 'running') for (const session of run.openSessions) hearts.add(heartOf(session));
    }
    onProgress?.({ phase: 'purging deleted runs', done });
  };
  for await (const { key } of listAll(storage, { prefix: keys.runs }, { signal })) {
    done++;
    batch.push(key);
    if (batch.length >= batchSize) await look();
  }
  await look();
  await sweepHeartbeats(storage, hearts, now, { signal });
  return { purged, kept };
}

/** Says whether it went: a run that was restored in the meantime stays. */
async function purge(storage: StorageAdapter, run: StoredRun, version: string, options: OperationOptions): Promise<boolean> {
  const { id, experiment } = run;
  const marked: StoredRun = { ...run, purging: true };
  const [mark] = await storage.write([{ kind: 'put', key: keys.run(id), bytes: encode(marked), blobs: blobsOfRun(run), condition: { match: version } }], options);
  if (mark?.ok !== true) return false;
  const operations: DeleteOperation[] = [{ kind: 'delete', key: keys.experimentRun(experiment, id) }];
  for (const prefix of [keys.artifacts(id), keys.models(id), keys.datasets(id), keys.datasetProfiles(id), keys.extremes(id)]) {
    for await (const { key } of listAll(storage, { prefix }, options)) operations.push({ kind: 'delete', key });
  }
  await storage.deleteLog(keys.metrics(id), options);
  await deleteLineage(storage, { kind: 'run', id }, options);
  await storage.write([...operations, { kind: 'delete', key: keys.importTurn(id) }, { kind: 'delete', key: keys.run(id) }], options);
  return true;
}

/** Removes old signs of life, but those of runs that never ended, which crashed when the last one was given. */
async function sweepHeartbeats(storage: StorageAdapter, needed: ReadonlySet<string>, now: number, options: OperationOptions): Promise<void> {
  const found: string[] = [];
  for await (const { key } of listAll(storage, { prefix: keys.heartbeats }, options)) if (!needed.has(key.slice(keys.heartbeats.length))) found.push(key);
  const beats = await readHeartbeatsAt(storage, found, options);
  const old = found.filter((_, i) => now - (beats[i]?.at ?? now) > heartbeatKeptMs);
  if (old.length > 0) await storage.write(old.map((key) => ({ kind: 'delete' as const, key })), options);
}
