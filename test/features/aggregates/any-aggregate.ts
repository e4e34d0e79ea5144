import fc from 'fast-check';
import { expect } from 'vitest';
import { aggregate, type AggregateDefinition, type AggregateOptions } from 'modelkeep';
import type { Event } from './long-way.ts';

const minute = 60_000;

/** A condition, and whether an event satisfies it. */
export const where = { x: { gt: 0 } } as const;
export const passes = ({ x }: Event): boolean => (x as number) > 0 && x !== null;

/** The columns that aggregates go over. */
export const types = { x: 'float64', y: 'float64', kind: 'string', big: 'int64', flag: 'bool' } as const;

/** Each function with its columns, over whatever window. */
export const kinds: Record<string, (options: AggregateOptions) => AggregateDefinition> = {
  count: (options) => aggregate.count(options),
  rate: (options) => aggregate.rate({ ...options, window: options.window === 'lifetime' ? '5h' : options.window, per: '1m' }),
  share: (options) => aggregate.share({ ...options, where }),
  sum: (options) => aggregate.sum('x', options),
  mean: (options) => aggregate.mean('x', options),
  ratio: (options) => aggregate.ratio('x', 'y', options),
  min: (options) => aggregate.min('x', options),
  max: (options) => aggregate.max('x', options),
  largest: (options) => aggregate.max('big', { ...options, type: 'int64' }),
  variance: (options) => aggregate.variance('x', options),
  std: (options) => aggregate.std('x', { ...options, ddof: 0 }),
  skew: (options) => aggregate.skew('x', options),
  kurtosis: (options) => aggregate.kurtosis('x', options),
  first: (options) => aggregate.first('kind', { ...options, type: 'string' }),
  last: (options) => aggregate.last('x', options),
  firstK: (options) => aggregate.firstK('big', 2, { ...options, type: 'int64' }),
  lastK: (options) => aggregate.lastK('kind', 3, { ...options, type: 'string' }),
  topK: (options) => aggregate.topK('kind', 2, options),
  frequent: (options) => aggregate.topK('y', 2, { ...options, type: 'float64' }),
  distinctCount: (options) => aggregate.distinctCount('x', { ...options, type: 'float64' }),
  approximately: (options) => aggregate.distinctCount('kind', { ...options, approximate: true }),
  median: (options) => aggregate.quantile('x', 0.5, options),
  p90: (options) => aggregate.quantile('x', 0.9, options),
};

/** Functions whose results are rounded on the way, and not exactly those of the long way. */
export const rounded: ReadonlySet<string> = new Set(['variance', 'std', 'skew', 'kurtosis']);

/** Numbers beside which rounding is no difference; 0 and -0 are told apart nowhere else. */
export function near(value: unknown): unknown {
  if (typeof value === 'number') return Number.isNaN(value) ? value : expect.closeTo(value, 9);
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.fromEntries(Object.entries(value).map(([name, each]) => [name, near(each)])) : value;
}

/** An event of one of some entities, which are numbers from 0 on. */
export type KeyedEvent = Event & { readonly key: number };

/** Events of so many entities with values missing, numbers that are none, and names that objects have already; some become known up to an hour and a half later. */
export function eventAt(moment: fc.Arbitrary<number>, entities: number): fc.Arbitrary<KeyedEvent> {
  return fc
    .record({
      key: fc.nat(entities - 1),
      at: moment,
      delay: fc.oneof(fc.constant(0), fc.integer({ min: -5, max: 90 }).map((n) => n * minute)),
      x: fc.oneof({ weight: 8, arbitrary: fc.integer({ min: -20, max: 40 }).map((n) => n / 4) }, { weight: 2, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: fc.constantFrom(NaN, -0) }),
      y: fc.constantFrom(null, 0, 1, 2.5, -1),
      kind: fc.constantFrom(null, 'a', 'b', '__proto__', 'toString'),
      big: fc.constantFrom(null, 1n, 9007199254740993n),
      flag: fc.constantFrom(null, true, false),
    })
    .map(({ at, delay, ...rest }) => ({ ...rest, at, created: at + delay }));
}

/** The events of an entity in their total order. */
export function historyOf(events: readonly KeyedEvent[], key: number): KeyedEvent[] {
  return events.filter((each) => each.key === key).sort((a, b) => a.at - b.at || a.created - b.created);
}
