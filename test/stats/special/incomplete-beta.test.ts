import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ValidationError } from '../../../src/core/errors.ts';
import { betaInc, lowerBeta } from '../../../src/stats/special/incomplete-beta.ts';
import { betaTerm, binomialPmf } from '../../../src/stats/special/saddle-point.ts';
import { expectClose } from '../golden/golden-file.ts';

const settings = { seed: 20261128, numRuns: 400 };
const shape = fc.double({ min: -2, max: 6, noNaN: true }).map((power) => 10 ** power);
// Parts of 2^20, so that 1 - x is exact.
const part = fc.integer({ min: 1, max: 2 ** 20 - 1 }).map((n) => n / 2 ** 20);

describe('betaInc', () => {
  it('is 1 less its mirror', () => {
    fc.assert(
      fc.property(shape, shape, part, (a, b, x) => {
        const [lower, upper] = [betaInc(a, b, x), betaInc(b, a, 1 - x)];
        expectClose(lower + upper, 1, { rtol: 1e-12 });
        for (const value of [lower, upper]) {
          expect(value).toBeGreaterThanOrEqual(0);
          expect(value).toBeLessThanOrEqual(1);
        }
      }),
      settings,
    );
  });

  it('is a half in the middle where both shapes are one', () => {
    fc.assert(
      fc.property(shape, (a) => expectClose(betaInc(a, a, 0.5), 0.5, { rtol: 1e-12 })),
      settings,
    );
  });

  it('steps down with a and up with b by x^a y^b / (a B(a, b))', () => {
    fc.assert(
      fc.property(fc.double({ min: 0.3, max: 500, noNaN: true }), fc.double({ min: 0.3, max: 500, noNaN: true }), part, (a, b, x) => {
        const term = betaTerm(a, b, x, 1 - x);
        expectClose(betaInc(a, b, x), betaInc(a + 1, b, x) + term / a, { rtol: 1e-11, atol: 1e-300 });
        expectClose(betaInc(a, b + 1, x), betaInc(a, b, x) + term / b, { rtol: 1e-11, atol: 1e-300 });
      }),
      settings,
    );
  });

  it('is a power where one shape is 1, and an arc sine where both are a half', () => {
    fc.assert(
      fc.property(fc.double({ min: 0.01, max: 50, noNaN: true }), part, (a, x) => {
        expectClose(betaInc(a, 1, x), x ** a, { rtol: 1e-12 });
        expectClose(betaInc(1, a, x), -Math.expm1(a * Math.log1p(-x)), { rtol: 1e-12 });
        expectClose(betaInc(0.5, 0.5, x), (2 / Math.PI) * Math.asin(Math.sqrt(x)), { rtol: 1e-12 });
      }),
      settings,
    );
  });

  it('is a sum of binomial probabilities for whole shapes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 60 }), part, (a, b, x) => {
        const n = a + b - 1;
        let sum = 0;
        for (let k = n; k >= a; k--) sum += binomialPmf(k, n, x, 1 - x);
        expectClose(betaInc(a, b, x), Math.min(1, sum), { rtol: 1e-12, atol: 1e-300 });
      }),
      settings,
    );
  });

  it('rises with x and b, and falls with a', () => {
    fc.assert(
      fc.property(shape, shape, part, part, (a, b, x, other) => {
        const slack = 1 + 1e-11;
        const [low, high] = [Math.min(x, other), Math.max(x, other)];
        expect(betaInc(a, b, low)).toBeLessThanOrEqual(betaInc(a, b, high) * slack);
        expect(betaInc(a * 1.01, b, x)).toBeLessThanOrEqual(betaInc(a, b, x) * slack);
        expect(betaInc(a, b, x)).toBeLessThanOrEqual(betaInc(a, b * 1.01, x) * slack);
      }),
      settings,
    );
  });

  it('keeps the digits of both sides where they are given', () => {
    expectClose(lowerBeta(1, 1e-3, 1, 1e-200), 1 - 10 ** -0.2, { rtol: 1e-12 });
    expectClose(lowerBeta(0.5, 3, 1e-300, 1), 1.875e-150, { rtol: 1e-12 });
    expectClose(lowerBeta(3, 0.5, 1e-90, 1), 0.3125e-270, { rtol: 1e-12 });
  });

  it('ends at 0 and 1, and has no value for NaN', () => {
    for (const [a, b] of [[1e-3, 1e-3], [1, 1], [1e6, 3], [3, 1e300]] as const) {
      expect([0, -0, -1, -Infinity, 1, 2, Infinity, NaN].map((x) => betaInc(a, b, x))).toEqual([0, 0, 0, 0, 1, 1, 1, NaN]);
    }
    expect([betaInc(1e6, 1e6, 0.25), betaInc(1e6, 1e6, 0.75)]).toEqual([0, 1]);
    for (const wrong of [0, -1, NaN, Infinity]) {
      expect(() => betaInc(wrong, 1, 0.5)).toThrow(ValidationError);
      expect(() => betaInc(1, wrong, 0.5)).toThrow(ValidationError);
    }
  });
});
