import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { erf, erfc, expOfMinusSquare, scaledErfc } from '../../../src/stats/special/erf.ts';
import { expectClose } from '../golden/golden-file.ts';

const settings = { seed: 20261128, numRuns: 500 };
const anywhere = fc.double({ min: -30, max: 30, noNaN: true });

describe('erf and erfc', () => {
  it('are odd, and mirrored about 1', () => {
    fc.assert(
      fc.property(anywhere, (x) => {
        expect(erf(-x)).toBe(-erf(x));
        expectClose(erfc(-x), 2 - erfc(x), { rtol: 0, atol: 5e-16 });
        expectClose(erf(x) + erfc(x), 1, { rtol: 4e-16 });
      }),
      settings,
    );
  });

  it('rise and fall, across the seams of the approximations too', () => {
    fc.assert(
      fc.property(fc.oneof(anywhere, fc.constantFrom(0.46875, 4, -0.46875, -4, 16)), fc.double({ min: 1e-9, max: 1e-3, noNaN: true }), (x, step) => {
        expect(erf(x + step)).toBeGreaterThanOrEqual(erf(x) * (1 - Math.sign(x) * 4e-16));
        expect(erfc(x + step)).toBeLessThanOrEqual(erfc(x) * (1 + 4e-16));
      }),
      settings,
    );
  });

  it('have the slope 2/√π e^(-x²)', () => {
    fc.assert(
      fc.property(fc.double({ min: -4, max: 4, noNaN: true }), (x) => {
        const h = 2 ** -12;
        const [left, right] = [x - h, x + h];
        // The third derivative is at most 2.3 times 2/√π.
        const slope = (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x);
        expectClose((erf(right) - erf(left)) / (right - left), slope, { rtol: 0, atol: 1e-7 });
        expectClose((erfc(left) - erfc(right)) / (right - left), slope, { rtol: 0, atol: 1e-7 });
      }),
      settings,
    );
  });

  it('lie between the bounds of Mills far out', () => {
    fc.assert(
      fc.property(fc.double({ min: 1, max: 26, noNaN: true }), (x) => {
        const scaled = scaledErfc(x) * Math.sqrt(Math.PI);
        expect(scaled).toBeGreaterThan(2 / (x + Math.sqrt(x * x + 2)));
        expect(scaled).toBeLessThanOrEqual(2 / (x + Math.sqrt(x * x + 4 / Math.PI)));
        expectClose(erfc(x), scaledErfc(x) * expOfMinusSquare(x, 1), { rtol: 1e-15 });
      }),
      settings,
    );
  });

  it('end where numbers end', () => {
    expect([erf(0), erf(-0), erfc(0), erf(Infinity), erf(-Infinity), erfc(Infinity), erfc(-Infinity)]).toEqual([0, -0, 1, 1, -1, 0, 2]);
    expect([erf(1e308), erf(-1e308), erfc(1e308), erfc(-1e308), erfc(30)]).toEqual([1, -1, 0, 2, 0]);
    expect([erf(NaN), erfc(NaN)]).toEqual([NaN, NaN]);
    expectClose(erf(5e-324), 5e-324, { rtol: 0 });
    expect(erfc(26.5)).toBeGreaterThan(0);
  });
});
