import { throwIfAborted } from '../../core/abort.ts';
import { canonicalJson } from '../../core/codec.ts';
import type { Clock } from '../../core/clock.ts';
import { ConflictError, isModelkeepError } from '../../core/errors.ts';
import type { Key } from '../../core/key.ts';
import type { OperationOptions } from '../../core/progress.ts';
import type { RecordRef } from '../../core/record-ref.ts';
import type { StorageAdapter } from '../../storage/contract.ts';
import { lineageOperations } from '../../storage/lineage.ts';
import { DatasetVersions, type BodyRecord, type DroppedKeys } from './dataset-versions.ts';
import { readAssignment, readDetails, storeSummary, type StoredRows } from './dataset-rows.ts';
import { entityDigest, takeOutKeys, type ForgottenEntities } from './take-out-keys.ts';

const attempts = 20;

/**
 * Takes entities of a view out of all datasets that were joined to it by their keys, and returns how many rows these were. Comes after their rows are gone from the log: a dataset whose saving begins later does not see
 * them, one that is being saved is told of them and cannot end before it has heard, and one that is saved loses its rows here, whenever that was: no clock says what a dataset has seen. The same call again
 * finishes what was cut off.
 */
export async function forgetDatasetRows(storage: StorageAdapter, clock: Clock, view: string, entity: readonly string[], keys: readonly (readonly string[])[], options: OperationOptions): Promise<number> {
  const wanted = new Set(keys.map((texts) => canonicalJson(texts)));
  const forgotten: ForgottenEntities = { view, entity, has: (texts) => wanted.has(canonicalJson(texts)) };
  const news: DroppedKeys = { view, entity, digests: keys.map((texts) => entityDigest(view, texts)) };
  const versions = new DatasetVersions(storage, clock);
  let dropped = 0;
  for await (const key of versions.bodyKeys(options)) {
    throwIfAborted(options.signal, `Forgetting entities of ${view}`);
    dropped += await forgetIn(storage, clock, versions, key, forgotten, news, options);
  }
  return dropped;
}

async function forgetIn(storage: StorageAdapter, clock: Clock, versions: DatasetVersions, key: Key, forgotten: ForgottenEntities, news: DroppedKeys, options: OperationOptions): Promise<number> {
  for (let attempt = 0; attempt < attempts; attempt++) {
    const body = await versions.body(key, options);
    if (body === undefined || !body.value.views.some(({ name }) => name === forgotten.view)) return 0;
    const { saved } = body.value;
    if (saved === undefined) {
      if (await versions.write(body, { ...body.value, dropped: [...body.value.dropped, news] }, [], options)) return 0;
      continue;
    }
    try {
      const rows = await rowsOf(storage, body, options);
      const left = await takeOutKeys(storage, `'${body.value.name}'`, rows, body.value.views, [forgotten], options);
      if (left.dropped === 0) return 0;
      const { contents, blobs } = await storeSummary(storage, body.value.name, left.rows, options);
      const history = [...saved.forgotten, { at: clock.now(), rows: left.dropped, digest: saved.digest }];
      if (!(await versions.write(body, { ...body.value, saved: { ...saved, ...contents, forgotten: history } }, blobs, options))) continue;
      const [from, to] = [contents.digest, saved.digest].map((digest): RecordRef => ({ kind: 'dataset', id: body.value.name, digest }));
      await storage.write(lineageOperations([{ from: from!, relation: 'derivedFrom', to: to!, at: clock.now() }]), options);
      return left.dropped;
    } catch (error) {
      // Someone else took rows out, or the dataset was deleted, and its blobs were collected.
      const gone = isModelkeepError(error, 'integrity') && (await versions.body(key, options))?.version !== body.version;
      if (!gone) throw error;
    }
  }
  throw new ConflictError(`${key} was changed by others at each of ${attempts} attempts; try again when it is less busy.`, { key });
}

async function rowsOf(storage: StorageAdapter, { key, value: { saved } }: BodyRecord, options: OperationOptions): Promise<StoredRows> {
  const details = await readDetails(storage, saved!.details, key, options);
  const { columns, splits } = saved!;
  return { columns, chunks: details.chunks, splits, codes: details.assignment && (await readAssignment(storage, details.assignment, key, options)) };
}
