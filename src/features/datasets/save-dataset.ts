import { throwIfAborted } from '../../core/abort.ts';
import type { Clock } from '../../core/clock.ts';
import { canonicalJson } from '../../core/codec.ts';
import { digestOf, type Digest } from '../../core/digest.ts';
import { isModelkeepError, ValidationError } from '../../core/errors.ts';
import type { OperationOptions } from '../../core/progress.ts';
import type { RecordRef } from '../../core/record-ref.ts';
import type { Table } from '../../core/table.ts';
import type { StorageAdapter } from '../../storage/contract.ts';
import { lineageOperations } from '../../storage/lineage.ts';
import type { CurrentView } from '../definitions/definition-states.ts';
import { featureRef } from '../definitions/feature-ref.ts';
import type { FeatureRequest, QueryPlan } from '../definitions/query-plan.ts';
import type { ViewReport } from '../feature-store-options.ts';
import { columnsWanted, joinHistorical, viewRows, type ViewRows } from '../historical-query.ts';
import type { LoadedRows } from '../loaded-rows.ts';
import { momentsOf } from '../spine.ts';
import { ChunkWriter } from './chunk-writer.ts';
import { entityParts } from './dataset-entities.ts';
import type { DatasetQuery, DatasetView, ForgottenRows } from './dataset-facts.ts';
import { checkSaveQuery, type SaveDatasetQuery } from './dataset-options.ts';
import { checkDatasetName } from './dataset-ref.ts';
import { storeSummary, type StoredRows } from './dataset-rows.ts';
import { abandoned, DatasetVersions, type BodyRecord, type DatasetEntry, type DroppedKeys, type SavedContents } from './dataset-versions.ts';
import { openDataset, type SavedDataset } from './saved-dataset.ts';
import { SplitAssigner } from './split-assigner.ts';
import { checkSplits, type SplitDefinition } from './split-options.ts';
import { entityDigest, takeOutKeys } from './take-out-keys.ts';

/** What datasets are saved with. */
export interface DatasetContext {
  readonly storage: StorageAdapter;
  readonly clock: Clock;
  readonly plan: (query: Pick<SaveDatasetQuery, 'features' | 'fullFeatureNames' | 'signal'>) => Promise<QueryPlan>;
  /** All rows of a view as of now. */
  readonly load: (current: CurrentView, options: OperationOptions) => Promise<LoadedRows>;
  /** Lets go of rows that are not needed. */
  readonly trim: () => void;
}

/** What came of the join. */
interface Joined {
  readonly rows: StoredRows;
  readonly report: Readonly<Record<string, ViewReport>>;
  readonly failures: number;
}

/**
 * Saves the answer to a query as a version of a dataset. The steps, each of which may be the last before a crash:
 *
 * 1. A record says that the dataset is being saved, from before the first row is read. Whoever forgets an entity from now on notes it there.
 * 2. Rows are joined part by part, and stored as blobs that no record names: what is left of them is garbage.
 * 3. The record gets all that is known of the dataset, if it is still what it was. If an entity was forgotten meanwhile, its rows are taken out first.
 * 4. The head of the name makes it a version: from now on it is there.
 */
export async function saveDataset(context: DatasetContext, name: string, query: SaveDatasetQuery): Promise<SavedDataset> {
  checkDatasetName(name);
  checkSaveQuery(query);
  const { storage, clock } = context;
  const signal = { signal: query.signal };
  const plan = await context.plan(query);
  const asked = queryOf(plan, query);
  const definition = query.splits && splitsFor(checkSplits(query.splits), asked.views);
  const versions = new DatasetVersions(storage, clock);
  let body = await versions.begin(name, asked.views, signal);
  try {
    const joined = await join(context, plan, query, definition);
    let { rows } = joined;
    const forgotten: ForgottenRows[] = [];
    let heard: readonly DroppedKeys[] = [];
    for (;;) {
      const { contents, blobs } = await storeSummary(storage, name, rows, query);
      const news = body.value.dropped.filter((each) => !heard.includes(each));
      heard = body.value.dropped;
      if (news.length > 0) {
        const left = await takeOutKeys(storage, `'${name}'`, rows, asked.views, news.map(forgottenOf), signal);
        rows = left.rows;
        if (left.dropped > 0) forgotten.push({ at: clock.now(), rows: left.dropped, digest: contents.digest });
        continue;
      }
      const saved: SavedContents = {
        ...contents,
        features: plan.columns.map(({ column }) => column),
        query: asked,
        report: joined.report,
        failures: joined.failures,
        createdAt: clock.now(),
        description: query.description,
        tags: query.tags ?? {},
        forgotten,
      };
      if (await versions.write(body, { ...body.value, dropped: [], saved }, blobs, signal)) {
        const entry = await versions.publish(body, identityOf(saved, definition), signal);
        await storage.write(lineageOperations(lineageOf(name, saved)), signal);
        return await open(versions, storage, name, entry, body, signal);
      }
      body = (await versions.body(body.key, signal)) ?? abandoned(name);
    }
  } catch (error) {
    // A record that stays behind is dropped a day later.
    await abandon(versions, name, body).catch(() => undefined);
    throw error;
  } finally {
    context.trim();
  }
}

/** The version that stands for what was saved: the one just made, or one that had the same before. */
async function open(versions: DatasetVersions, storage: StorageAdapter, name: string, entry: DatasetEntry, mine: BodyRecord, options: OperationOptions): Promise<SavedDataset> {
  const { entry: found, body } = await versions.find({ name, version: entry.version }, options);
  if (body.key !== mine.key) await versions.drop(mine.key);
  return openDataset(storage, versions, found, body, options);
}

async function abandon(versions: DatasetVersions, name: string, { key }: BodyRecord): Promise<void> {
  const head = await versions.head(name, {});
  if (!head?.versions.some(({ id }) => key.endsWith(`/${id}`))) await versions.drop(key);
}

async function join(context: DatasetContext, plan: QueryPlan, query: SaveDatasetQuery, definition: SplitDefinition | undefined): Promise<Joined> {
  const { signal, onProgress } = query;
  const loaded = new Map<string, ViewRows>();
  const rowsOf = async (current: CurrentView): Promise<ViewRows> => {
    const id = `${current.view.name}@${current.version}`;
    const found = loaded.get(id) ?? viewRows(await context.load(current, { signal }));
    // All parts are joined to the same rows, whoever ingests meanwhile.
    loaded.set(id, found);
    return found;
  };
  const writer = new ChunkWriter(context.storage, { signal });
  const report: Record<string, ViewReport> = {};
  let columns: StoredRows['columns'] = [];
  let splitter: SplitAssigner | undefined;
  let done = 0;
  let failures = 0;
  for await (const spine of entityParts(query.entities, { timestamp: query.timestamp, wanted: columnsWanted(plan), types: query.types ?? {}, signal })) {
    throwIfAborted(signal, 'Saving the dataset');
    const joined = await joinHistorical(plan, spine, query, rowsOf).catch((error: unknown): never => {
      if (done === 0 || !isModelkeepError(error, 'validation')) throw error;
      throw new ValidationError(`After ${done} rows: ${error.message}`, { ...error.details, offset: done, cause: error });
    });
    const table: Table = { rowCount: spine.rowCount, columns: { ...spine.columns, ...Object.fromEntries(joined.features) } };
    if (done === 0) {
      columns = Object.entries(table.columns).map(([column, { type }]) => ({ name: column, type }));
      splitter = definition && new SplitAssigner(hashColumns(definition, Object.keys(spine.columns)));
    }
    splitter?.add(spine, momentsOf(spine, query.timestamp));
    await writer.add(table);
    addReport(report, joined.report);
    failures += joined.failures.length;
    done += spine.rowCount;
    onProgress?.({ phase: 'join', done });
  }
  const chunks = await writer.finish();
  return { rows: { columns, chunks, ...splitter?.finish() }, report, failures };
}

/** The query as it is recorded, bound to versions. */
function queryOf(plan: QueryPlan, { features, timestamp, asOf = 'knowledge', fullFeatureNames = false }: SaveDatasetQuery): DatasetQuery {
  return {
    features: askedOf(features),
    service: plan.service,
    views: plan.views.map(({ label, current, keys }): DatasetView => {
      const { view, version, digest } = current;
      return { name: view.name, version, digest, as: label, keys: Object.fromEntries(view.entity.map((key, i) => [key, keys[i]!])), keyTypes: view.keyTypes };
    }),
    onDemandViews: plan.computations.map(({ view }) => ({ name: view.name, version: view.version })),
    timestamp,
    asOf,
    fullFeatureNames,
  };
}

function askedOf(features: FeatureRequest): DatasetQuery['features'] {
  if (typeof features === 'string') return features;
  return 'kind' in features ? features.name : features.map((ref, i) => featureRef(ref, `features[${i}]`));
}

/** By entity: the columns of the key, where all views have the same. */
function splitsFor(definition: SplitDefinition, views: readonly DatasetView[]): SplitDefinition {
  if (definition.by !== 'entity' || definition.columns !== undefined) return definition;
  const keys = [...new Set(views.map((view) => canonicalJson(Object.values(view.keys).sort())))].filter((each) => each !== '[]');
  if (keys.length === 1) return { ...definition, columns: Object.values(views.find((view) => Object.keys(view.keys).length > 0)!.keys).sort() };
  throw new ValidationError(
    keys.length === 0
      ? 'query.splits is by entity, and no view of the query has one; name columns, or split by hash or by time.'
      : `query.splits is by entity, and the views of the query find theirs by different columns: ${keys.join(', ')}; name those that no two splits may share in { columns }.`,
    { path: 'query.splits' },
  );
}

function hashColumns(definition: SplitDefinition, names: readonly string[]): SplitDefinition {
  if (definition.by === 'time') return definition;
  const { columns = names } = definition;
  const stray = columns.find((name) => !names.includes(name));
  if (stray === undefined) return { ...definition, columns };
  throw new ValidationError(`query.splits names the column '${stray}', which the entities do not have; they have ${names.join(', ')}.`, { path: 'query.splits.columns' });
}

function addReport(total: Record<string, ViewReport>, part: Readonly<Record<string, Readonly<ViewReport>>>): void {
  for (const [label, counts] of Object.entries(part)) {
    const sum = (total[label] ??= { matched: 0, missing: 0, expired: 0, future: 0, tooNew: 0 });
    for (const name of Object.keys(sum) as (keyof ViewReport)[]) sum[name] += counts[name];
  }
}

function forgottenOf({ view, entity, digests }: DroppedKeys): { view: string; entity: readonly string[]; has: (texts: readonly string[]) => boolean } {
  const wanted = new Set<string>(digests);
  return { view, entity, has: (texts) => wanted.has(entityDigest(view, texts)) };
}

/** What makes two datasets the same: contents, what they were made of, and how they are divided. */
function identityOf({ digest, query: { features: _, ...query } }: SavedContents, definition: SplitDefinition | undefined): Digest {
  return digestOf(canonicalJson({ digest, query, splits: definition ?? null }));
}

function lineageOf(name: string, { digest, query: { service, views }, createdAt: at }: SavedContents): Parameters<typeof lineageOperations>[0] {
  const from: RecordRef = { kind: 'dataset', id: name, digest };
  const made: RecordRef[] = views.map((view) => ({ kind: 'feature-view', id: view.name, version: view.version, digest: view.digest }));
  if (service) made.push({ kind: 'feature-service', id: service.service, version: service.version, digest: service.digest });
  return made.map((to) => ({ from, relation: 'derivedFrom', to, at }));
}
