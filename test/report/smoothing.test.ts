import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { smoothed, type Smoothing } from '../../src/report/charts/smoothing.ts';

const ways: readonly Smoothing[] = [
  { method: 'exponential', weight: 0.9 },
  { method: 'gaussian', sigma: 2 },
  { method: 'mean', window: 5 },
];

describe.each(ways)('smoothing: $method', (way) => {
  test('keeps what is constant, and stays between the least and the greatest value', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: -1e300, max: 1e300, noNaN: true }), { minLength: 1, maxLength: 60 }), (y) => {
        const x = y.map((_, i) => i);
        const out = smoothed(x, y, way);
        const slack = 1e-9 * Math.max(...y.map(Math.abs));
        for (const value of out) {
          expect(value).toBeGreaterThanOrEqual(Math.min(...y) - slack);
          expect(value).toBeLessThanOrEqual(Math.max(...y) + slack);
        }
        expect(smoothed(x, x.map(() => y[0]!), way).every((value) => Math.abs(value - y[0]!) <= slack)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  test('a gap stays a gap, and tells nothing to its neighbours', () => {
    const out = smoothed([0, 1, 2, 3, 4], [1, NaN, 1, Infinity, 1], way);
    expect([...out]).toEqual([1, NaN, 1, Infinity, 1]);
  });
});

test('the exponential average weighs by distance: a hundred points in one place count as their mean, not as a hundred steps', () => {
  const crowded = smoothed([0, ...Array.from({ length: 100 }, () => 500), 1_000], [0, ...Array.from({ length: 100 }, () => 1), 1], { method: 'exponential', weight: 0.998 });
  expect(crowded[100]).toBeGreaterThan(0.99);
  const sparse = smoothed([0, 500, 1_000], [0, 1, 1], { method: 'exponential', weight: 0.998 });
  // √0.998 to the power of 500 keeps 0.606 of the first point.
  expect(sparse[1]).toBeCloseTo(1 / (1 + 0.998 ** 250), 10);
});

test('the mean of many points is what a sum over each window gives', () => {
  const y = Array.from({ length: 5_000 }, (_, i) => ((i * 7919) % 1_000) + (i % 997 === 0 ? 1e9 : 0));
  const out = smoothed(y.map((_, i) => i), y, { method: 'mean', window: 11 });
  for (const i of [0, 3, 1_020, 1_023, 1_024, 2_500, 4_999]) {
    const window = y.slice(Math.max(0, i - 5), i + 6);
    expect(out[i]).toBeCloseTo(window.reduce((a, b) => a + b, 0) / window.length, 3);
  }
});

test.each([{ method: 'exponential', weight: 0.9 }, { method: 'gaussian', sigma: 2 }, { method: 'mean', window: 5 }] as const)('the least and the greatest doubles are smoothed to doubles between them: $method', (smoothing) => {
  for (const y of [[5e-324, 5e-324, 5e-324], [1.7e308, -1.7e308, 1.7e308, -1.7e308, 0]]) {
    const out = smoothed(y.map((_, i) => i), y, smoothing);
    for (const value of out) expect([y, value, value >= Math.min(...y) && value <= Math.max(...y)]).toEqual([y, value, true]);
  }
});
