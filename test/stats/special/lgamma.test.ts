import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lgamma, lgamma1p } from '../../../src/stats/special/lgamma.ts';
import { expectClose } from '../golden/golden-file.ts';

const settings = { seed: 20261128, numRuns: 500 };
const positive = fc.oneof(fc.double({ min: 1e-3, max: 20, noNaN: true }), fc.double({ min: -300, max: 300, noNaN: true }).map((power) => 10 ** power));

describe('lgamma', () => {
  it('is the logarithm of the factorials', () => {
    let factorial = 1;
    for (let n = 1; n <= 170; n++) {
      expectClose(lgamma(n), Math.log(factorial), { rtol: 2e-15 });
      factorial *= n;
    }
    expect([lgamma(1), lgamma(2)]).toEqual([0, 0]);
    expectClose(lgamma(0.5), Math.log(Math.PI) / 2, { rtol: 1e-15 });
    expectClose(lgamma(-0.5), Math.log(2 * Math.sqrt(Math.PI)), { rtol: 1e-15 });
  });

  it('grows by ln x from x to x + 1', () => {
    fc.assert(
      fc.property(positive, (x) => {
        if (x > 1e15) return;
        const scale = Math.abs(lgamma(x)) + Math.abs(Math.log(x));
        // The 1 is rounded into x, which the digamma function, about ln x, makes ln x times as much.
        expectClose(lgamma(x + 1), lgamma(x) + Math.log(x), { rtol: 0, atol: 4e-16 * (scale + x * Math.abs(Math.log(x + 1))) });
      }),
      settings,
    );
  });

  it('is reflected at a half', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 30 }), fc.integer({ min: 1, max: 2 ** 20 - 1 }), (whole, part) => {
        const x = whole + part / 2 ** 20;
        const sine = Math.sin(Math.PI * Math.min(part / 2 ** 20, 1 - part / 2 ** 20));
        expectClose(lgamma(x) + lgamma(1 - x), Math.log(Math.PI / sine), { rtol: 1e-14, atol: 1e-14 * (1 + Math.abs(lgamma(x))) });
      }),
      settings,
    );
  });

  it('obeys the duplication of Legendre', () => {
    fc.assert(
      fc.property(fc.double({ min: 0.01, max: 1e6, noNaN: true }), (x) => {
        const right = (1 - 2 * x) * Math.LN2 + Math.log(Math.PI) / 2 + lgamma(2 * x);
        expectClose(lgamma(x) + lgamma(x + 0.5), right, { rtol: 0, atol: 1e-15 * (4 + Math.abs(lgamma(2 * x)) + 4 * x * Math.log(x + 2)) });
      }),
      settings,
    );
  });

  it('is convex where x is positive', () => {
    fc.assert(
      fc.property(fc.double({ min: 0.01, max: 100, noNaN: true }), fc.double({ min: 0.01, max: 100, noNaN: true }), (x, y) => {
        expect(lgamma((x + y) / 2)).toBeLessThanOrEqual((lgamma(x) + lgamma(y)) / 2 + 1e-13 * (1 + Math.abs(lgamma(x)) + Math.abs(lgamma(y))));
      }),
      settings,
    );
  });

  it('keeps its digits beside its zeros and where x is small', () => {
    const euler = 0.5772156649015329;
    for (const small of [1e-300, 1e-20, 1e-10, 2 ** -40]) {
      expectClose(lgamma1p(small), -euler * small, { rtol: 2 * small + 1e-15 });
      expectClose(lgamma(small), -Math.log(small), { rtol: 1e-15, atol: euler * small });
      expectClose(lgamma(-small), -Math.log(small), { rtol: 1e-15, atol: euler * small });
    }
    expectClose(lgamma(2 + 2 ** -40), (1 - euler) * 2 ** -40, { rtol: 1e-11 });
    expectClose(lgamma(1 - 2 ** -40), euler * 2 ** -40, { rtol: 1e-11 });
  });

  it('has poles at 0 and the negative whole numbers, and ends where numbers end', () => {
    for (const x of [0, -0, -1, -2, -170, -1e300, Infinity, -Infinity]) expect(lgamma(x)).toBe(Infinity);
    expect(lgamma(NaN)).toBeNaN();
    expectClose(lgamma(1e305), 1e305 * (Math.log(1e305) - 1), { rtol: 1e-15 });
    expect(lgamma(1e308)).toBe(Infinity);
    expectClose(lgamma(5e-324), -Math.log(5e-324), { rtol: 1e-15 });
  });
});
