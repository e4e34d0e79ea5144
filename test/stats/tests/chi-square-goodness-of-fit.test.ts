import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { binomialTest } from '../../../src/stats/tests/binomial-test.ts';
import { chiSquareGoodnessOfFit } from '../../../src/stats/tests/chi-square-goodness-of-fit.ts';
import { gGoodnessOfFit } from '../../../src/stats/tests/g-test.ts';
import { expectClose } from '../golden/golden-file.ts';

const counts = fc.array(fc.nat(40), { maxLength: 8 });

describe.each(Object.entries({ chiSquareGoodnessOfFit, gGoodnessOfFit }))('%s', (_, test) => {
  it('asks for proportions only, and takes none for equal ones', () => {
    fc.assert(
      fc.property(counts, fc.integer({ min: 1, max: 1000 }), (observed, unit) => {
        const equal = test(observed);
        const found = test(observed, observed.map(() => unit / 16));
        expectClose(found.statistic, equal.statistic, { rtol: 1e-12, atol: 1e-12 });
        expect(found.df).toBe(equal.df);
        expect(found.pValue).toBeGreaterThanOrEqual(0);
        expect(found.pValue).toBeLessThanOrEqual(1);
      }),
      { seed: 71 },
    );
  });

  it('never gives NaN, and 0 for what fits', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(3), fc.nat(3)), { maxLength: 6 }), fc.nat(3), (pairs, ddof) => {
        const { statistic, pValue } = test(pairs.map(([o]) => o), pairs.map(([, e]) => e), { ddof });
        expect(statistic).toBeGreaterThanOrEqual(0);
        expect(pValue >= 0 && pValue <= 1).toBe(true);
        expect(test(pairs.map(([o]) => o), pairs.map(([o]) => o)).statistic).toBe(0);
      }),
      { seed: 72 },
    );
  });

  it('is infinitely sure of what was not expected at all, and leaves out what is on neither side', () => {
    expect(test([5, 5, 1], [1, 1, 0])).toMatchObject({ statistic: Infinity, pValue: 0, df: 2, smallestExpected: 0 });
    expect(test([5, 7, 0], [1, 1, 0])).toEqual(test([5, 7], [1, 1]));
    expect(test([5, 7, 0], [1, 1, 1]).df).toBe(2);
  });

  it('finds nothing where there is nothing to compare', () => {
    for (const [observed, expected] of [[[], []], [[0, 0], [1, 1]], [[3, 4], [0, 0]], [[3], [1]]] as const) {
      expect(test(observed, expected)).toMatchObject({ statistic: 0, pValue: 1, df: 0 });
    }
    expect(test([3, 9, 4], [1, 1, 1], { ddof: 2 })).toMatchObject({ statistic: 0, pValue: 1, df: 0 });
    expect(test([3, 9, 4], [1, 1, 1], { ddof: 1 }).df).toBe(1);
  });

  it('refuses counts that do not suit each other', () => {
    expect(() => test([1, 2], [1, 2, 3])).toThrow(/observed has 2 values and expected has 3/);
    expect(() => test([1, -2], [1, 2])).toThrow(/observed\[1\] is -2/);
    expect(() => test([1, 2], [1, NaN])).toThrow(/expected\[1\] is NaN/);
    expect(() => test([1, 2], [1, 1], { rescale: false })).toThrow(/sum to 2 and the observed ones to 3/);
    expect(() => test([1, 2], [1, 1], { ddof: -1 })).toThrow(/ddof is -1/);
    expect(test([1, 2], [1.5, 1.5], { rescale: false })).toEqual(test([1, 2]));
  });
});

it('both come to the exact test of two categories when there is much to count', () => {
  const exact = binomialTest(50_500, 100_000).pValue;
  expectClose(chiSquareGoodnessOfFit([50_500, 49_500]).pValue, exact, { rtol: 0.02 });
  expectClose(gGoodnessOfFit([50_500, 49_500]).pValue, exact, { rtol: 0.02 });
});
