import type { Clock } from '../../core/clock.ts';
import { canonicalJson, encode } from '../../core/codec.ts';
import { ConflictError } from '../../core/errors.ts';
import { newId } from '../../core/ids.ts';
import type { OperationOptions } from '../../core/progress.ts';
import type { StorageAdapter, WriteOperation } from '../../storage/contract.ts';
import { lineageOperations } from '../../storage/lineage.ts';
import { update } from '../../storage/update.ts';
import { importSession } from '../import-session.ts';
import { mergeLatest } from '../latest-metric.ts';
import { edgesOfStart } from '../run-edges.ts';
import { fitRecords } from '../run-extremes.ts';
import { blobsOfRun, type ExperimentRecord, type ParamValues, type RunRecord, type StoredRun } from '../run-record.ts';
import { keys } from '../tracking-keys.ts';
import type { CheckedRun } from './checked-run.ts';
import type { PointsWriter } from './points-writer.ts';

/** Why an imported run counts as crashed whose source knows no end of it. */
const noEnd = 'its source knows no end of it';

/** The run as it is stored, with what its points come to as far as that fits. */
export function storedRun(storage: StorageAdapter, run: CheckedRun, points: PointsWriter, about: Pick<RunRecord, 'environment' | 'code'>): StoredRun {
  const metrics = mergeLatest({}, points.latest);
  const fits = fitRecords(storage, metrics, Object.fromEntries(points.extremes));
  return {
    ...run,
    ...(run.status === 'running' ? { status: 'crashed', endedAt: Math.max(run.startedAt, points.lastTimestamp, run.endedAt ?? 0), reason: noEnd } : {}),
    ...about,
    metrics: fits ? metrics : {},
    openSessions: fits ? [] : [importSession],
  };
}

/** Writes a run that is not there, its experiment, and what goes before; says whether it did, or someone else was first. The run itself comes last: cut off before, nothing of it is seen. */
export async function writeNewRun(storage: StorageAdapter, run: StoredRun, before: readonly WriteOperation[], options: OperationOptions): Promise<boolean> {
  const { id, experiment, startedAt } = run;
  const record: ExperimentRecord = { name: experiment, createdAt: startedAt };
  const operations: WriteOperation[] = [
    ...before,
    { kind: 'put', key: keys.experimentRun(experiment, id), bytes: encode({ id }) },
    { kind: 'put', key: keys.experiment(experiment), bytes: encode(record), condition: 'absent' },
    ...lineageOperations(edgesOfStart(run)),
    // A name of its own: a run that was purged may be imported again.
    { kind: 'put', key: keys.run(id), bytes: encode(run), blobs: blobsOfRun(run), condition: 'absent', operationId: newId() },
  ];
  const results = await storage.write(operations, options);
  return results.at(-1)?.ok === true;
}

/**
 * Adds what a source has more of a run than the store. What is in the store stays, since people may have changed it: params and tags are only added; an end is only set where none was known, or the run was gone on with in its source and ended later. `onConflict` is told the params whose
 * values differ. Says whether anything changed.
 */
export async function extendRun(storage: StorageAdapter, clock: Clock, next: StoredRun, onConflict: (name: string) => void, options: OperationOptions): Promise<boolean> {
  let changed = false;
  await update<StoredRun>(
    storage,
    keys.run(next.id),
    (run) => {
      if (run === undefined || run.purging) throw new ConflictError(`Run ${next.id} is being purged; import it again afterwards.`, { key: next.id });
      const extended = extend(run, next);
      changed = canonicalJson(extended) !== canonicalJson(run);
      return changed ? extended : run;
    },
    { clock, blobs: blobsOfRun, ...options },
  ).then(({ value }) => {
    for (const [name, param] of Object.entries(next.params)) if (canonicalJson(value.params[name]) !== canonicalJson(param)) onConflict(name);
  });
  return changed;
}

/** Whether its source knew of no end of a run when it was imported, and nobody has gone on with it here since. */
export function hadNoEnd({ status, reason }: StoredRun): boolean {
  return status === 'crashed' && reason === noEnd;
}

function endedLater(next: StoredRun, run: StoredRun): boolean {
  return run.endedAt !== undefined && next.endedAt !== undefined && next.endedAt > run.endedAt;
}

function extend(run: StoredRun, next: StoredRun): StoredRun {
  const added: ParamValues = Object.fromEntries(Object.entries(next.params).filter(([name]) => !Object.hasOwn(run.params, name)));
  const { status, endedAt, reason, ...rest } = run;
  const end = hadNoEnd(run) || endedLater(next, run) ? next : run;
  return {
    ...rest,
    status: end.status,
    ...(end.endedAt === undefined ? {} : { endedAt: end.endedAt }),
    ...(end.reason === undefined ? {} : { reason: end.reason }),
    params: { ...run.params, ...added },
    tags: { ...next.tags, ...run.tags },
    metrics: mergeLatest(run.metrics, Object.entries(next.metrics)),
    openSessions: [...new Set([...run.openSessions, ...next.openSessions])],
  };
}
