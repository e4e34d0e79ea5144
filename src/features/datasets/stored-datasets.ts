import type { Clock } from '../../core/clock.ts';
import { ValidationError } from '../../core/errors.ts';
import { escapeSegment } from '../../core/key.ts';
import type { Page } from '../../core/page.ts';
import type { OperationOptions } from '../../core/progress.ts';
import { shown } from '../../core/shown.ts';
import type { StorageAdapter } from '../../storage/contract.ts';
import type { DatasetFacts } from './dataset-facts.ts';
import { checkListQuery, type ListDatasetsQuery } from './dataset-options.ts';
import { checkDatasetName, parseDatasetRef } from './dataset-ref.ts';
import { DatasetVersions, type DatasetEntry } from './dataset-versions.ts';
import { factsOf, openDataset, type SavedDataset } from './saved-dataset.ts';

/** A version of a dataset, the newest when none is named. */
export async function getDataset(storage: StorageAdapter, clock: Clock, ref: string, { signal }: OperationOptions): Promise<SavedDataset> {
  const versions = new DatasetVersions(storage, clock);
  const { entry, body } = await versions.find(parseDatasetRef(ref), { signal });
  return openDataset(storage, versions, entry, body, { signal });
}

/** Versions of datasets, page by page. */
export async function listDatasets(storage: StorageAdapter, clock: Clock, query: ListDatasetsQuery): Promise<Page<DatasetFacts>> {
  checkListQuery(query);
  const { name, limit = 100, signal } = query;
  const only = name === undefined ? undefined : escapeSegment(checkDatasetName(name));
  const after = placeOf(query.after) ?? (only === undefined ? undefined : { key: only, version: 0 });
  const versions = new DatasetVersions(storage, clock);
  const found: { headKey: string; name: string; entry: DatasetEntry }[] = [];
  let more = false;
  for await (const each of versions.entries(after, { signal })) {
    if (only !== undefined && each.headKey !== only) break;
    if ((more = found.length === limit)) break;
    found.push(each);
  }
  const bodies = await versions.bodies(found, { signal });
  const items = found.flatMap((each, i) => (bodies[i]?.saved === undefined ? [] : [factsOf(each.name, each.entry, bodies[i].saved)]));
  const last = found.at(-1);
  return more ? { items, next: `${last!.headKey}@${last!.entry.version}` } : { items };
}

/** Deletes a version of a dataset, or all of a name. */
export async function deleteDataset(storage: StorageAdapter, clock: Clock, ref: string, { signal }: OperationOptions): Promise<void> {
  await new DatasetVersions(storage, clock).remove(parseDatasetRef(ref), { signal });
}

function placeOf(after: string | undefined): { key: string; version: number } | undefined {
  if (after === undefined) return undefined;
  const match = /^([a-z0-9._-]+)@([0-9]{1,15})$/.exec(after);
  if (match !== null) return { key: match[1]!, version: Number(match[2]) };
  throw new ValidationError(`after is ${shown(after, 80)}; give the 'next' of the page before.`, { path: 'query.after' });
}
