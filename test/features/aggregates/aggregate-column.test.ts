import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { aggregate, type AggregateDefinition, type AggregateOptions } from 'modelkeep';
import { KllSketch } from 'modelkeep/stats';
import { toColumn, valueAt, type Column } from '../../../src/core/column.ts';
import { aggregateColumn } from '../../../src/features/aggregates/aggregate-column.ts';
import { EventIndex } from '../../../src/features/event-index.ts';
import { ProbeSweep } from '../../../src/features/probe-sweep.ts';
import { longWay, type Event } from './long-way.ts';

const minute = 60_000;
const start = Date.UTC(2024, 0, 1);
const where = { x: { gt: 0 } } as const;

const windows: readonly AggregateOptions[] = [
  { window: '1h' },
  { window: '90m', hop: '1h' },
  { window: '40m', hop: 0 },
  { window: '1h', tumbling: true },
  { window: '2h', hop: '30m', tumbling: true },
  { window: 'lifetime' },
  { window: '2h', where },
  { window: '3h', by: 'kind' },
  { window: '1h', by: 'flag', where },
];

const kinds: Record<string, (options: AggregateOptions) => AggregateDefinition> = {
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
const sketched = (options: AggregateOptions): AggregateDefinition => aggregate.quantile('x', 0.75, { ...options, approximate: true });
const sketchedEnds = (options: AggregateOptions): AggregateDefinition => aggregate.quantile('x', 0, { ...options, approximate: true });
const rounded = new Set(['variance', 'std', 'skew', 'kurtosis']);

const types = { x: 'float64', y: 'float64', kind: 'string', big: 'int64', flag: 'bool' } as const;

const wide: readonly AggregateOptions[] = [{ window: '3h' }, { window: '5h', hop: 0 }, { window: 'lifetime' }, { window: '4h', by: 'kind' }];

type Row = Event & { readonly key: number };

const moment = fc.oneof(fc.integer({ min: 0, max: 24 }).map((n) => start + n * 15 * minute), fc.integer({ min: 0, max: 6 * 60 * minute }).map((n) => start + n));
const row: fc.Arbitrary<Row> = fc
  .record({
    key: fc.nat(1),
    at: moment,
    delay: fc.oneof(fc.constant(0), fc.integer({ min: -5, max: 90 }).map((n) => n * minute)),
    x: fc.oneof({ weight: 8, arbitrary: fc.integer({ min: -20, max: 40 }).map((n) => n / 4) }, { weight: 2, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: fc.constantFrom(NaN, -0) }),
    y: fc.constantFrom(null, 0, 1, 2.5, -1),
    kind: fc.constantFrom(null, 'a', 'b', '__proto__', 'toString'),
    big: fc.constantFrom(null, 1n, 9007199254740993n),
    flag: fc.constantFrom(null, true, false),
  })
  .map(({ at, delay, ...rest }) => ({ ...rest, at, created: at + delay }));

function indexOf(rows: readonly Row[]): EventIndex {
  return new EventIndex({
    codes: Int32Array.from(rows, ({ key }) => key),
    keyCount: 3,
    times: Float64Array.from(rows, ({ at }) => at),
    created: Float64Array.from(rows, ({ created }) => created),
    column: (name): Column => toColumn(rows.map((each) => each[name]), types[name as keyof typeof types], name),
  });
}

function valuesOf(index: EventIndex, probes: readonly { key: number; at: number }[], definition: AggregateDefinition): unknown[] {
  const sweep = new ProbeSweep(index, { codes: Int32Array.from(probes, ({ key }) => key), times: Float64Array.from(probes, ({ at }) => at) });
  const column = aggregateColumn(sweep, definition, true);
  return probes.map((_, i) => valueAt(column, i));
}

/** The rows of a key in their total order. */
function historyOf(rows: readonly Row[], key: number): Row[] {
  return rows.filter((each) => each.key === key).sort((a, b) => a.at - b.at || a.created - b.created);
}

/** Numbers beside which rounding is no difference; 0 and -0 are told apart nowhere else. */
function near(value: unknown): unknown {
  if (typeof value === 'number') return Number.isNaN(value) ? value : expect.closeTo(value, 9);
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.fromEntries(Object.entries(value).map(([name, each]) => [name, near(each)])) : value;
}

const passes = ({ x }: Event): boolean => (x as number) > 0 && x !== null;
const world = fc.record({ rows: fc.array(row, { maxLength: 40 }), probes: fc.array(fc.record({ key: fc.integer({ min: -1, max: 2 }), at: moment }), { minLength: 10, maxLength: 10 }) });

describe('aggregates of windows', () => {
  it.each(Object.keys(kinds))('%s: equals the long way, whatever the window', (kind) => {
    // 70 worlds, ten moments each, over nine windows: 6,300 cases for each of the functions.
    fc.assert(
      fc.property(world, ({ rows, probes }) => {
        const index = indexOf(rows);
        for (const options of windows) {
          const definition = kinds[kind]!(options);
          const wanted = probes.map(({ key, at }) => (key < 0 ? null : longWay(definition, historyOf(rows, key), at, passes)));
          expect(valuesOf(index, probes, definition)).toEqual(rounded.has(kind) ? wanted.map(near) : wanted);
        }
      }),
      { numRuns: 70 },
    );
  });

  it('counts distinct values approximately as a sketch of each window does, when many windows are asked for at once', () => {
    const rowsOf = fc.array(row, { minLength: 100, maxLength: 300 });
    const probesOf = fc.array(fc.record({ key: fc.integer({ min: -1, max: 2 }), at: moment }), { minLength: 90, maxLength: 90 });
    const many = (column: string, type: 'string' | 'float64' | 'int64' | 'bool') => (options: AggregateOptions) => aggregate.distinctCount(column, { ...options, type, approximate: true });
    fc.assert(
      fc.property(rowsOf, probesOf, (rows, probes) => {
        const index = indexOf(rows);
        for (const define of [many('kind', 'string'), many('x', 'float64'), many('big', 'int64'), many('flag', 'bool')]) {
          for (const options of windows) {
            const definition = define(options);
            expect(valuesOf(index, probes, definition)).toEqual(probes.map(({ key, at }) => (key < 0 ? null : longWay(definition, historyOf(rows, key), at, passes))));
          }
        }
      }),
      { numRuns: 2 },
    );
  });

  it('gives the extremes of many windows asked for at once as the long way does, NaN, ties and rows that are not known yet included', () => {
    const rowsOf = fc.array(row, { minLength: 50, maxLength: 150 });
    const probesOf = fc.array(fc.record({ key: fc.integer({ min: -1, max: 2 }), at: moment }), { minLength: 90, maxLength: 90 });
    fc.assert(
      fc.property(rowsOf, probesOf, (rows, probes) => {
        const index = indexOf(rows);
        for (const kind of ['min', 'max', 'largest']) {
          for (const options of windows) {
            const definition = kinds[kind]!(options);
            expect(valuesOf(index, probes, definition)).toEqual(probes.map(({ key, at }) => (key < 0 ? null : longWay(definition, historyOf(rows, key), at, passes))));
          }
        }
      }),
      { numRuns: 8 },
    );
  });

  it('is the same to the last bit from the rows of one window as from the whole history, and in whatever order it is asked', () => {
    const many = fc.record({ rows: fc.array(row, { minLength: 150, maxLength: 500 }), probes: fc.array(fc.record({ key: fc.nat(1), at: moment }), { minLength: 4, maxLength: 4 }) });
    fc.assert(
      fc.property(many, fc.nat(3), ({ rows, probes }, one) => {
        const { key, at } = probes[one]!;
        const whole = indexOf(rows);
        for (const options of wide) {
          const visible = rows.filter((each) => each.key === key && each.at < at && each.created <= at && (options.window === 'lifetime' || each.at >= at - 6 * 60 * minute));
          for (const define of [...Object.values(kinds), sketched, sketchedEnds]) {
            const definition = define(options);
            const all = valuesOf(whole, probes, definition);
            expect(valuesOf(indexOf(visible), [{ key, at }], definition)).toEqual([all[one]]);
            expect(valuesOf(whole, [probes[one]!], definition)).toEqual([all[one]]);
          }
        }
      }),
      { numRuns: 12 },
    );
  });

  it('gives the quantiles that a sketch of the rows gives, in windows of a few', () => {
    fc.assert(
      fc.property(world, fc.constantFrom(0, 0.1, 0.5, 0.75, 1), ({ rows, probes }, q) => {
        const index = indexOf(rows);
        const definition = aggregate.quantile('x', q, { window: '2h', hop: 0, approximate: true });
        const wanted = probes.map(({ key, at }) => {
          const values = historyOf(rows, key).filter((each) => each.at >= at - 120 * minute && each.at < at && each.created <= at && each['x'] !== null).map((each) => each['x'] as number);
          const sketch = new KllSketch().updateAll(values);
          return values.length === 0 ? null : sketch.nan > 0 ? NaN : sketch.quantile(q);
        });
        expect(valuesOf(index, probes, definition)).toEqual(wanted);
      }),
      { numRuns: 50 },
    );
  });

  it('gives quantiles from sketches within their error, over windows of many rows', () => {
    const rows: Row[] = Array.from({ length: 20_000 }, (_, i) => ({ key: 0, at: start + i * 1000, created: start + i * 1000, x: (i * 7919) % 20_000 }));
    const probes = Array.from({ length: 40 }, (_, i) => ({ key: 0, at: start + 5_000_000 + i * 350_000 }));
    const options = { window: '1h', hop: 0 } as const;
    const exact = valuesOf(indexOf(rows), probes, aggregate.quantile('x', 0.75, options));
    const rough = valuesOf(indexOf(rows), probes, sketched(options));
    for (const [i, value] of rough.entries()) expect(Math.abs((value as number) - (exact[i] as number)) / 20_000).toBeLessThan(0.0133);
  });
});
