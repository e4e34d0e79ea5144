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
