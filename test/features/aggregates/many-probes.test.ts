import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { aggregate, type AggregateOptions } from 'modelkeep';
import { seededRandom } from '../../../src/core/random.ts';
import { toColumn, valueAt, type Column } from '../../../src/core/column.ts';
import type { FeatureDefinition } from '../../../src/features/definitions/feature-view.ts';
import { EventIndex } from '../../../src/features/event-index.ts';
import { joinFeatures } from '../../../src/features/point-in-time.ts';
import type { Probes } from '../../../src/features/probe-sweep.ts';
import { eventAt, kinds, types, where } from './any-aggregate.ts';

const minute = 60_000;
const start = Date.UTC(2024, 0, 1);
const seed = 20_261_129;
const keyCount = 7;
const rows = fc.sample(eventAt(fc.integer({ min: 0, max: 12 * 60 }).map((n) => start + n * minute), keyCount - 1), { numRuns: 900, seed });

function indexOf(): EventIndex {
  return new EventIndex({
    codes: Int32Array.from(rows, ({ key }) => key),
    keyCount,
    times: Float64Array.from(rows, ({ at }) => at),
    created: Float64Array.from(rows, ({ created }) => created),
    columns: { column: (name): Column => toColumn(rows.map((each) => each[name as keyof typeof types]), types[name as keyof typeof types], name) },
  });
}

/** Probes in no order, some of a key that has no rows and some of none. */
function probesOf(count: number): Probes {
  const random = seededRandom(seed);
  const codes = Int32Array.from({ length: count }, () => Math.floor(random() * (keyCount + 1)) - 1);
  return { codes, times: Float64Array.from(codes, () => start + Math.floor((random() * 15 - 1) * 60 * minute)) };
}

const windows: readonly AggregateOptions[] = [{ window: '1h' }, { window: '2h', where }, { window: '3h', by: 'kind' }];
const columns: FeatureDefinition[] = Object.entries(types).map(([from, type]) => ({ kind: 'column', type, from }));
const features: FeatureDefinition[] = [...columns, ...Object.values(kinds).map((define, i) => define(windows[i % windows.length]!))];
const names = features.map((_, i) => `f${i}`);

function rowsOf({ codes, times }: Probes, from: number, to: number, knownOnly: boolean): unknown[][] {
  const joined = joinFeatures(indexOf(), { codes: codes.slice(from, to), times: times.slice(from, to) }, features, names, { ttl: 90 * minute, knownOnly });
  return Array.from({ length: to - from }, (_, i) => [joined.outcomes[i], joined.eventTimes[i], ...joined.columns.map((column) => valueAt(column, i))]);
}

describe(`probes that are so many that they are put in order first (seed ${seed})`, () => {
  it.each([[true], [false]])('are answered, in the order in which they were given, as few at once are (knownOnly %s)', (knownOnly) => {
    const count = 4500;
    const probes = probesOf(count);
    const whole = rowsOf(probes, 0, count, knownOnly);
    const parts = [0, 1, 2].flatMap((part) => rowsOf(probes, part * 1500, (part + 1) * 1500, knownOnly));
    expect(whole).toEqual(parts);
    expect(new Set(whole.map(([outcome]) => outcome)).size).toBeGreaterThan(3);
  });

  it('are answered the same when they come in order', () => {
    const { codes, times } = probesOf(4500);
    const order = Array.from(codes.keys()).filter((i) => codes[i]! >= 0).sort((a, b) => codes[a]! - codes[b]! || times[a]! - times[b]!);
    const sorted = { codes: Int32Array.from(order, (i) => codes[i]!), times: Float64Array.from(order, (i) => times[i]!) };
    const shuffled = rowsOf({ codes, times }, 0, codes.length, true);
    expect(rowsOf(sorted, 0, order.length, true)).toEqual(order.map((i) => shuffled[i]));
  });

  it('find the extremes of rows that satisfy a condition in a column that is copied once and counted', () => {
    const index = indexOf();
    const counted = rows.filter(({ x }) => x !== null && (x as number) > 0).length;
    const bytesWith = (definition: FeatureDefinition): number => {
      joinFeatures(index, probesOf(200), [definition], ['x'], { ttl: undefined, knownOnly: true });
      return index.byteLength;
    };
    const before = bytesWith(aggregate.sum('x', { window: '1h', where }));
    // Values of eight bytes, and the places that they were copied from.
    expect(bytesWith(aggregate.max('x', { window: '1h', where })) - before).toBeGreaterThanOrEqual(counted * (8 + 4));
    const after = index.byteLength;
    expect([bytesWith(aggregate.max('x', { window: '2h', where })), bytesWith(aggregate.min('x', { window: '1h', where }))].map((bytes) => bytes - after < counted * 8)).toEqual([true, true]);
  });
});
