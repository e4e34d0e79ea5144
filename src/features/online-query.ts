import type { Clock } from '../core/clock.ts';
import { toColumn, valueAt, type Column, type ColumnType } from '../core/column.ts';
import { ConflictError, ValidationError } from '../core/errors.ts';
import type { Key } from '../core/key.ts';
import type { OperationOptions } from '../core/progress.ts';
import { shown } from '../core/shown.ts';
import type { Row } from '../core/table.ts';
import type { StorageAdapter, Version } from '../storage/contract.ts';
import { computeOnDemand, type TransformFailure } from './compute-on-demand.ts';
import type { DefinitionCatalog } from './definitions/definition-catalog.ts';
import { assertFree, columnOwners, type AskedComputation, type AskedView, type QueryPlan } from './definitions/query-plan.ts';
import type { FeatureView } from './definitions/feature-view.ts';
import type { OnlineQuery } from './feature-store-options.ts';
import { keyTexts } from './key-dictionary.ts';
import { entityPath, type LoadedRecord, type OnlineStore } from './online-store.ts';
import { ownValue } from './own-values.ts';
import type { ServingLog } from './quality/serving-log.ts';
import { RecordAnswers } from './record-answer.ts';
import { ServedFeatures, ServedLayout, type ServedPlace } from './serve.ts';

const maxAttempts = 10;

/** What online queries are answered from. */
export interface OnlineSource {
  readonly storage: StorageAdapter;
  readonly catalog: DefinitionCatalog;
  readonly online: OnlineStore;
  readonly clock: Clock;
  /** Keeps a sample of what is served. */
  readonly log: ServingLog | undefined;
}

/** Answers queries for serving. */
export class OnlineReader {
  readonly #source: OnlineSource;
  readonly #prepared = new WeakMap<QueryPlan, PreparedPlan>();

  constructor(source: OnlineSource) {
    this.#source = source;
  }

  /** What a query asks for, by one read of all that it needs. `planOf` plans it, from what is known when `cached`. */
  async read(query: OnlineQuery, planOf: (cached: boolean) => Promise<QueryPlan>): Promise<ServedFeatures> {
    const { entities } = query;
    let plan = await planOf(true);
    let prepared = this.#prepare(plan);
    let found = await this.#records(prepared, entities, query);
    // A definition that changed since this instance last saw it is read anew, and the records under it.
    for (let attempt = 0; found === undefined && attempt < maxAttempts; attempt++) {
      plan = await planOf(false);
      prepared = this.#prepare(plan);
      found = await this.#records(prepared, entities, query);
    }
    if (found === undefined) throw new ConflictError('The views asked for are being changed again and again; try later.', { path: 'features' });
    const now = this.#source.clock.now();
    const names = namesOf(entities);
    assertFree(names, prepared.owners);
    const answers = prepared.answers.map((each, v) => found[v]!.map((record) => each.at(record, now)));
    for (const records of found) for (const record of records) if (record) this.#source.online.recount(record);
    const served = new ServedFeatures(entities, names, prepared.layout, answers);
    for (const asked of plan.computations) served.failures.push(...serveComputation(asked, plan, query, served));
    this.#source.log?.add(query.features, plan, entities, served, now);
    return served;
  }

  /** For each view and entity its record, if any, by one read; `undefined` when a definition is no longer what was assumed. */
  async #records({ plan, prefixes, keysOf }: PreparedPlan, entities: readonly Row[], options: OperationOptions): Promise<(LoadedRecord | undefined)[][] | undefined> {
    const { storage, catalog, online } = this.#source;
    const keys = [...plan.relies];
    const pathsOf = new Map<string, readonly (string | undefined)[]>();
    const places = plan.views.map((asked, v) => {
      let paths = pathsOf.get(keysOf[v]!);
      if (paths === undefined) pathsOf.set(keysOf[v]!, (paths = entityPaths(entities, asked)));
      return paths.map((path) => (path === undefined ? undefined : keys.push(prefixes[v]! + path) - 1));
    });
    // What is named when the storage asks is held on to, for others may have it driven out by the time of the answer.
    let held: Map<Key, LoadedRecord> | undefined;
    const holds = (key: Key): Version | undefined => {
      const known = online.known(key);
      if (known === undefined) return catalog.versionOf(key);
      (held ??= new Map<Key, LoadedRecord>()).set(key, known);
      return known.version;
    };
    const stored = await storage.read(keys, { signal: options.signal, holds });
    if (!plan.relies.every((key, i) => catalog.confirms(key, stored[i]?.version))) return undefined;
    return places.map((each) =>
      each.map((place) => {
        const record = place === undefined ? undefined : stored[place];
        if (record === undefined) return undefined;
        const known = held?.get(keys[place!]!);
        return known?.version === record.version ? known : online.load(keys[place!]!, record);
      }),
    );
  }

  #prepare(plan: QueryPlan): PreparedPlan {
    let prepared = this.#prepared.get(plan);
    if (prepared === undefined) this.#prepared.set(plan, (prepared = prepare(plan, this.#source.online)));
    return prepared;
  }
}

/** What is found out of a plan once. */
interface PreparedPlan {
  readonly plan: QueryPlan;
  /** By view. */
  readonly answers: readonly RecordAnswers[];
  /** By view: under what its records lie. */
  readonly prefixes: readonly string[];
  /** By view: by which columns of which types it finds entities. */
  readonly keysOf: readonly string[];
  readonly owners: ReadonlyMap<string, string>;
  readonly layout: ServedLayout;
}

function prepare(plan: QueryPlan, online: OnlineStore): PreparedPlan {
  const answers = plan.views.map((asked) => new RecordAnswers(asked));
  const places = new Map<string, ServedPlace>();
  plan.views.forEach(({ features }, view) => features.forEach(({ id }, feature) => places.set(id, { view, feature, isObject: answers[view]!.areObjects[feature]! })));
  return {
    plan,
    answers,
    prefixes: plan.views.map(({ current }) => online.prefixOf(current)),
    keysOf: plan.views.map((asked) => JSON.stringify([asked.keys, keyTypesOf(asked)])),
    owners: columnOwners(plan.columns),
    layout: new ServedLayout(plan.columns, places),
  };
}

/** The names of all columns that entities have. */
function namesOf(entities: readonly Row[]): string[] {
  const names = new Set<string>();
  for (const entity of entities) for (const name of Object.keys(entity)) names.add(name);
  return [...names];
}

/** What names the entities in a view's keys, `undefined` where a component is missing. */
function entityPaths(entities: readonly Row[], asked: AskedView): (string | undefined)[] {
  const { keys, current } = asked;
  const types = keyTypesOf(asked);
  return entities.map((entity, i) => {
    const texts = keyTexts(keys.map((name, k) => keyPart(entity, name, i, current.view, types[k])));
    return texts && entityPath(texts);
  });
}

function keyTypesOf({ current: { view } }: AskedView): (ColumnType | undefined)[] {
  return view.entity.map((key) => view.keyTypes?.[key]);
}

function keyPart(entity: Row, name: string, i: number, view: FeatureView, type: ColumnType | undefined): unknown {
  const value = Object.hasOwn(entity, name) ? entity[name] : undefined;
  if (type === undefined && (typeof value === 'number' || typeof value === 'string')) return value;
  const path = `entities[${i}].${name}`;
  if (value === undefined) throw new ValidationError(`${path} is missing; the view '${view.name}' finds its entities by it.`, { path });
  if (type !== undefined && value !== null) return valueAt(toColumn([value], type, `entities.${name}`), 0);
  if (value === null || value instanceof Date || ['string', 'number', 'bigint', 'boolean'].includes(typeof value)) return value;
  throw new ValidationError(`${path} is ${shown(value, 80)}, which is no entity key; give a text, number, bigint or boolean.`, { path });
}

/** Computes an on-demand view for the entities asked for. A value is as old as the oldest that went into it. */
function serveComputation(asked: AskedComputation, plan: QueryPlan, { entities, onTransformError = 'stop' }: OnlineQuery, served: ServedFeatures): TransformFailure[] {
  const types = new Map(asked.inputs.map(({ id, type }) => [id, type]));
  const keys = [...new Set([...plan.views.flatMap((view) => view.keys), ...asked.request.map(({ column }) => column)])];
  const { columns, failures } = computeOnDemand(asked, {
    rowCount: entities.length,
    valuesOf: (id) => toColumn(served.get(id).values, types.get(id), id),
    requestOf: (column) => requestColumn(entities, column, asked),
    onError: onTransformError,
    describe: (row) => keys.map((name) => `${name} ${shown(entities[row]![name], 80)}`).join(', '),
  });
  const timestamps = entities.map((_, i) => {
    const times = asked.inputs.flatMap(({ id }) => served.get(id).timestamps[i] ?? []);
    return times.length === 0 ? null : Math.min(...times);
  });
  asked.features.forEach(({ id }, f) => {
    const values = entities.map((_, i) => ownValue(valueAt(columns[f]!, i)));
    served.addComputed(id, { values, statuses: values.map((value) => (value === null ? 'NULL_VALUE' : 'PRESENT')), timestamps });
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
