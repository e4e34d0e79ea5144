import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ValidationError } from '../../../src/core/errors.ts';
import { maxError } from '../../../src/stats/metrics/max-error.ts';
import { meanAbsoluteError } from '../../../src/stats/metrics/mean-absolute-error.ts';
import { meanAbsolutePercentageError } from '../../../src/stats/metrics/mean-absolute-percentage-error.ts';
import { meanSquaredError } from '../../../src/stats/metrics/mean-squared-error.ts';
import { meanSquaredLogError } from '../../../src/stats/metrics/mean-squared-log-error.ts';
import { medianAbsoluteError } from '../../../src/stats/metrics/median-absolute-error.ts';
import { quantileLoss } from '../../../src/stats/metrics/quantile-loss.ts';
import { rSquared } from '../../../src/stats/metrics/r-squared.ts';
import { rootMeanSquaredError } from '../../../src/stats/metrics/root-mean-squared-error.ts';

const weighted = [meanAbsoluteError, meanSquaredError, rootMeanSquaredError, meanAbsolutePercentageError, meanSquaredLogError, medianAbsoluteError, quantileLoss, rSquared];

describe('errors of regression', () => {
  it('leave out pairs that are not finite, and are NaN without any', () => {
    const labels = [1, NaN, 3, null, 5, 2] as number[];
    const predictions = [2, 1, NaN, 1, Infinity, 2];
    for (const metric of [...weighted, maxError]) {
      expect(metric(labels, predictions)).toBe(metric([1, 2], [2, 2]));
      expect(metric([], [])).toBeNaN();
      expect(metric([NaN], [1])).toBeNaN();
      expect(() => metric([1], [])).toThrow(ValidationError);
    }
  });

  it('are what they are in any unit, however large or small its numbers', () => {
    const values = fc.array(fc.tuple(fc.double({ min: -1, max: 1, noNaN: true }), fc.double({ min: -1, max: 1, noNaN: true }), fc.nat(3)), { minLength: 2, maxLength: 20 });
    fc.assert(
      fc.property(values, fc.constantFrom(-900, -700, -500, 500, 700, 1020), (list, power) => {
        // No subnormal numbers, which lose digits in another unit.
        const inUnit = (unit: number): [number[], number[]] => [list.map(([a]) => (Math.round(a * 2 ** 30) / 2 ** 30) * unit), list.map(([, b]) => (Math.round(b * 2 ** 30) / 2 ** 30) * unit)];
        const [x, y] = inUnit(1);
        const [far, other] = inUnit(2 ** power);
        const weights = list.map(([, , weight]) => weight);
        for (const options of weights.some((weight) => weight > 0) ? [{}, { weights }] : [{}]) {
          for (const metric of [rootMeanSquaredError, meanAbsoluteError, quantileLoss]) {
            const [near, there] = [metric(x, y, options), metric(far, other, options)];
            // About the numbers that have no double.
            if (!(near * 2 ** (power / 2) * 2 ** (power / 2) > 1e308)) expect(Math.abs(there / 2 ** (power / 2) / 2 ** (power / 2) - near)).toBeLessThanOrEqual(1e-14 * near);
            else expect(there).toBeGreaterThan(1e307);
          }
          const [near, there] = [rSquared(x, y, options), rSquared(far, other, options)];
          expect(Number.isNaN(there)).toBe(Number.isNaN(near));
          if (!Number.isNaN(near)) expect(Math.abs(there - near)).toBeLessThanOrEqual(1e-9 * Math.max(1, Math.abs(near)));
        }
      }),
      { seed: 5 },
    );
    expect(rootMeanSquaredError([3e200, 0], [0, 4e200])).toBeCloseTo(3.5355339059327378e200, -187);
    expect(rootMeanSquaredError([1, 3e-200], [1, -4e-200]) / 1e-200).toBeCloseTo(7 / Math.SQRT2, 12);
    expect(meanSquaredError([1.2e154, 0, 0, 0], [0, 1.2e154, 0, 0]) / 7.2e307).toBeCloseTo(1, 12);
    expect(meanAbsoluteError([1e308, 0, 0, 0], [-1e308, 0, 0, 0])).toBe(5e307);
    expect(meanAbsolutePercentageError([1e308], [-1e308])).toBe(2);
    expect(rSquared([1e300, 2e300, 3e300], [1.1e300, 2e300, 2.9e300])).toBeCloseTo(0.99, 12);
    expect(rSquared([-1.7e308, 1.7e308], [-1.7e308, 1.6e308])).toBeCloseTo(1 - 0.01 / (2 * 1.7 ** 2), 12);
    expect(rSquared([1e-300, 2e-300, 3e-300], [1.1e-300, 2e-300, 2.9e-300])).toBeCloseTo(0.99, 12);
  });

  it('take whole weights for repetitions, and refuse negative ones', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 }), fc.nat(3)), { minLength: 1, maxLength: 15 }), (rows) => {
        const repeated = rows.flatMap((row) => Array.from({ length: row[2] }, () => row));
        const column = (of: typeof rows, i: 0 | 1 | 2): number[] => of.map((row) => row[i]);
        for (const metric of weighted) {
          const value = metric(column(rows, 0), column(rows, 1), { weights: column(rows, 2) });
          const expected = metric(column(repeated, 0), column(repeated, 1));
          if (Number.isNaN(expected)) expect(value).toBeNaN();
          else expect(value).toBeCloseTo(expected, 10);
        }
      }),
      { seed: 1 },
    );
    for (const metric of weighted) expect(() => metric([1], [1], { weights: [-1] })).toThrow(/weights\[0\]/);
  });

  it('are 0 for perfect predictions', () => {
    for (const metric of [...weighted, maxError]) expect(metric([1, 2, 4], [1, 2, 4])).toBe(metric === rSquared ? 1 : 0);
  });

  it('R² is 0 for the mean, negative for worse, unmoved by shifts, and not defined for constant labels', () => {
    expect(rSquared([1, 2, 3], [2, 2, 2])).toBe(0);
    expect(rSquared([1, 2, 3], [3, 2, 1])).toBe(-3);
    expect(rSquared([1e9 + 1, 1e9 + 2, 1e9 + 3, 1e9 + 4], [1e9 + 1.5, 1e9 + 2, 1e9 + 3, 1e9 + 3.5])).toBeCloseTo(0.9, 12);
    expect(rSquared([0.1, 0.1, 0.1], [0.1, 0.2, 0.3])).toBeNaN();
    expect(rSquared([1, 5], [1, 5], { weights: [1, 0] })).toBeNaN();
  });

  it('the quantile loss is least at the quantile, and half the absolute error at the median', () => {
    const labels = Array.from({ length: 101 }, (_, i) => i);
    const at = (value: number): number => quantileLoss(labels, labels.map(() => value), { quantile: 0.9 });
    expect(at(90)).toBeLessThan(at(89));
    expect(at(90)).toBeLessThan(at(91));
    expect(quantileLoss([1, 5], [3, 2])).toBe(meanAbsoluteError([1, 5], [3, 2]) / 2);
    expect(quantileLoss([1, 5], [3, 2], { quantile: 1 })).toBe(1.5);
    expect(() => quantileLoss([1], [1], { quantile: 1.1 })).toThrow(/quantile/);
  });

  it('the median is of the middle one or two', () => {
    expect(medianAbsoluteError([0, 0, 0], [1, 50, 3])).toBe(3);
    expect(medianAbsoluteError([0, 0, 0, 0], [1, 50, 3, 4])).toBe(3.5);
    expect(medianAbsoluteError([0, 0, 0], [1, 2, 3], { weights: [0.5, 0.1, 5] })).toBe(3);
  });

  it('logarithms and shares at their limits', () => {
    expect(meanSquaredLogError([-2], [1])).toBeNaN();
    expect(meanSquaredLogError([-1], [1])).toBe(Infinity);
    expect(meanAbsolutePercentageError([0], [0])).toBe(0);
    expect(meanAbsolutePercentageError([0], [1])).toBe(1 / Number.EPSILON);
    expect(meanAbsolutePercentageError([-2], [-1])).toBe(0.5);
  });
});
