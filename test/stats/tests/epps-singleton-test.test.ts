import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SortedSample } from '../../../src/stats/samples/sorted-sample.ts';
import { SeededGenerator } from '../../../src/stats/seeded-generator.ts';
import { eppsSingletonTest } from '../../../src/stats/tests/epps-singleton-test.ts';
import { expectClose } from '../golden/golden-file.ts';

const doubles = fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 5, maxLength: 40 });

function drawer(seed: number): (n: number, shift?: number) => number[] {
  const generator = new SeededGenerator(seed);
  return (n, shift = 0) => Array.from({ length: n }, () => generator.uniform() + generator.uniform() + shift);
}

describe('eppsSingletonTest', () => {
  it('does not ask where 0 is, what the unit is, nor which sample came first', () => {
    const draw = drawer(1);
    for (let round = 0; round < 30; round++) {
      const x = draw(12 + round);
      const y = draw(30, round / 50);
      const found = eppsSingletonTest(x, y);
      const moved = (values: number[]): number[] => values.map((value) => 1e4 - 37 * value);
      expectClose(eppsSingletonTest(moved(x), moved(y)).statistic, found.statistic, { rtol: 1e-7 });
      expectClose(eppsSingletonTest(y, x).statistic, found.statistic, { rtol: 1e-9 });
      expect(found.df).toBe(4);
    }
  });

  it('rejects as often as it says where both come from one distribution of few values, and nearly always where not', () => {
    const generator = new SeededGenerator(8);
    const counts = (n: number, most: number): number[] => Array.from({ length: n }, () => generator.below(most));
    let rejected = 0;
    let found = 0;
    for (let round = 0; round < 1000; round++) {
      if (eppsSingletonTest(counts(80, 7), counts(90, 7)).pValue < 0.05) rejected++;
      if (eppsSingletonTest(counts(80, 7), counts(90, 12)).pValue < 0.05) found++;
    }
    expect(rejected).toBeGreaterThan(25);
    expect(rejected).toBeLessThan(75);
    expect(found).toBeGreaterThan(950);
  });

  it('corrects for small samples only', () => {
    const draw = drawer(2);
    expect(eppsSingletonTest(draw(24), draw(24)).method).toBe('corrected');
    expect(eppsSingletonTest(draw(24), draw(25)).method).toBe('asymptotic');
  });

  it('compares at as many points as it is told', () => {
    const draw = drawer(3);
    const [x, y] = [draw(50), draw(60, 0.3)];
    expect(eppsSingletonTest(x, y, { t: [0.5] }).df).toBe(2);
    expect(eppsSingletonTest(x, y, { t: [0.3, 0.7, 1.2] }).df).toBe(6);
    const [one, other] = [eppsSingletonTest(x, y), eppsSingletonTest(x, y, { t: [0.8, 0.4] })];
    expectClose(other.statistic, one.statistic, { rtol: 1e-9 });
  });

  it('counts only the directions in which two-valued samples vary', () => {
    const { df, statistic, pValue } = eppsSingletonTest([0, 0, 0, 1, 1, 1, 1, 0], [0, 1, 0, 1, 0, 1, 0, 1, 1]);
    expect(df).toBe(1);
    expect(statistic).toBeLessThan(1);
    expect(pValue).toBeGreaterThan(0.3);
  });

  it('gives a p-value for whatever the data are', () => {
    fc.assert(
      fc.property(doubles, doubles, (x, y) => {
        const { statistic, pValue } = eppsSingletonTest(x, y);
        expect(statistic).toBeGreaterThanOrEqual(0);
        expect(pValue).toBeGreaterThanOrEqual(0);
        expect(pValue).toBeLessThanOrEqual(1);
      }),
    );
    const extreme = fc.array(fc.constantFrom(-1.7e308, 1.7e308, 5e-324, -5e-324, 0, 1, 1e-310, 1e200), { minLength: 5, maxLength: 12 });
    fc.assert(
      fc.property(extreme, extreme, (x, y) => {
        const { statistic, pValue } = eppsSingletonTest(x, y);
        expect(statistic).toBeGreaterThanOrEqual(0);
        expect(pValue).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('says that there is nothing to compare where too few values vary', () => {
    const nothing = { statistic: 0, pValue: 1, method: 'none', df: 0 };
    expect(eppsSingletonTest([], [1, 2, 3, 4, 5])).toMatchObject(nothing);
    expect(eppsSingletonTest([1, 2, 3, 4], [1, 2, 3, 4, 5])).toMatchObject(nothing);
    expect(eppsSingletonTest([3, 3, 3, 3, 3], [3, 3, 3, 3, 3])).toMatchObject(nothing);
    expect(eppsSingletonTest([3, 3, 3, 3, 3, 3], [3, 3, 3, 3, 3, 8])).toMatchObject(nothing);
    expect(eppsSingletonTest([1, 1, 1, 1, 1], [2, 2, 2, 2, 2])).toMatchObject(nothing);
  });

  it('leaves out what is not finite, from prepared samples too', () => {
    const x = [1, 2, 3, 4, 5, 7, NaN, Infinity, null as never];
    const y = [3, 4, 5, 6, 8, 9, -Infinity];
    const found = eppsSingletonTest(x, y);
    expect(found).toMatchObject({ n: 6, m: 6, dropped: [3, 1] });
    const prepared = eppsSingletonTest(SortedSample.of(x), SortedSample.of(y));
    expect(prepared.dropped).toEqual([3, 1]);
    expectClose(prepared.statistic, found.statistic, { rtol: 1e-9 });
  });

  it('refuses points that are none', () => {
    expect(() => eppsSingletonTest([1], [2], { t: [] })).toThrow(/t has length 0/);
    expect(() => eppsSingletonTest([1], [2], { t: [0.4, 0] })).toThrow(/t\[1\] is 0/);
    for (const t of [null, 0.4, 'ab', { length: 2 }]) expect(() => eppsSingletonTest([1], [2], { t: t as never })).toThrow(/t is .* a list of one to eight/);
  });
});
