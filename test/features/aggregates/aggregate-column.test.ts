import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { aggregate, type AggregateDefinition, type AggregateOptions } from 'modelkeep';
import { KllSketch } from 'modelkeep/stats';
import { toColumn, valueAt, type Column } from '../../../src/core/column.ts';
import { aggregateColumn } from '../../../src/features/aggregates/aggregate-column.ts';
import { EventIndex } from '../../../src/features/event-index.ts';
import { ProbeSweep } from '../../../src/features/probe-sweep.ts';
import { eventAt, historyOf, kinds, near, passes, rounded, types, where, type KeyedEvent } from './any-aggregate.ts';
import { longWay } from './long-way.ts';

const minute = 60_000;
const start = Date.UTC(2024, 0, 1);

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

const sketched = (options: AggregateOptions): AggregateDefinition => aggregate.quantile('x', 0.75, { ...options, approximate: true });
const sketchedEnds = (options: AggregateOptions): AggregateDefinition => aggregate.quantile('x', 0, { ...options, approximate: true });
const wide: readonly AggregateOptions[] = [{ window: '3h' }, { window: '5h', hop: 0 }, { window: 'lifetime' }, { window: '4h', by: 'kind' }];

type Row = KeyedEvent;

const moment = fc.oneof(fc.integer({ min: 0, max: 24 }).map((n) => start + n * 15 * minute), fc.integer({ min: 0, max: 6 * 60 * minute }).map((n) => start + n));
const row = eventAt(moment, 2);

function indexOf(rows: readonly Row[]): EventIndex {
  return new EventIndex({
    codes: Int32Array.from(rows, ({ key }) => key),
    keyCount: 3,
    times: Float64Array.from(rows, ({ at }) => at),
    created: Float64Array.from(rows, ({ created }) => created),
    columns: { column: (name): Column => toColumn(rows.map((each) => each[name]), types[name as keyof typeof types], name) },
  });
}

function valuesOf(index: EventIndex, probes: readonly { key: number; at: number }[], definition: AggregateDefinition): unknown[] {
  const sweep = new ProbeSweep(index, { codes: Int32Array.from(probes, ({ key }) => key), times: Float64Array.from(probes, ({ at }) => at) });
  const column = aggregateColumn(sweep, definition, true);
  return probes.map((_, i) => valueAt(column, i));
}

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
          expect(valuesOf(index, probes, definition)).toEqual(rounded.has(definition.function) ? wanted.map(near) : wanted);
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
