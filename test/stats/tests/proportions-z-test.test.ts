import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chiSquareTest } from '../../../src/stats/tests/chi-square-test.ts';
import { proportionsZTest, type Proportion } from '../../../src/stats/tests/proportions-z-test.ts';
import { expectClose } from '../golden/golden-file.ts';

const proportion = fc.integer({ min: 1, max: 500 }).chain((trials) => fc.nat(trials).map((successes): Proportion => ({ successes, trials })));
const alternatives = ['two-sided', 'greater', 'less'] as const;

describe('proportionsZTest', () => {
  it('has the chi-squared of the table as its square', () => {
    fc.assert(
      fc.property(proportion, proportion, (first, second) => {
        const { statistic, pValue } = proportionsZTest(first, second);
        const table = chiSquareTest([first, second].map(({ successes, trials }) => [successes, trials - successes]));
        expectClose(statistic ** 2, table.statistic, { rtol: 1e-9, atol: 1e-12 });
        expectClose(pValue, table.pValue, { rtol: 1e-9 });
      }),
      { seed: 41 },
    );
  });

  it('turns its sign with the sides, and its interval around', () => {
    fc.assert(
      fc.property(proportion, proportion, (first, second) => {
        const found = proportionsZTest(first, second);
        const turned = proportionsZTest(second, first);
        expect([turned.statistic, turned.pValue]).toEqual([0 - found.statistic, found.pValue]);
        expectClose(turned.low, -found.high, { rtol: 1e-12, atol: 1e-14 });
        expect(found.low).toBeLessThanOrEqual(found.difference);
        expect(found.high).toBeGreaterThanOrEqual(found.difference);
        expect(found.low).toBeGreaterThanOrEqual(-1);
        expect(found.high).toBeLessThanOrEqual(1);
      }),
      { seed: 42 },
    );
  });

  it('takes one side', () => {
    const [first, second] = [{ successes: 420, trials: 1100 }, { successes: 300, trials: 1000 }];
    const both = proportionsZTest(first, second);
    const greater = proportionsZTest(first, second, { alternative: 'greater', confidence: 0.975 });
    const less = proportionsZTest(first, second, { alternative: 'less', confidence: 0.975 });
    expectClose(greater.pValue, both.pValue / 2, { rtol: 1e-12 });
    expectClose(less.pValue, 1 - both.pValue / 2, { rtol: 1e-12 });
    expectClose(greater.low, both.low, { rtol: 1e-12 });
    expectClose(less.high, both.high, { rtol: 1e-12 });
    expect([greater.high, less.low]).toEqual([1, -1]);
  });

  it('has the interval that Newcombe printed', () => {
    // Newcombe 1998, table II, method 10: 56/70 - 48/80 and 10/10 - 0/10.
    const middle = proportionsZTest({ successes: 56, trials: 70 }, { successes: 48, trials: 80 });
    expectClose(middle.low, 0.0524, { rtol: 0, atol: 5e-5 });
    expectClose(middle.high, 0.3339, { rtol: 0, atol: 5e-5 });
    const extreme = proportionsZTest({ successes: 10, trials: 10 }, { successes: 0, trials: 10 });
    expectClose(extreme.low, 0.6075, { rtol: 0, atol: 5e-5 });
    expect(extreme.high).toBe(1);
  });

  it('finds nothing where nothing varies or there are no trials', () => {
    for (const alternative of alternatives) {
      expect(proportionsZTest({ successes: 0, trials: 5 }, { successes: 0, trials: 9 }, { alternative })).toMatchObject({ statistic: 0, pValue: 1, difference: 0 });
      expect(proportionsZTest({ successes: 5, trials: 5 }, { successes: 9, trials: 9 }, { alternative })).toMatchObject({ statistic: 0, pValue: 1, difference: 0 });
      expect(proportionsZTest({ successes: 0, trials: 0 }, { successes: 3, trials: 9 }, { alternative })).toMatchObject({ statistic: 0, pValue: 1, difference: NaN, low: -1, high: 1 });
    }
  });

  it('refuses what are no proportions', () => {
    const half = { successes: 1, trials: 2 };
    expect(() => proportionsZTest({ successes: 0.3, trials: 2 }, half)).toThrow(/first.successes is 0.3/);
    expect(() => proportionsZTest(half, { successes: 3, trials: 2 })).toThrow(/second.successes is 3/);
    expect(() => proportionsZTest(half, half, { confidence: 95 })).toThrow(/confidence is 95/);
    expect(() => proportionsZTest(half, half, { alternative: 'x' as never })).toThrow(/alternative/);
  });
});
