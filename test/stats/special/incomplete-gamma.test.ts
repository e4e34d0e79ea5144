import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ValidationError } from '../../../src/core/errors.ts';
import { erfc } from '../../../src/stats/special/erf.ts';
import { gammaP, gammaQ } from '../../../src/stats/special/incomplete-gamma.ts';
import { gammaTerm } from '../../../src/stats/special/saddle-point.ts';
import { expectClose } from '../golden/golden-file.ts';

const settings = { seed: 20261128, numRuns: 400 };
const shape = fc.double({ min: -3, max: 7, noNaN: true }).map((power) => 10 ** power);
const place = fc.tuple(shape, fc.double({ min: -8, max: 8, noNaN: true })).map(([a, z]): [number, number] => [a, a < 1 ? 10 ** z : Math.max(a + z * Math.sqrt(a), a / 100)]);

describe('gammaP and gammaQ', () => {
  it('add up to one', () => {
    fc.assert(
      fc.property(place, ([a, x]) => {
        const [p, q] = [gammaP(a, x), gammaQ(a, x)];
        expectClose(p + q, 1, { rtol: 1e-12 });
        for (const value of [p, q]) {
          expect(value).toBeGreaterThanOrEqual(0);
          expect(value).toBeLessThanOrEqual(1);
        }
      }),
      settings,
    );
  });

  it('differ from those of a + 1 by x^a e^-x / Γ(a + 1)', () => {
    fc.assert(
      fc.property(fc.double({ min: 0.5, max: 1000, noNaN: true }), fc.double({ min: 0.1, max: 3, noNaN: true }), (a, ratio) => {
        const x = a * ratio;
        const term = gammaTerm(a, x);
        expectClose(gammaP(a, x), gammaP(a + 1, x) + term, { rtol: 1e-11 });
        expectClose(gammaQ(a + 1, x), gammaQ(a, x) + term, { rtol: 1e-11 });
      }),
      settings,
    );
  });

  it('are exponential for a = 1, and error functions for a half', () => {
    fc.assert(
      fc.property(fc.double({ min: -12, max: 2.8, noNaN: true }), (power) => {
        const x = 10 ** power;
        expectClose(gammaQ(1, x), Math.exp(-x), { rtol: 1e-13 });
        expectClose(gammaP(1, x), -Math.expm1(-x), { rtol: 1e-13 });
        // The rounding of the root is multiplied by x in the tail.
        expectClose(gammaQ(0.5, x), erfc(Math.sqrt(x)), { rtol: 1e-13 + 5e-16 * x });
      }),
      settings,
    );
  });

  it('are a sum of Poisson probabilities for whole a', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), fc.double({ min: 0.01, max: 80, noNaN: true }), (a, x) => {
        let term = Math.exp(-x);
        let sum = term;
        for (let k = 1; k < a; k++) sum += term *= x / k;
        expectClose(gammaQ(a, x), sum, { rtol: 1e-12 });
      }),
      settings,
    );
  });

  it('rise and fall with x, and the other way with a', () => {
    fc.assert(
      fc.property(place, fc.double({ min: 1e-6, max: 2, noNaN: true }), ([a, x], step) => {
        const slack = 1 + 1e-11;
        expect(gammaP(a, x)).toBeLessThanOrEqual(gammaP(a, x * (1 + step)) * slack);
        expect(gammaQ(a, x * (1 + step))).toBeLessThanOrEqual(gammaQ(a, x) * slack);
        expect(gammaP(a * (1 + step), x)).toBeLessThanOrEqual(gammaP(a, x) * slack);
        expect(gammaQ(a, x)).toBeLessThanOrEqual(gammaQ(a * (1 + step), x) * slack);
      }),
      settings,
    );
  });

  it('have no seam where series and fraction meet', () => {
    for (const a of [0.2, 0.999, 1, 1.001, 5, 1e3, 1e6]) {
      for (const x of a < 1 ? [a + 1, 1.5] : [a + 1]) {
        const [below, above] = [x * (1 - 1e-13), x * (1 + 1e-13)];
        const room = 2e-12 * (1 + Math.sqrt(a));
        expectClose(gammaP(a, below), gammaP(a, above), { rtol: room });
        expectClose(gammaQ(a, below), gammaQ(a, above), { rtol: room });
      }
    }
  });

  it('end at 0 and Infinity, and have no value for NaN', () => {
    for (const a of [1e-300, 1e-3, 1, 1e6, 1e300]) {
      expect([gammaP(a, 0), gammaQ(a, 0), gammaP(a, -5), gammaQ(a, -5), gammaP(a, -Infinity), gammaQ(a, -Infinity)]).toEqual([0, 1, 0, 1, 0, 1]);
      expect([gammaP(a, Infinity), gammaQ(a, Infinity), gammaP(a, NaN), gammaQ(a, NaN)]).toEqual([1, 0, NaN, NaN]);
    }
    expect([gammaP(3, 1e300), gammaQ(3, 1e300), gammaP(1e6, 1e-300), gammaQ(1e6, 1e-300)]).toEqual([1, 0, 0, 1]);
    for (const wrong of [0, -1, NaN, Infinity]) {
      expect(() => gammaP(wrong, 1)).toThrow(ValidationError);
      expect(() => gammaQ(wrong, 1)).toThrow(ValidationError);
    }
  });
});
