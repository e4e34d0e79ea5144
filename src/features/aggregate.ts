import * as z from 'zod/mini';
import { durationMs, type Duration } from '../core/duration.ts';
import { ValidationError } from '../core/errors.ts';
import { check } from '../core/schema.ts';
import { whereSchema, type Where } from './definitions/condition.ts';

/** A number computed from an entity's recent events, as data. Made by {@link aggregate}. */
export interface AggregateDefinition {
  /** Tells it from the other kinds of features. */
  readonly kind: 'aggregate';
  /** What is computed. */
  readonly function: 'count' | 'sum' | 'mean';
  /** The column that is aggregated; a count has none. */
  readonly column?: string | undefined;
  /** How far back it looks, in milliseconds. */
  readonly window: number;
  /** Milliseconds by which the tail of the window moves; 0 moves it with the request. */
  readonly hop: number;
  /** Only events that satisfy it count; absent when all do. */
  readonly where?: Where | undefined;
}

/** Over which events an aggregate goes. */
export interface AggregateOptions {
  /** How far back it looks from the moment of the prediction. */
  window: Duration;
  /**
   * The step in which the tail of the window moves: events from `floor(t - window, hop)` on count, so that a window may look back up to one hop more than it
   * says. 0 counts from exactly `t - window`. @default 5 minutes for windows under 12 hours, 1 hour under 12 days, 1 day beyond
   */
  hop?: Duration | undefined;
  /** Only events that satisfy it count. @default all */
  where?: Where | undefined;
}

const milliseconds = /* @__PURE__ */ z.number().check(z.int(), z.minimum(0));

/** Schema of {@link AggregateDefinition}. */
export const aggregateSchema: z.ZodMiniType = /* @__PURE__ */ z.strictObject({
  kind: z.literal('aggregate'),
  function: z.enum(['count', 'sum', 'mean']),
  column: z.optional(z.string().check(z.minLength(1))),
  window: milliseconds,
  hop: milliseconds,
  where: z.optional(whereSchema),
});

const optionsSchema = /* @__PURE__ */ z.strictObject({ window: z.unknown(), hop: z.optional(z.unknown()), where: z.optional(whereSchema) });

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

function defaultHop(windowMs: number): number {
  return windowMs >= 12 * day ? day : windowMs >= 12 * hour ? hour : 5 * minute;
}

function define(name: AggregateDefinition['function'], column: string | undefined, options: AggregateOptions): AggregateDefinition {
  const path = `aggregate.${name}`;
  if (name !== 'count' && (typeof column !== 'string' || column === '' || column === '__proto__')) throw new ValidationError(`${path} needs the name of a column.`, { path });
  const { where } = check(optionsSchema, options, path);
  const window = durationMs(options.window, `${path}.window`);
  if (window === 0) throw new ValidationError(`${path}.window is 0; give a length of time such as '1h'.`, { path: `${path}.window` });
  const hop = options.hop === undefined ? defaultHop(window) : durationMs(options.hop, `${path}.hop`);
  for (const [field, value] of [['window', window], ['hop', hop]] as const) {
    if (!Number.isSafeInteger(value)) throw new ValidationError(`${path}.${field} is not a whole number of milliseconds.`, { path: `${path}.${field}` });
  }
  return { kind: 'aggregate', function: name, column, window, hop, where: where && Object.keys(where).length > 0 ? (where as Where) : undefined };
}

/**
 * Windowed aggregates of an entity's events. At time `t` they see the events with `floor(t - window, hop) <= timestamp < t`: an event at `t` itself is not yet
 * known at `t`. Epoch milliseconds are rounded down to the hop ("sawtooth" windows of Chronon, Airbnb 2023); `hop: 0` gives the exact window.
 *
 * A window that holds no event of the entity gives `null`, for counts too; one that holds events of which none counts gives a count of 0 and otherwise `null`.
 * Missing values are skipped; NaN is a value and makes a sum NaN. Sums are the exact sum rounded once, whatever the order and number of the events, so that training and
 * serving agree to the last bit.
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
 *   },
 * });
 * console.log(Object.keys(view.features));
 * ```
 */
export const aggregate = {
  /** Number of events that count. */
  count: (options: AggregateOptions): AggregateDefinition => define('count', undefined, options),
  /** Sum of a `float64` column: the exact sum, rounded once. */
  sum: (column: string, options: AggregateOptions): AggregateDefinition => define('sum', column, options),
  /** Mean of a `float64` column: the exact sum, rounded, divided by the number of values that are present. */
  mean: (column: string, options: AggregateOptions): AggregateDefinition => define('mean', column, options),
};

/** The first timestamp that a window at `t` sees. */
export function windowStart(t: number, window: number, hop: number): number {
  const start = t - window;
  return hop === 0 ? start : Math.floor(start / hop) * hop;
}
