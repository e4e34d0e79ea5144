import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lgamma } from '../../../src/stats/special/lgamma.ts';
import { betaTerm, binomialPmf, deviance, gammaTerm, stirlingError } from '../../../src/stats/special/saddle-point.ts';
import { expectClose } from '../golden/golden-file.ts';

const settings = { seed: 20261128, numRuns: 400 };
const size = fc.double({ min: -2, max: 6, noNaN: true }).map((power) => 10 ** power);

describe('deviance', () => {
  it('is x ln(x / mean) + mean - x, never negative, and keeps its digits beside the mean', () => {
    fc.assert(
      fc.property(size, fc.double({ min: -0.99, max: 5, noNaN: true }), (mean, off) => {
        const x = mean * (1 + off);
        expect(deviance(x, mean)).toBeGreaterThanOrEqual(0);
        expectClose(deviance(x, mean), x * Math.log(x / mean) + mean - x, { rtol: 0, atol: 1e-14 * (x + mean) });
      }),
      settings,
    );
    // d²/2m - d³/6m² + d⁴/12m³ beside the mean, for differences that are exact.
    for (const d of [2 ** -20, -(2 ** -20), 2 ** -30]) expectClose(deviance(1 + d, 1), (d * d) / 2 - d ** 3 / 6 + d ** 4 / 12, { rtol: 1e-15 });
    expect([deviance(0, 7), deviance(7, 7)]).toEqual([7, 0]);
  });
});

describe('stirlingError', () => {
  it('falls as 1 / 12a, from the table for halves into the series', () => {
    fc.assert(
      fc.property(fc.double({ min: 0.05, max: 1e6, noNaN: true }), (a) => {
        expect(stirlingError(a)).toBeLessThan(1 / (12 * a));
        expect(stirlingError(a)).toBeGreaterThan(1 / (12 * a + 1));
        expectClose(stirlingError(a), lgamma(a + 1) - (a + 0.5) * Math.log(a) + a - Math.log(2 * Math.PI) / 2, { rtol: 0, atol: 1e-15 * (10 + a * Math.log(a + 3)) });
      }),
      settings,
    );
    for (let half = 1; half <= 40; half++) expectClose(stirlingError(half / 2), stirlingError((half / 2) * (1 + 2 ** -40)), { rtol: 1e-11 });
  });
});

describe('the terms', () => {
  it('of the binomial law sum to one, and are mirrored', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: 1023 }), (n, parts) => {
        const p = parts / 1024;
        let sum = 0;
        for (let k = 0; k <= n; k++) {
          const term = binomialPmf(k, n, p, 1 - p);
          sum += term;
          expectClose(binomialPmf(n - k, n, 1 - p, p), term, { rtol: 1e-12, atol: 1e-300 });
        }
        expectClose(sum, 1, { rtol: 1e-13 });
      }),
      { ...settings, numRuns: 100 },
    );
    expect([binomialPmf(0, 5, 0, 1), binomialPmf(1, 5, 0, 1), binomialPmf(5, 5, 1, 0), binomialPmf(4, 5, 1, 0)]).toEqual([1, 0, 1, 0]);
  });

  it('of gamma and beta have the ratios that recurrences give', () => {
    fc.assert(
      fc.property(size, size, fc.integer({ min: 1, max: 1023 }), fc.double({ min: 0.9, max: 1.1, noNaN: true }), (a, b, parts, ratio) => {
        const [x, y] = [parts / 1024, 1 - parts / 1024];
        const room = 1e-13 + 4e-16 * Math.sqrt(a + b) * 30;
        expectClose(gammaTerm(a + 1, a * ratio), (gammaTerm(a, a * ratio) * (a * ratio)) / (a + 1), { rtol: 1e-12 + 1e-15 * a, atol: 1e-300 });
        const near = betaTerm(a, b, x, y);
        if (near > 1e-12) expectClose(betaTerm(a + 1, b, x, y), (near * x * (a + b)) / a, { rtol: room });
      }),
      settings,
    );
    expect([gammaTerm(3, 0), betaTerm(2, 3, 0, 1), betaTerm(2, 3, 1, 0)]).toEqual([0, 0, 0]);
  });
});
