import * as z from 'zod/mini';
import type { ColumnType } from '../../core/column.ts';
import { durationMs, type Duration } from '../../core/duration.ts';
import { ValidationError } from '../../core/errors.ts';
import { check } from '../../core/schema.ts';
import { whereSchema, type Where } from '../definitions/condition.ts';
import { columnName, expressionSchema, isComputed, isExpression, type ColumnSource, type Expression } from '../expressions/expression.ts';
import { aggregateSchema, checkParts, declareColumns, type AggregateDefinition } from './aggregate-definition.ts';

/** Over which events an aggregate goes. */
export interface AggregateOptions {
  /** How far back it looks from the moment of the prediction; `'lifetime'` to the entity's first event. */
  window: Duration | 'lifetime';
  /**
   * The step in which the tail of the window moves: events from `floor(t - window, hop)` on count, so that a window may look back up to one hop more than it
   * says. 0 counts from exactly `t - window`. @default 5 minutes for windows under 12 hours, 1 hour under 12 days, 1 day beyond; the window itself where it is tumbling
   */
  hop?: Duration | undefined;
  /** Whether the head moves in hops, too: events before `floor(t, hop)` count, which by default are those of the last whole window, such as the last full hour. @default false */
  tumbling?: boolean | undefined;
  /** Only events that satisfy it count: a condition by column, or an expression that is true. @default all */
  where?: Where | Expression | undefined;
  /** A `string`, `int64` or `bool` column, or an expression: one result for each of its values, as an object by value, for those values only that have a result. @default one result for all */
  by?: ColumnSource | undefined;
}

/** Over which events of which column an aggregate goes. */
export interface ColumnAggregateOptions extends AggregateOptions {
  /** Type of the column where the view does not declare it as a feature. @default 'string' for `distinctCount` and `topK`, otherwise 'float64' */
  type?: ColumnType | undefined;
}

/** Over which events a variance goes. */
export interface VarianceOptions extends AggregateOptions {
  /** Taken off the number of values before it divides: 1 for the unbiased variance of a sample, 0 for that of a population. @default 1 */
  ddof?: 0 | 1 | undefined;
}

/** Over which events a rate goes. */
export interface RateOptions extends AggregateOptions {
  /** Its unit of time: `'1m'` for events per minute. @default '1s' */
  per?: Duration | undefined;
}

/** Over which events a share goes. */
export interface ShareOptions extends AggregateOptions {
  /** What the events of the share satisfy. */
  where: Where | Expression;
}

/** How a quantile is computed. */
export interface QuantileOptions extends AggregateOptions {
  /** Whether a KLL sketch (k = 200) answers: a value that occurred, whose rank is within 1.33 % of the one asked for. @default false */
  approximate?: boolean | undefined;
}

/** How distinct values are counted. */
export interface DistinctCountOptions extends ColumnAggregateOptions {
  /** Whether a HyperLogLog sketch (4096 registers, standard error 1.6 %) answers, rounded to a whole number. @default false */
  approximate?: boolean | undefined;
}

/** An aggregate with the type of its values, as far as its options tell: objects by category, otherwise `Type`, which is that of the column where nothing else is said. */
export type AggregateResult<Options, Type extends ColumnType = Options extends Readonly<Record<'type', infer Own extends ColumnType>> ? Own : ColumnType> =
  Options extends Readonly<Record<'by', ColumnSource>> ? AggregateDefinition<'json'> : AggregateDefinition<Type>;

type AnyOptions = ColumnAggregateOptions & Partial<VarianceOptions & RateOptions & QuantileOptions>;
type Extra = 'type' | 'ddof' | 'per' | 'approximate';

const optionSchemas = {
  type: /* @__PURE__ */ z.optional(z.string()),
  ddof: /* @__PURE__ */ z.optional(z.union([z.literal(0), z.literal(1)])),
  per: /* @__PURE__ */ z.optional(z.unknown()),
  approximate: /* @__PURE__ */ z.optional(z.boolean()),
} as const;

const commonSchemas = {
  window: /* @__PURE__ */ z.unknown(),
  hop: /* @__PURE__ */ z.optional(z.unknown()),
  tumbling: /* @__PURE__ */ z.optional(z.boolean()),
  where: /* @__PURE__ */ z.optional(z.union([whereSchema, expressionSchema], 'must be conditions by column, such as { delay: { gt: 15 } }, or an expression')),
  by: /* @__PURE__ */ z.optional(z.union([z.string(), expressionSchema], 'must be the name of a column or an expression')),
} as const;

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

function defaultHop(windowMs: number): number {
  return windowMs >= 12 * day ? day : windowMs >= 12 * hour ? hour : 5 * minute;
}

function isSource(source: unknown): boolean {
  return typeof source === 'string' ? source !== '' && source !== '__proto__' : isExpression(source);
}

function lengthOf(duration: Duration, path: string): number {
  const ms = durationMs(duration, path);
  if (!Number.isSafeInteger(ms)) throw new ValidationError(`${path} is not a whole number of milliseconds.`, { path });
  return ms;
}

/** What a function takes beside its options. */
interface FixedFields extends Pick<AggregateDefinition, 'q' | 'k'> {
  readonly column?: ColumnSource | undefined;
  readonly over?: ColumnSource | undefined;
}

/** A definition of what was asked for; `fixed` are the fields that are no options, `extra` names the options beyond those of all aggregates. */
function define(name: AggregateDefinition['function'], fixed: FixedFields, given: AnyOptions, extra: readonly Extra[] = []): never {
  const path = `aggregate.${name}`;
  const sources = [fixed.column, fixed.over].filter((_, i) => (['column', 'over'] as const)[i]! in fixed);
  if (!sources.every(isSource)) throw new ValidationError(`${path} needs the name of a column, or an expression.`, { path });
  const schema = z.strictObject({ ...commonSchemas, ...Object.fromEntries(extra.map((each) => [each, optionSchemas[each]])) });
  const options = check(schema, given, path) as AnyOptions;
  const lifetime = options.window === 'lifetime';
  const window = lifetime ? 'lifetime' : lengthOf(options.window as Duration, `${path}.window`);
  if (window === 0) throw new ValidationError(`${path}.window is 0; give a length of time such as '1h'.`, { path: `${path}.window` });
  const usualHop = window === 'lifetime' ? 0 : options.tumbling ? window : defaultHop(window);
  const where = options.where && isExpression(options.where) ? { [columnName(options.where)]: { eq: true } } : options.where;
  const definition: Record<string, unknown> = {
    kind: 'aggregate',
    function: name,
    column: fixed.column && columnName(fixed.column),
    over: fixed.over && columnName(fixed.over),
    type: options.type,
    by: options.by && columnName(options.by),
    window,
    hop: options.hop === undefined ? usualHop : lengthOf(options.hop, `${path}.hop`),
    tumbling: options.tumbling ? true : undefined,
    q: fixed.q,
    k: fixed.k,
    ddof: extra.includes('ddof') ? (options.ddof ?? 1) : undefined,
    per: extra.includes('per') ? durationMs(options.per ?? 1000, `${path}.per`) : undefined,
    approximate: options.approximate ? true : undefined,
    where: where && Object.keys(where).length > 0 ? where : undefined,
  };
  for (const field of Object.keys(definition)) if (definition[field] === undefined) delete definition[field];
  check(aggregateSchema, definition, path);
  const made = definition as unknown as AggregateDefinition;
  // What an expression gives depends on the types of its columns, which the view knows.
  if ([made.column, made.over, made.by].some((column) => column !== undefined && isComputed(column))) checkParts(made, path);
  else declareColumns(made, {}, path);
  return definition as never;
}

/**
 * Windowed aggregates of an entity's events. At time `t` they see the events with `floor(t - window, hop) <= timestamp < t`: an event at `t` itself is not yet
 * known at `t`. Epoch milliseconds are rounded down to the hop ("sawtooth" windows of Chronon, Airbnb 2023); `hop: 0` gives the exact window, `tumbling: true` the last whole one, and
 * `window: 'lifetime'` all events before `t`.
 *
 * A window that holds no event of the entity gives `null`, for counts too; one that holds events of which none counts gives counts, rates and shares of 0 and otherwise `null`.
 * Missing values are skipped. NaN is a value: it makes a sum NaN, and likewise `min`, `max`, moments and quantiles.
 *
 * Training and serving agree to the last bit, at every moment. Sums are the exact sum rounded once, whatever the order and number of the events; counts, order statistics and picked values are exact;
 * moments and sketches are merged from partial states in a tree over time whose shape depends on nothing but the events that the window sees. Nothing is ever taken out of a minimum, a
 * maximum, a moment or a sketch.
 *
 * Cost for each of many moments: O(1) for counts, sums, first and last; O(log n) merges for extremes, moments and sketches; for `quantile`, `distinctCount` and `topK` what comes into the window and goes since the
 * moment before, which for a single moment are all its rows. A view with a lifetime keeps all rows of an entity online.
 *
 * @example
 * ```ts
 * import { aggregate, featureView } from 'modelkeep';
 *
 * const view = featureView({
 *   name: 'airport_delays', entity: ['origin'], timestamp: 'date',
 *   features: {
 *     delay_mean_1h: aggregate.mean('delay', { window: '1h' }),
 *     late_count_1d: aggregate.count({ window: '1d', where: { delay: { gt: 15 } } }),
 *     delay_sum_6h: aggregate.sum('delay', { window: '6h', hop: 0 }),
 *     delay_p90_7d: aggregate.quantile('delay', 0.9, { window: '7d' }),
 *     delay_mean_by_carrier: aggregate.mean('delay', { window: '30d', by: 'carrier' }),
 *     last_gates: aggregate.lastK('gate', 3, { window: 'lifetime', type: 'string' }),
 *     departures_last_hour: aggregate.count({ window: '1h', tumbling: true }),
 *   },
 * });
 * console.log(Object.keys(view.features));
 * ```
 */
export const aggregate = {
  /** Number of events that count. */
  count: <const Options extends AggregateOptions>(options: Options): AggregateResult<Options, 'float64'> => define('count', {}, options),
  /** Events that count per unit of time: their number over the time that the window really spans, hop included. Not over a lifetime. */
  rate: <const Options extends RateOptions>(options: Options): AggregateResult<Options, 'float64'> => define('rate', {}, options, ['per']),
  /** The share of events that satisfy `where` among all events of the window, 0 to 1. */
  share: <const Options extends ShareOptions>(options: Options): AggregateResult<Options, 'float64'> => define('share', {}, options),
  /** Sum of a `float64` column: the exact sum, rounded once. */
  sum: <const Options extends AggregateOptions>(column: ColumnSource, options: Options): AggregateResult<Options, 'float64'> => define('sum', { column }, options),
  /** Mean of a `float64` column: the exact sum, rounded, divided by the number of values that are present. */
  mean: <const Options extends AggregateOptions>(column: ColumnSource, options: Options): AggregateResult<Options, 'float64'> => define('mean', { column }, options),
  /** The sum of one `float64` column divided by that of another, over the events that have both, each sum exact and rounded once; `null` where the second is 0. */
  ratio: <const Options extends AggregateOptions>(column: ColumnSource, over: ColumnSource, options: Options): AggregateResult<Options, 'float64'> => define('ratio', { column, over }, options),
  /** The smallest value of a `float64`, `int64` or `timestamp` column. */
  min: <const Options extends ColumnAggregateOptions>(column: ColumnSource, options: Options): AggregateResult<Options> => define('min', { column }, options, ['type']),
  /** The largest value of a `float64`, `int64` or `timestamp` column. */
  max: <const Options extends ColumnAggregateOptions>(column: ColumnSource, options: Options): AggregateResult<Options> => define('max', { column }, options, ['type']),
  /** Variance of a `float64` column; `null` of no more than `ddof` values. */
  variance: <const Options extends VarianceOptions>(column: ColumnSource, options: Options): AggregateResult<Options, 'float64'> => define('variance', { column }, options, ['ddof']),
  /** Standard deviation of a `float64` column, the root of {@link aggregate.variance}; `null` of no more than `ddof` values. */
  std: <const Options extends VarianceOptions>(column: ColumnSource, options: Options): AggregateResult<Options, 'float64'> => define('std', { column }, options, ['ddof']),
  /** Skewness g₁ of a `float64` column; `null` of fewer than 3 values and of equal ones. */
  skew: <const Options extends AggregateOptions>(column: ColumnSource, options: Options): AggregateResult<Options, 'float64'> => define('skew', { column }, options),
  /** Excess kurtosis g₂ of a `float64` column, 0 for a normal law; `null` of fewer than 4 values and of equal ones. */
  kurtosis: <const Options extends AggregateOptions>(column: ColumnSource, options: Options): AggregateResult<Options, 'float64'> => define('kurtosis', { column }, options),
  /** The oldest value of a column of any type. Of events at one time: the first created, then the first ingested. */
  first: <const Options extends ColumnAggregateOptions>(column: ColumnSource, options: Options): AggregateResult<Options> => define('first', { column }, options, ['type']),
  /** The newest value of a column of any type. Of events at one time: the last created, then the last ingested. */
  last: <const Options extends ColumnAggregateOptions>(column: ColumnSource, options: Options): AggregateResult<Options> => define('last', { column }, options, ['type']),
  /** The `k` oldest values of a column of any type as a list, oldest first. `k` is 1 to 1000. */
  firstK: <const Options extends ColumnAggregateOptions>(column: ColumnSource, k: number, options: Options): AggregateResult<Options, 'json'> => define('firstK', { column, k }, options, ['type']),
  /** The `k` newest values of a column of any type as a list, newest first. `k` is 1 to 1000. */
  lastK: <const Options extends ColumnAggregateOptions>(column: ColumnSource, k: number, options: Options): AggregateResult<Options, 'json'> => define('lastK', { column, k }, options, ['type']),
  /** The `k` most frequent values of a column of scalars as a list, exactly; equally frequent ones in ascending order. `k` is 1 to 1000. */
  topK: <const Options extends ColumnAggregateOptions>(column: ColumnSource, k: number, options: Options): AggregateResult<Options, 'json'> => define('topK', { column, k }, options, ['type']),
  /** How many different values a column of scalars has. All NaN are one value, and -0 is 0. */
  distinctCount: <const Options extends DistinctCountOptions>(column: ColumnSource, options: Options): AggregateResult<Options, 'float64'> => define('distinctCount', { column }, options, ['type', 'approximate']),
  /** The quantile `q`, 0 to 1, of a `float64` column: linear between the two nearest values, as numpy has it; -0 is 0. */
  quantile: <const Options extends QuantileOptions>(column: ColumnSource, q: number, options: Options): AggregateResult<Options, 'float64'> => define('quantile', { column, q }, options, ['approximate']),
};
