import fc from 'fast-check';
import { expect, it } from 'vitest';
import { mergeExtremes, takeExtremes, type BestMetrics, type MetricExtremes } from '../../src/tracking/extreme-metric.ts';

interface Row {
  readonly name: string;
  readonly step: number;
  readonly timestamp: number;
  readonly value: number;
}

const row = fc.record({
  name: fc.constantFrom('a', 'b', '__proto__'),
  step: fc.integer({ min: -2, max: 2 }),
  timestamp: fc.integer({ min: 0, max: 2 }),
  value: fc.oneof(fc.integer({ min: -2, max: 2 }), fc.constantFrom(NaN, Infinity, -Infinity)),
});

function extremesOf(rows: readonly Row[]): BestMetrics {
  const names = [...new Set(rows.map(({ name }) => name))];
  const extremes = new Map<string, MetricExtremes>();
  takeExtremes(extremes, {
    names,
    codes: rows.map(({ name }) => names.indexOf(name)),
    steps: rows.map(({ step }) => step),
    timestamps: rows.map(({ timestamp }) => timestamp),
    values: Float64Array.from(rows, ({ value }) => value),
  });
  return mergeExtremes({}, extremes);
}

it('the extremes of a metric are its first least and first greatest numbers, in whatever parts they are taken', () => {
  fc.assert(
    fc.property(fc.array(row, { maxLength: 30 }), fc.array(row, { maxLength: 30 }), (left, right) => {
      const whole = extremesOf([...left, ...right]);
      expect(mergeExtremes(extremesOf(left), Object.entries(extremesOf(right)))).toEqual(whole);
      expect(mergeExtremes(extremesOf(right), Object.entries(extremesOf(left)))).toEqual(whole);
      expect(mergeExtremes(whole, Object.entries(extremesOf(left)))).toEqual(whole);
      for (const name of ['a', 'b', '__proto__']) {
        const own = [...left, ...right].filter((each) => each.name === name && !Number.isNaN(each.value)).sort((a, b) => a.step - b.step || a.timestamp - b.timestamp);
        const known = Object.hasOwn(whole, name) ? whole[name] : undefined;
        expect(known === undefined).toBe(own.length === 0);
        if (known === undefined) continue;
        const [min, max] = [Math.min(...own.map(({ value }) => value)), Math.max(...own.map(({ value }) => value))];
        const pick = (value: number): unknown => {
          const { step, timestamp } = own.find((each) => each.value === value)!;
          return { step, timestamp, value };
        };
        expect(known).toEqual({ min: pick(min), max: pick(max) });
      }
    }),
    { numRuns: 300, seed: 7 },
  );
});
