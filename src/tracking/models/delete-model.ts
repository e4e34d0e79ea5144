import { throwIfAborted } from '../../core/abort.ts';
import type { Clock } from '../../core/clock.ts';
import { encode } from '../../core/codec.ts';
import { assertDigest, type Digest } from '../../core/digest.ts';
import { NotFoundError } from '../../core/errors.ts';
import { newId } from '../../core/ids.ts';
import type { OperationOptions } from '../../core/progress.ts';
import type { StorageAdapter, Version, WriteOperation } from '../../storage/contract.ts';
import { lineageOperations } from '../../storage/lineage.ts';
import { readEach, readSoundUnder } from '../../storage/read-each.ts';
import { readValue } from '../../storage/records.ts';
import { update } from '../../storage/update.ts';
import { producedEdge, type ArtifactRecord } from '../artifacts/artifact-record.ts';
import { checkName } from '../metric-name.ts';
import { keys } from '../tracking-keys.ts';
import { blobsOfModel, producedModelEdge, type StoredModel } from './logged-model.ts';

/** Which of a run's models of one name are deleted. */
export interface DeleteModelOptions extends OperationOptions {
  /** Only the one with these contents. @default all of that name */
  digest?: Digest | undefined;
}

const filesAtOnce = 200;

/**
 * Takes models of a run away: the artifacts of their files, their lineage, and their record last, which is marked before, so that a model is not seen any more from the first moment, and what was cut off is finished when it is repeated. A model
 * that is logged again meanwhile is there, with its artifacts; when it is logged for the first time and deleted at the same moment, artifacts of it may stay. Throws `NotFoundError` when the run has no such model.
 */
export async function deleteModels(storage: StorageAdapter, clock: Clock, runId: string, name: string, { digest, signal }: DeleteModelOptions): Promise<void> {
  checkName(name, 'A model');
  if (digest !== undefined) assertDigest(digest);
  const found: StoredModel[] = [];
  // One that cannot be read says nothing of its files.
  for await (const model of readSoundUnder<StoredModel>(storage, keys.models(runId), () => undefined, { signal })) {
    if (model.name === name && (digest === undefined || model.digest === digest)) found.push(model);
  }
  if (found.length === 0) {
    throw new NotFoundError(`Run ${runId} has no model '${name}'${digest === undefined ? '' : ` with the contents ${digest}`}; tracker.models('${runId}') lists what it has.`, { key: name });
  }
  for (const model of found) await deleteOne(storage, clock, runId, model, { signal });
}

async function deleteOne(storage: StorageAdapter, clock: Clock, runId: string, model: StoredModel, { signal }: OperationOptions): Promise<void> {
  const key = keys.model(runId, model);
  const version = await mark(storage, clock, runId, model, { signal });
  if (version === undefined) return;
  const gone: ArtifactRecord[] = [];
  for (let at = 0; at < model.files.length; at += filesAtOnce) {
    throwIfAborted(signal, `Deleting model '${model.name}'`);
    gone.push(...(await deleteArtifacts(storage, runId, model, model.files.slice(at, at + filesAtOnce), { signal })));
  }
  const edge = lineageOperations([producedModelEdge(runId, model)]).map((each): WriteOperation => ({ kind: 'delete', key: each.key }));
  const results = await storage.write([...edge, { kind: 'delete', key, condition: { match: version }, operationId: newId() }], { signal });
  if (results.at(-1)?.ok === true) return;
  const now = await readValue<StoredModel>(storage, key, { signal, fresh: true });
  if (now !== undefined && now.value.deleting !== true) await putBack(storage, runId, now.value, gone, { signal });
}

/** The version of the record that says that it is being deleted; `undefined` when it is gone already. */
async function mark(storage: StorageAdapter, clock: Clock, runId: string, model: StoredModel, { signal }: OperationOptions): Promise<Version | undefined> {
  const none = new NotFoundError(`Model '${model.name}' of run ${runId} is gone.`, { key: model.name });
  try {
    const change = (before: StoredModel | undefined): StoredModel => {
      if (before === undefined) throw none;
      return before.deleting === true ? before : { ...before, deleting: true };
    };
    return (await update<StoredModel>(storage, keys.model(runId, model), change, { clock, signal, blobs: blobsOfModel })).version;
  } catch (error) {
    if (error === none) return undefined;
    throw error;
  }
}

/** The artifacts that were deleted. What someone else has put in the place of a file stays. */
async function deleteArtifacts(storage: StorageAdapter, runId: string, { folder }: StoredModel, files: StoredModel['files'], { signal }: OperationOptions): Promise<ArtifactRecord[]> {
  const records = await readEach<ArtifactRecord>(storage, files.map(({ path }) => keys.artifact(runId, `${folder}/${path}`)), { signal, fresh: true });
  const gone: ArtifactRecord[] = [];
  const operations = records.flatMap((record, i): WriteOperation[] => {
    if (record === undefined || 'error' in record || record.value.digest !== files[i]!.digest) return [];
    gone.push(record.value);
    const edges = lineageOperations([producedEdge(runId, record.value)]).map((each): WriteOperation => ({ kind: 'delete', key: each.key }));
    return [{ kind: 'delete', key: keys.artifact(runId, record.value.name), condition: { match: record.version }, operationId: newId() }, ...edges];
  });
  if (operations.length > 0) await storage.write(operations, { signal });
  return gone;
}

/** For a model that was logged again while its artifacts were being deleted. */
async function putBack(storage: StorageAdapter, runId: string, model: StoredModel, artifacts: readonly ArtifactRecord[], { signal }: OperationOptions): Promise<void> {
  const puts = artifacts.map((each): WriteOperation => ({ kind: 'put', key: keys.artifact(runId, each.name), bytes: encode(each), blobs: [each.digest], condition: 'absent', operationId: newId() }));
  await storage.write([...puts, ...lineageOperations([...artifacts.map((each) => producedEdge(runId, each)), producedModelEdge(runId, model)])], { signal });
}
