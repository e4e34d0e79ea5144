import * as z from 'zod/mini';
import type { Clock } from '../core/clock.ts';
import { timestampOf } from '../core/column.ts';
import { ValidationError } from '../core/errors.ts';
import { clockOption, progressOption, signalOption } from '../core/option-schemas.ts';
import type { LongOperationOptions, OperationOptions } from '../core/progress.ts';
import { check } from '../core/schema.ts';
import { shown } from '../core/shown.ts';
import type { Row, TableInput } from '../core/table.ts';
import type { TransformFailure } from './compute-on-demand.ts';
import type { OnDemandView } from './definitions/on-demand-view.ts';
import type { FeatureRequest } from './definitions/query-plan.ts';
import type { ServingLogOptions } from './quality/serving-log-options.ts';
import type { StorageAdapter } from '../storage/contract.ts';
import { storageOption } from '../storage/storage-option.ts';

/** How a `FeatureStore` is set up. */
export interface FeatureStoreOptions {
  /** Where views, rows and online values are kept. */
  storage: StorageAdapter;
  /** Says what time it is when online values are asked for. @default the host's */
  clock?: Clock | undefined;
  /** On-demand views whose functions this program has: for those who serve what others have applied. Whatever is applied here is known as well. @default none */
  onDemand?: readonly OnDemandView[] | undefined;
  /** How many bytes of decoded rows stay in memory between calls, and as many again of online records; 0 keeps none. @default 512 MiB */
  cacheBytes?: number | undefined;
  /** Keeps a sample of what `getOnlineFeatures` answers, for `checkSkew` and `served`. @default nothing is kept */
  servingLog?: ServingLogOptions | undefined;
}

/** How definitions are applied. */
export interface ApplyOptions extends OperationOptions {
  /** Makes a new version even of what breaks those who rely on the one in force, which stays readable as `name@version`. @default false */
  force?: boolean | undefined;
}

/** How a query is described. */
export interface DescribeOptions extends OperationOptions {
  /** Whether columns are named `view__feature` instead of `feature`. @default false */
  fullFeatureNames?: boolean | undefined;
}

/** What training features are wanted. */
export interface HistoricalQuery extends OperationOptions {
  /** The rows to find features for: entity keys, moments, and whatever else, which passes through. */
  entities: TableInput;
  /** The column of `entities` that says for which moment. */
  timestamp: string;
  /** The name of a feature service (`name@2` for an older version), a service, or features one by one: `view:feature`, `view:*`, `view@2:feature`, or selections. */
  features: FeatureRequest;
  /** Whether rows count from their created time on (`knowledge`) or from their event time (`event`), where a view has both. @default 'knowledge' */
  asOf?: 'knowledge' | 'event' | undefined;
  /** What the first row does for which an on-demand view fails: `stop` throws, `null` leaves its features missing, tells of it and goes on. @default 'stop' */
  onTransformError?: 'stop' | 'null' | undefined;
  /** Whether columns are named `view__feature` instead of `feature`. @default false */
  fullFeatureNames?: boolean | undefined;
}

/** For how many rows a view had what. The counts add up to the number of rows. */
export interface ViewReport {
  /** A row of the entity that was usable at the moment asked for. */
  matched: number;
  /** No row of the entity at all, or no key. */
  missing: number;
  /** Only rows older than the view's `ttl`. */
  expired: number;
  /** Only rows later than the moment. */
  future: number;
  /** Only rows that became known after the moment. */
  tooNew: number;
}

/** Features for training, row by row as they were asked for. */
export interface HistoricalFeatures {
  /** The columns of `entities`, then the features; typed arrays where nothing is missing, otherwise arrays with `null`. */
  readonly columns: Readonly<Record<string, ArrayLike<unknown>>>;
  /** How many rows each column has: as many as were asked for. */
  readonly rowCount: number;
  /** By view, as it is called in the query. */
  readonly report: Readonly<Record<string, Readonly<ViewReport>>>;
  /** Rows for which an on-demand view failed, where the query lets them be `null`. */
  readonly failures: readonly TransformFailure[];
}

/** How a view is materialized. */
export interface MaterializeOptions extends LongOperationOptions {
  /** Rows up to this event time, inclusive, go online: epoch milliseconds, a date, or ISO 8601 text. @default now */
  end?: number | Date | string | undefined;
}

/** What online features are wanted. */
export interface OnlineQuery extends OperationOptions {
  /** One object per answer: the entity keys, and whatever else, which passes through. */
  entities: readonly Row[];
  /** The name of a feature service (`name@2` for an older version), a service, or features one by one: `view:feature`, `view:*`, `view@2:feature`, or selections. */
  features: FeatureRequest;
  /** What the first row does for which an on-demand view fails: `stop` throws, `null` leaves its features missing, tells of it and goes on. @default 'stop' */
  onTransformError?: 'stop' | 'null' | undefined;
  /** Whether columns are named `view__feature` instead of `feature`. @default false */
  fullFeatureNames?: boolean | undefined;
}

const flag = /* @__PURE__ */ z.optional(/* @__PURE__ */ z.boolean());
const transformErrors = /* @__PURE__ */ z.optional(/* @__PURE__ */ z.enum(['stop', 'null']));
const storeSchema = /* @__PURE__ */ z.strictObject({
  storage: storageOption,
  clock: clockOption,
  onDemand: z.optional(z.array(z.custom((view) => typeof (view as { compute?: unknown } | null)?.compute === 'function', 'must be an on-demand view with its function'))),
  cacheBytes: z.optional(z.number().check(z.minimum(0))),
  servingLog: z.optional(z.record(z.string(), z.unknown())),
});
const operationSchema = /* @__PURE__ */ z.strictObject({ signal: signalOption });
const applySchema = /* @__PURE__ */ z.strictObject({ force: flag, signal: signalOption });
const describeSchema = /* @__PURE__ */ z.strictObject({ fullFeatureNames: flag, signal: signalOption });
const materializeSchema = /* @__PURE__ */ z.strictObject({ end: z.optional(z.unknown()), signal: signalOption, onProgress: progressOption });
const historicalSchema = /* @__PURE__ */ z.strictObject({
  entities: z.optional(z.unknown()),
  timestamp: z.string(),
  features: z.optional(z.unknown()),
  asOf: z.optional(z.enum(['knowledge', 'event'])),
  onTransformError: transformErrors,
  fullFeatureNames: flag,
  signal: signalOption,
});
const onlineSchema = /* @__PURE__ */ z.strictObject({
  entities: z.optional(z.unknown()),
  features: z.optional(z.unknown()),
  onTransformError: transformErrors,
  fullFeatureNames: flag,
  signal: signalOption,
});
const entitiesSchema = /* @__PURE__ */ z.array(/* @__PURE__ */ z.record(/* @__PURE__ */ z.string(), /* @__PURE__ */ z.unknown()));

/** Checks what a store is made with. */
export function checkStoreOptions(options: FeatureStoreOptions): void {
  check(storeSchema, options, 'options');
}

/** Checks the options of what takes nothing but a signal. */
export function checkOperationOptions(options: OperationOptions): void {
  check(operationSchema, options, 'options');
}

/** Checks that what is to be gone through one by one is a list; `what` says of what. */
export function checkList(given: unknown, path: string, what: string): void {
  if (!Array.isArray(given)) throw new ValidationError(`${path} is ${shown(given, 80)}; give a list of ${what}.`, { path });
}

/** Checks the options of `apply`. */
export function checkApplyOptions(options: ApplyOptions): void {
  check(applySchema, options, 'options');
}

/** Checks the options of `describeFeatures`. */
export function checkDescribeOptions(options: DescribeOptions): void {
  check(describeSchema, options, 'options');
}

/** Checks the options of `materialize` and returns its end, `undefined` for now. */
export function checkMaterializeOptions(options: MaterializeOptions): number | undefined {
  const { end } = check(materializeSchema, options, 'options') as MaterializeOptions;
  const time = end === undefined ? undefined : timestampOf(end);
  if (time !== undefined || end === undefined) return time;
  throw new ValidationError(`options.end is ${end instanceof Date ? 'an invalid Date' : shown(end)}; give epoch milliseconds, a date or ISO 8601 text.`, { path: 'options.end' });
}

/** Checks a query for training, but for its entities and features, which are looked at one by one. */
export function checkHistoricalQuery(query: HistoricalQuery): void {
  check(historicalSchema, query, 'query');
  if (query.entities === undefined) throw new ValidationError('query.entities is missing; give the rows to find features for.', { path: 'query.entities' });
}

/** Checks a query for serving, but for its features and the keys of its entities. */
export function checkOnlineQuery(query: OnlineQuery): void {
  check(onlineSchema, query, 'query');
  // A schema copies what it looks at: what every server asks has another look first.
  if (!arePlain(query.entities)) check(entitiesSchema, query.entities, 'query.entities');
}

function arePlain(entities: unknown): boolean {
  return Array.isArray(entities) && entities.every((each) => typeof each === 'object' && each !== null && Object.getPrototypeOf(each) === Object.prototype);
}
