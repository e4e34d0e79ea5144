import { toColumn, valueAt, type Column } from '../core/column.ts';
import { ConflictError, ValidationError } from '../core/errors.ts';
import type { OperationOptions } from '../core/progress.ts';
import { shown } from '../core/shown.ts';
import type { Row } from '../core/table.ts';
import type { StorageAdapter } from '../storage/contract.ts';
import { computeOnDemand, type TransformFailure } from './compute-on-demand.ts';
import type { DefinitionCatalog } from './definitions/definition-catalog.ts';
import { assertDistinct, type AskedComputation, type QueryPlan } from './definitions/query-plan.ts';
import type { FeatureView } from './definitions/feature-view.ts';
import type { OnlineQuery } from './feature-store-options.ts';
import { keyTexts } from './key-dictionary.ts';
import type { LoadedRecord, OnlineStore } from './online-store.ts';
import { ownValue } from './own-values.ts';
import type { ServingLog } from './quality/serving-log.ts';
import { serveView, type FeatureStatus, type OnlineFeatures, type ServedValues } from './serve.ts';

const maxAttempts = 10;

/** What an online query is answered from. */
export interface OnlineSource {
  readonly storage: StorageAdapter;
  readonly catalog: DefinitionCatalog;
  readonly online: OnlineStore;
  /** Plans the query, from what is known when `cached`. */
  readonly plan: (cached: boolean) => Promise<QueryPlan>;
  readonly now: () => number;
  /** Keeps a sample of what is served. */
  readonly log: ServingLog | undefined;
}

/** Answers a query for serving, by one read of all that it needs. */
export async function answerOnline(source: OnlineSource, query: OnlineQuery): Promise<OnlineFeatures> {
  const { entities } = query;
  let plan = await source.plan(true);
  let found = await readRecords(source, plan, entities, query);
  // A definition that changed since this instance last saw it is read anew, and the records under it.
  for (let attempt = 0; found === undefined && attempt < maxAttempts; attempt++) {
    plan = await source.plan(false);
    found = await readRecords(source, plan, entities, query);
  }
  if (found === undefined) throw new ConflictError('The views asked for are being changed again and again; try later.', { path: 'features' });
  const now = source.now();
  const names = [...new Set(entities.flatMap((entity) => Object.keys(entity)))];
  assertDistinct(names, plan.columns);
  const served = new Map<string, ServedValues>();
  plan.views.forEach((asked, v) => serveView(asked, found[v]!, now).forEach((values, f) => served.set(asked.features[f]!.id, values)));
  const failures: TransformFailure[] = [];
  for (const asked of plan.computations) failures.push(...serveComputation(asked, plan, query, served));
  source.log?.add(query.features, plan, entities, served, now);
  const columns: Record<string, unknown[]> = {};
  const statuses: Record<string, readonly FeatureStatus[]> = {};
  const timestamps: Record<string, readonly (number | null)[]> = {};
  for (const name of names) columns[name] = entities.map((entity) => (Object.hasOwn(entity, name) ? (entity[name] ?? null) : null));
  for (const { column, id } of plan.columns) {
    const values = served.get(id)!;
    columns[column] = values.values;
    statuses[column] = values.statuses;
    timestamps[column] = values.timestamps;
  }
  return { columns, statuses, timestamps, failures };
}

/** For each view and entity its record, if any, by one read; `undefined` when a definition is no longer what was assumed. */
async function readRecords({ storage, catalog, online }: OnlineSource, plan: QueryPlan, entities: readonly Row[], options: OperationOptions): Promise<(LoadedRecord | undefined)[][] | undefined> {
  const keys = [...plan.relies];
  const places: (number | undefined)[][] = plan.views.map((asked) => {
    const keyOf = online.keysOf(asked.current);
    return entities.map((entity, i) => {
      const texts = keyTexts(asked.keys.map((name, k) => keyPart(entity, name, i, asked.current.view, asked.current.view.entity[k]!)));
      return texts && keys.push(keyOf(texts)) - 1;
    });
  });
  const stored = await storage.read(keys, { signal: options.signal });
  if (!plan.relies.every((key, i) => catalog.confirms(key, stored[i]?.version))) return undefined;
  return places.map((each) =>
    each.map((place) => {
      const record = place === undefined ? undefined : stored[place];
      return record && online.load(keys[place!]!, record);
    }),
  );
}

function keyPart(entity: Row, name: string, i: number, view: FeatureView, key: string): unknown {
  const value = Object.hasOwn(entity, name) ? entity[name] : undefined;
  const type = view.keyTypes?.[key];
  if (type === undefined && (typeof value === 'number' || typeof value === 'string')) return value;
  const path = `entities[${i}].${name}`;
  if (value === undefined) throw new ValidationError(`${path} is missing; the view '${view.name}' finds its entities by it.`, { path });
  if (type !== undefined && value !== null) return valueAt(toColumn([value], type, `entities.${name}`), 0);
  if (value === null || value instanceof Date || ['string', 'number', 'bigint', 'boolean'].includes(typeof value)) return value;
  throw new ValidationError(`${path} is ${shown(value, 80)}, which is no entity key; give a text, number, bigint or boolean.`, { path });
}

/** Computes an on-demand view for the entities asked for. A value is as old as the oldest that went into it. */
function serveComputation(asked: AskedComputation, plan: QueryPlan, { entities, onTransformError = 'stop' }: OnlineQuery, served: Map<string, ServedValues>): TransformFailure[] {
  const types = new Map(asked.inputs.map(({ id, type }) => [id, type]));
  const keys = [...new Set([...plan.views.flatMap((view) => view.keys), ...asked.request.map(({ column }) => column)])];
  const { columns, failures } = computeOnDemand(asked, {
    rowCount: entities.length,
    valuesOf: (id) => toColumn(served.get(id)!.values, types.get(id), id),
    requestOf: (column) => requestColumn(entities, column, asked),
    onError: onTransformError,
    describe: (row) => keys.map((name) => `${name} ${shown(entities[row]![name], 80)}`).join(', '),
  });
  const timestamps = entities.map((_, i) => {
    const times = asked.inputs.flatMap(({ id }) => served.get(id)!.timestamps[i] ?? []);
    return times.length === 0 ? null : Math.min(...times);
  });
  asked.features.forEach(({ id }, f) => {
    const values = entities.map((_, i) => ownValue(valueAt(columns[f]!, i)));
    served.set(id, { values, statuses: values.map((value) => (value === null ? 'NULL_VALUE' : 'PRESENT')), timestamps });
  });
  return failures;
}

function requestColumn(entities: readonly Row[], name: string, { view, request }: AskedComputation): Column {
  const lacking = entities.findIndex((entity) => !Object.hasOwn(entity, name) || entity[name] === undefined);
  if (lacking >= 0) {
    const path = `entities[${lacking}].${name}`;
    throw new ValidationError(`${path} is missing; the on-demand view '${view.name}' takes it from the request. Give null where it is not known.`, { path });
  }
  return toColumn(entities.map((entity) => entity[name]), request.find(({ column }) => column === name)!.type, `entities.${name}`);
}
