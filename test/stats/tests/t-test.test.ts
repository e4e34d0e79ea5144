import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { studentTTest } from '../../../src/stats/tests/student-t-test.ts';
import { welchTTest } from '../../../src/stats/tests/welch-t-test.ts';
import { expectClose } from '../golden/golden-file.ts';

const values = fc.array(fc.integer({ min: -1000, max: 1000 }).map((value) => value / 8), { minLength: 2, maxLength: 30 });
const alternatives = ['two-sided', 'greater', 'less'] as const;
const paired: typeof welchTTest = (x, y, options) => studentTTest(x, y, { ...options, paired: true });
const tests = { welch: welchTTest, student: studentTTest, paired } as const;
const named = Object.entries(tests);

const mean = (list: readonly number[]): number => list.reduce((sum, value) => sum + value, 0) / list.length;
const variance = (list: readonly number[]): number => list.reduce((sum, value) => sum + (value - mean(list)) ** 2, 0) / (list.length - 1);

describe.each(named)('%s', (name, test) => {
  const two: fc.Arbitrary<[number[], number[]]> = fc.tuple(values, values).map(([x, y]) => (name === 'paired' ? [x.slice(0, y.length), y.slice(0, x.length)] : [x, y]));

  it('turns its sign with the sides', () => {
    fc.assert(
      fc.property(two, ([x, y]) => {
        const found = test(x, y);
        const turned = test(y, x);
        expectOrEqual(turned.statistic, 0 - found.statistic);
        expectOrEqual(turned.pValue, found.pValue);
        expectOrEqual(turned.low, 0 - found.high);
        expectOrEqual(turned.effect, 0 - found.effect);
      }),
      { seed: 51 },
    );
  });

  it('does not ask for the unit, nor where its zero is', () => {
    fc.assert(
      fc.property(two, fc.integer({ min: -900, max: 900 }), ([x, y], power) => {
        const found = test(x, y);
        const unit = 2 ** power;
        const scaled = test(x.map((value) => value * unit), y.map((value) => value * unit));
        expectOrEqual(scaled.statistic, found.statistic);
        expectOrEqual(scaled.pValue, found.pValue);
        expectOrEqual(scaled.difference / unit, found.difference);
        expectOrEqual(scaled.high / unit, found.high);
        const far = test(x.map((value) => value + 2 ** 40), y.map((value) => value + 2 ** 40));
        expectOrEqual(far.statistic, found.statistic);
        expectOrEqual(far.low, found.low);
      }),
      { seed: 52 },
    );
  });

  it('splits the p-value between its sides, and has the interval that holds what it does not reject', () => {
    fc.assert(
      fc.property(two, fc.constantFrom(0.5, 0.9, 0.99), ([x, y], confidence) => {
        const both = test(x, y, { confidence });
        if (!Number.isFinite(both.statistic) || both.statistic === 0) return;
        const greater = test(x, y, { alternative: 'greater', confidence: (1 + confidence) / 2 });
        const less = test(x, y, { alternative: 'less', confidence: (1 + confidence) / 2 });
        expectClose(greater.pValue + less.pValue, 1, { rtol: 1e-12 });
        expectClose(Math.min(greater.pValue, less.pValue) * 2, both.pValue, { rtol: 1e-12 });
        expectClose(greater.low, both.low, { rtol: 1e-9, atol: 1e-9 });
        expectClose(less.high, both.high, { rtol: 1e-9, atol: 1e-9 });
        expect([greater.high, less.low]).toEqual([Infinity, -Infinity]);
        const moved = test(x.map((value) => value - both.low), y);
        expectClose(moved.pValue, 1 - confidence, { rtol: 1e-6 });
      }),
      { seed: 53 },
    );
  });

  it('finds nothing in too few values or in equal constants, and everything in constants that differ', () => {
    for (const alternative of alternatives) {
      for (const [x, y] of [[[], []], [[1], [2]], [[], [1, 2, 3]].map((side) => (name === 'paired' ? [] : side))]) {
        expect(test(x!, y!, { alternative })).toMatchObject({ statistic: 0, pValue: 1, df: 0, low: -Infinity, high: Infinity, effect: NaN });
      }
      expect(test([0.1, 0.1, 0.1], [0.1, 0.1, 0.1], { alternative })).toMatchObject({ statistic: 0, pValue: 1, difference: 0, effect: 0 });
    }
    expect(test([0.3, 0.3, 0.3], [0.1, 0.1, 0.1])).toMatchObject({ statistic: Infinity, pValue: 0, effect: Infinity });
    expect(test([0.3, 0.3, 0.3], [0.1, 0.1, 0.1], { alternative: 'greater' }).pValue).toBe(0);
    expect(test([0.3, 0.3, 0.3], [0.1, 0.1, 0.1], { alternative: 'less' }).pValue).toBe(1);
    expect(test([0.1, 0.1], [0.3, 0.3])).toMatchObject({ statistic: -Infinity, pValue: 0 });
  });

  it('takes the largest and smallest numbers there are', () => {
    for (const size of [1e300, 1.7e308, 1e-300, 4e-308]) {
      const found = test([size, size / 2, size / 4, size], [-size, size / 2, size / 8, -size]);
      const plain = test([1, 0.5, 0.25, 1], [-1, 0.5, 0.125, -1]);
      expectClose(found.statistic, plain.statistic, { rtol: 1e-12 });
      expectClose(found.pValue, plain.pValue, { rtol: 1e-12 });
    }
  });

  it('refuses options that are none', () => {
    expect(() => test([1, 2], [3, 4], { alternative: 'larger' as never })).toThrow(/alternative is "larger"/);
    expect(() => test([1, 2], [3, 4], { confidence: 95 })).toThrow(/confidence is 95/);
  });
});

/** Close where finite, equal where not. */
function expectOrEqual(actual: number, expected: number): void {
  if (Number.isFinite(expected)) expectClose(actual, expected, { rtol: 1e-9, atol: 1e-12 });
  else expect(actual).toBe(expected);
}

describe('studentTTest', () => {
  it('of two groups is the test of one regression slope: t² = F of the analysis of variance', () => {
    fc.assert(
      fc.property(values, values, (x, y) => {
        const within = variance(x) * (x.length - 1) + variance(y) * (y.length - 1);
        if (within === 0) return;
        const all = mean([...x, ...y]);
        const between = x.length * (mean(x) - all) ** 2 + y.length * (mean(y) - all) ** 2;
        const { statistic, df } = studentTTest(x, y);
        expect(df).toBe(x.length + y.length - 2);
        expectClose(statistic ** 2, (between / within) * df, { rtol: 1e-8, atol: 1e-9 });
      }),
      { seed: 54 },
    );
  });

  it('does with a single value on one side', () => {
    const found = studentTTest([5], [1, 2, 3]);
    expect([found.df, found.n, found.m]).toEqual([2, 1, 3]);
    expectClose(found.statistic, 3 / Math.sqrt(4 / 3), { rtol: 1e-12 });
  });

  it('of pairs leaves out both where one is missing', () => {
    const found = studentTTest([1, NaN, 3, 4, 9], [2, 2, Infinity, 6, 8], { paired: true });
    expect(found).toMatchObject({ method: 'paired', n: 3, m: 3, dropped: [2, 2] });
    expectClose(found.difference, -2 / 3, { rtol: 1e-12 });
    expectClose(found.statistic, studentTTest([1, 4, 9], [2, 6, 8], { paired: true }).statistic, { rtol: 1e-12 });
    expect(() => studentTTest([1, 2], [3], { paired: true })).toThrow(/x has 2 values and y has 1/);
  });

  it('has the figures of R for the sleep of ten patients', () => {
    const first = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0];
    const second = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4];
    const found = studentTTest(first, second, { paired: true });
    expectClose(found.statistic, -4.0621277, { rtol: 1e-7 });
    expectClose(found.pValue, 0.00283289, { rtol: 1e-6 });
    expectClose(found.low, -2.4598858, { rtol: 1e-7 });
    expectClose(found.high, -0.7001142, { rtol: 1e-7 });
    const welch = welchTTest(first, second);
    expectClose(welch.df, 17.776474, { rtol: 1e-7 });
    expectClose(welch.pValue, 0.07939414, { rtol: 1e-6 });
    expectClose(welch.low, -3.3654832, { rtol: 1e-7 });
  });
});

describe('welchTTest', () => {
  it('leaves out what is no finite number, and counts it', () => {
    const found = welchTTest([1, NaN, 2, Infinity, 4, null as never], [2, -Infinity, 5, 7]);
    expect(found).toMatchObject({ n: 3, m: 3, dropped: [3, 1] });
    expect(found.pValue).toBe(welchTTest([1, 2, 4], [2, 5, 7]).pValue);
  });

  it('is Student’s test when sizes and variances are equal', () => {
    const [x, y] = [[1, 2, 3, 4, 5], [2, 3, 4, 5, 6]];
    expectClose(welchTTest(x, y).pValue, studentTTest(x, y).pValue, { rtol: 1e-12 });
  });

  it('keeps its precision in the tail', () => {
    const x = Array.from({ length: 4000 }, (_, i) => i % 7);
    const y = x.map((value) => value + 1);
    const { pValue } = welchTTest(x, y);
    expect(pValue).toBeGreaterThan(1e-120);
    expect(pValue).toBeLessThan(1e-90);
  });
});
