import type { Clock } from '../core/clock.ts';
import { encode } from '../core/codec.ts';
import { ConflictError, NotFoundError, ValidationError } from '../core/errors.ts';
import { isId, newId } from '../core/ids.ts';
import type { OperationOptions } from '../core/progress.ts';
import { shown } from '../core/shown.ts';
import type { PutOperation, StorageAdapter, WriteOperation } from '../storage/contract.ts';
import { lineageOperations } from '../storage/lineage.ts';
import { readValue } from '../storage/records.ts';
import { update } from '../storage/update.ts';
import { edgesOfStart } from './run-edges.ts';
import { blobsOfRun, type ExperimentRecord, type ParamValues, type StoredRun, type TagValues } from './run-record.ts';
import { withParams } from './run-values.ts';
import { keys } from './tracking-keys.ts';

/** Writes a new run, and its experiment when that may be new. The run itself comes last: cut off before, nothing of it is seen. */
export async function createRun(storage: StorageAdapter, run: StoredRun, options: OperationOptions & { beat: readonly PutOperation[]; newExperiment: boolean }): Promise<StoredRun> {
  const { id, experiment, startedAt } = run;
  const operations: WriteOperation[] = [...options.beat, { kind: 'put', key: keys.experimentRun(experiment, id), bytes: encode({ id }) }];
  if (options.newExperiment) {
    const record: ExperimentRecord = { name: experiment, createdAt: startedAt };
    operations.push({ kind: 'put', key: keys.experiment(experiment), bytes: encode(record), condition: 'absent' });
  }
  operations.push(...lineageOperations(edgesOfStart(run)));
  operations.push({ kind: 'put', key: keys.run(id), bytes: encode(run), blobs: blobsOfRun(run), condition: 'absent', operationId: newId() });
  const results = await storage.write(operations, { signal: options.signal });
  if (results.at(-1)?.ok !== true) throw new ConflictError(`Run ${id} exists already.`, { key: id });
  return run;
}

/** Makes a run running again for one more session. Throws `NotFoundError` when there is no such run, and `ConflictError` when a param has another value. */
export async function resumeRun(
  storage: StorageAdapter,
  clock: Clock,
  id: string,
  { params, tags, session, beat, signal }: OperationOptions & { params: ParamValues; tags: TagValues; session: string; beat: readonly PutOperation[] },
): Promise<StoredRun> {
  if (!isId(id)) throw noSuchRun(id);
  // A run that is resumed must not count as crashed because its sign of life is not there yet.
  if (beat.length > 0) await storage.write(beat, { signal });
  const { value } = await update<StoredRun>(
    storage,
    keys.run(id),
    (run) => {
      if (run === undefined || run.purging) throw noSuchRun(id);
      if (run.deletedAt !== undefined) throw new ConflictError(`Run ${id} was deleted; take it back with tracker.restoreRun('${id}') before it is resumed.`, { key: id });
      const { endedAt: _endedAt, reason: _reason, error: _error, ...kept } = withParams(run, params);
      return { ...kept, status: 'running', tags: { ...run.tags, ...tags }, openSessions: [...run.openSessions, session] };
    },
    { clock, blobs: blobsOfRun, signal },
  );
  return value;
}

/** The record of a run. Throws `NotFoundError` when there is none with this id. */
export async function readStoredRun(storage: StorageAdapter, id: string, options: OperationOptions): Promise<StoredRun> {
  const record = isId(id) ? await readValue<StoredRun>(storage, keys.run(id), options) : undefined;
  if (record === undefined || record.value.purging) throw noSuchRun(id);
  return record.value;
}

/** The id of a parent that exists. */
export async function readParentId(storage: StorageAdapter, parent: unknown, options: OperationOptions): Promise<string> {
  const id: unknown = typeof parent === 'object' && parent !== null ? (parent as { id?: unknown }).id : parent;
  if (typeof id !== 'string') throw new ValidationError(`parent is ${shown(parent, 80)}; give a run or its id.`, { path: 'startRun.parent' });
  return (await readStoredRun(storage, id, options)).id;
}

function noSuchRun(id: unknown): NotFoundError {
  return new NotFoundError(`Run ${shown(id, 80)} does not exist in this store; tracker.runs() lists those that do.`, { key: String(id) });
}
