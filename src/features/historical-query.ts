import { throwIfAborted } from '../core/abort.ts';
import { toColumn, valueAt, type Column } from '../core/column.ts';
import { ValidationError } from '../core/errors.ts';
import type { OperationOptions } from '../core/progress.ts';
import { shown } from '../core/shown.ts';
import type { Table } from '../core/table.ts';
import { computeOnDemand, type TransformFailure } from './compute-on-demand.ts';
import type { CurrentView } from './definitions/definition-states.ts';
import { assertFree, columnOwners, type AskedComputation, type QueryPlan } from './definitions/query-plan.ts';
import type { EventIndex } from './event-index.ts';
import type { HistoricalFeatures, HistoricalQuery, ViewReport } from './feature-store-options.ts';
import { definitionOf } from './definitions/feature-view.ts';
import type { LoadedRows, RowSnapshot } from './loaded-rows.ts';
import { ownValues } from './own-values.ts';
import { joinFeatures, outcome } from './point-in-time.ts';
import type { RowCache } from './row-cache.ts';
import { entityColumn, momentsOf, spineOf } from './spine.ts';
import { withDefault } from './with-default.ts';

/** The rows of a view that queries are answered from; none that are read later show in them. */
export interface ViewRows {
  readonly index: EventIndex;
  /** Codes of keys in the index, -1 for those that it has not. */
  readonly find: (columns: readonly Column[], rowCount: number) => Int32Array;
}

/** Gives the rows of a view. */
export type RowsOf = (current: CurrentView) => Promise<ViewRows>;

/** How {@link joinPlan} joins. */
export type JoinPlanOptions = Pick<HistoricalQuery, 'asOf' | 'onTransformError' | 'signal'>;

/** How a table of entities is joined. */
export type JoinQuery = JoinPlanOptions & Pick<HistoricalQuery, 'timestamp'>;

/** What a plan gives for a table of entities. */
export interface JoinedPlan {
  /** By what the plan finds values under; views' features with their defaults. */
  readonly values: ReadonlyMap<string, Column>;
  /** Features of views without their defaults. */
  readonly plain: ReadonlyMap<string, Column>;
  /** By view of the plan: what became of each row. */
  readonly outcomes: readonly Uint8Array[];
  /** By view of the plan: the event time of each row's newest row, NaN where there is none. */
  readonly eventTimes: readonly Float64Array[];
  readonly failures: readonly TransformFailure[];
}

/** What was found for the rows of a table of entities. */
export interface JoinedTable extends Pick<HistoricalFeatures, 'report' | 'failures'> {
  /** The features by column, in the order of the plan. */
  readonly features: readonly (readonly [string, Column])[];
}

/** Answers a query for training: joins each view to the table of entities, then computes what is computed on demand. */
export async function answerHistorical(plan: QueryPlan, query: HistoricalQuery, rows: RowCache): Promise<HistoricalFeatures> {
  const spine = spineOf(query.entities, query.timestamp, columnsWanted(plan));
  const { features, report, failures } = await joinHistorical(plan, spine, query, rowsIn(rows, query), () => rows.trim());
  const columns: Record<string, ArrayLike<unknown>> = {};
  for (const [name, column] of [...Object.entries(spine.columns), ...features]) columns[name] = ownValues(column);
  return { columns, rowCount: spine.rowCount, report, failures };
}

/** The columns that a table of entities must have for a query, besides its moments. */
export function columnsWanted({ views, computations }: QueryPlan): string[] {
  return [...views.flatMap(({ keys }) => keys), ...computations.flatMap(({ request }) => request.map(({ column }) => column))];
}

/** Rows as they stand, by their index or by another one over the same keys. */
export function viewRows(loaded: LoadedRows, indexOf: (snapshot: RowSnapshot) => EventIndex = (snapshot) => snapshot.index): ViewRows {
  const { keys } = loaded;
  const index = indexOf(loaded.snapshot());
  const known = index.starts.length - 1;
  const find = (columns: readonly Column[], rowCount: number): Int32Array => {
    const codes = keys.find(columns, rowCount);
    // Keys of rows that others have read since.
    for (let i = 0; i < codes.length; i++) if (codes[i]! >= known) codes[i] = -1;
    return codes;
  };
  return { index, find };
}

/** The rows of views out of a cache. */
export function rowsIn(rows: RowCache, options: OperationOptions, indexOf?: (snapshot: RowSnapshot) => EventIndex): RowsOf {
  return async (current) => viewRows(await rows.load(current, options), indexOf);
}

/** Finds the features of a table of entities. `joined` is called when a view's rows are not needed any more. */
export async function joinHistorical(plan: QueryPlan, spine: Table, query: JoinQuery, rowsOf: RowsOf, joined?: () => void): Promise<JoinedTable> {
  const times = momentsOf(spine, query.timestamp);
  assertFree(Object.keys(spine.columns), columnOwners(plan.columns));
  const { values, outcomes, failures } = await joinPlan(plan, spine, times, rowsOf, query, joined);
  const report = Object.fromEntries(plan.views.map(({ label }, v) => [label, countOutcomes(outcomes[v]!)]));
  return { features: plan.columns.map(({ column, id }) => [column, values.get(id)!] as const), report, failures };
}

/** Joins the views of a plan to a table of entities at the given moments, one after the other, then computes what is computed on demand. `joined` is called when a view's rows are not needed any more. */
export async function joinPlan(plan: QueryPlan, spine: Table, times: Float64Array, rowsOf: RowsOf, options: JoinPlanOptions, joined?: () => void): Promise<JoinedPlan> {
  const { views, computations } = plan;
  const keyColumns = views.map(({ keys, current }) => keys.map((name, k) => entityColumn(spine, name, current.view, current.view.entity[k]!)));
  for (const asked of computations) for (const { column } of asked.request) requestColumn(spine, column, asked);
  const values = new Map<string, Column>();
  const plain = new Map<string, Column>();
  const outcomes: Uint8Array[] = [];
  const eventTimes: Float64Array[] = [];
  for (const [v, { current, features }] of views.entries()) {
    const { view } = current;
    throwIfAborted(options.signal, 'The join');
    const { index, find } = await rowsOf(current);
    const names = features.map(({ feature }) => feature);
    const definitions = names.map((name) => definitionOf(view, name));
    const found = joinFeatures(index, { codes: find(keyColumns[v]!, spine.rowCount), times }, definitions, names, { ttl: view.ttl, knownOnly: options.asOf !== 'event' });
    features.forEach(({ feature, id }, i) => {
      plain.set(id, found.columns[i]!);
      values.set(id, withDefault(view, feature, found.columns[i]!));
    });
    outcomes.push(found.outcomes);
    eventTimes.push(found.eventTimes);
    joined?.();
  }
  const failures: TransformFailure[] = [];
  for (const asked of computations) {
    const computed = computeOnDemand(asked, {
      rowCount: spine.rowCount,
      valuesOf: (id) => values.get(id)!,
      requestOf: (column) => requestColumn(spine, column, asked),
      onError: options.onTransformError ?? 'stop',
      describe: (row) => describeRow(plan, spine, row),
      signal: options.signal,
    });
    asked.features.forEach(({ id }, i) => values.set(id, computed.columns[i]!));
    failures.push(...computed.failures);
  }
  return { values, plain, outcomes, eventTimes, failures };
}

/** A column that an on-demand view takes from the request, in the type that it says. Throws `ValidationError` when it is missing or of another type. */
function requestColumn(spine: Table, name: string, { view, request }: AskedComputation): Column {
  const column = Object.hasOwn(spine.columns, name) ? spine.columns[name] : undefined;
  if (column === undefined) {
    throw new ValidationError(`entities has no column '${name}', which the on-demand view '${view.name}' takes from the request; it has ${Object.keys(spine.columns).join(', ')}.`, { path: `entities.${name}` });
  }
  const { type } = request.find((each) => each.column === name)!;
  return column.type === type ? column : toColumn(Array.from({ length: spine.rowCount }, (_, i) => valueAt(column, i)), type, `entities.${name}`);
}

function describeRow(plan: QueryPlan, spine: Table, row: number): string {
  const names = new Set([...plan.views.flatMap(({ keys }) => keys), ...plan.computations.flatMap(({ request }) => request.map(({ column }) => column))]);
  return [...names].map((name) => `${name} ${shown(valueAt(spine.columns[name]!, row), 80)}`).join(', ');
}

function countOutcomes(outcomes: Uint8Array): ViewReport {
  const counts = new Uint32Array(5);
  for (const each of outcomes) counts[each]! += 1;
  const of = (name: keyof typeof outcome): number => counts[outcome[name]]!;
  return { matched: of('matched'), missing: of('missing'), expired: of('expired'), future: of('future'), tooNew: of('tooNew') };
}
