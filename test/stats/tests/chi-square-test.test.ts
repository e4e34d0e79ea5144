import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chiSquared } from '../../../src/stats/distributions/chi-squared.ts';
import { chiSquareTest } from '../../../src/stats/tests/chi-square-test.ts';
import { expectClose } from '../golden/golden-file.ts';

/** Every way to choose which of the pooled values are the first sample. */
function splits(pooled: readonly number[], size: number): [number[], number[]][] {
  const found: [number[], number[]][] = [];
  for (let mask = 0; mask < 2 ** pooled.length; mask++) {
    const first = pooled.filter((_, i) => (mask >> i) & 1);
    if (first.length === size) found.push([first, pooled.filter((_, i) => !((mask >> i) & 1))]);
  }
  return found;
}

describe('chiSquareTest', () => {
  it('knows the mean and variance of its statistic given both margins', () => {
    // Every split of ten rows over two samples and four categories, weighed as chance would.
    const labels = [0, 0, 0, 0, 1, 1, 1, 2, 2, 3];
    const indices = labels.map((_, i) => i);
    const statistics = splits(indices, 4).map(([first, second]) => {
      const table = [first, second].map((rows) => [0, 1, 2, 3].map((label) => rows.filter((i) => labels[i] === label).length));
      return chiSquareTest(table, { law: 'moments' });
    });
    const mean = statistics.reduce((sum, { statistic }) => sum + statistic, 0) / statistics.length;
    const variance = statistics.reduce((sum, { statistic }) => sum + (statistic - mean) ** 2, 0) / statistics.length;
    for (const { statistic, pValue } of statistics) expectClose(pValue, chiSquared.sf((2 * statistic * mean) / variance, (2 * mean * mean) / variance), { rtol: 1e-9, atol: 1e-12 });
  });

  it('comes to the usual law when the table is full', () => {
    const table = [
      [5000, 3000, 2000],
      [5100, 2950, 1950],
    ];
    expectClose(chiSquareTest(table, { law: 'moments' }).pValue, chiSquareTest(table).pValue, { rtol: 1e-3 });
  });

  it('answers for empty tables, empty rows, and statistics that cannot vary', () => {
    for (const table of [[], [[]], [[0, 0], [0, 0]], [[1, 2]], [[1, 2], [0, 0]], [[5, 0], [7, 0]]]) {
      for (const law of ['asymptotic', 'moments'] as const) expect(chiSquareTest(table, { law })).toMatchObject({ statistic: 0, pValue: 1, df: 0 });
    }
    const distinct = [0, 1].map((side) => Array.from({ length: 50 }, (_, i) => Number(i % 2 === side)));
    expect(chiSquareTest(distinct, { law: 'moments' }).pValue).toBe(1);
    expect(() => chiSquareTest([[1, -1]])).toThrow(/table\[0\]\[1\] is -1/);
    expect(() => chiSquareTest([[1, 2], [1]])).toThrow(/table\[1\] has 1 counts/);
  });

  it('never gives NaN for small tables', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(3), fc.nat(3)), { maxLength: 5 }), fc.boolean(), fc.boolean(), (columns, moments, yates) => {
        const table = [columns.map(([a]) => a), columns.map(([, b]) => b)];
        const { statistic, pValue } = chiSquareTest(table, { law: moments ? 'moments' : 'asymptotic', correction: yates ? 'yates' : 'none' });
        expect(statistic).toBeGreaterThanOrEqual(0);
        expect(pValue).toBeGreaterThanOrEqual(0);
        expect(pValue).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('does not ask which side is which', () => {
    const table = [[12, 5, 9], [3, 14, 0]];
    const turned = [[12, 3], [5, 14], [9, 0]];
    for (const law of ['asymptotic', 'moments'] as const) {
      expectClose(chiSquareTest(turned, { law }).statistic, chiSquareTest(table, { law }).statistic, { rtol: 1e-12 });
      expectClose(chiSquareTest(turned, { law }).pValue, chiSquareTest(table, { law }).pValue, { rtol: 1e-12 });
    }
  });

  it('corrects tables of two by two only, empty rows left out', () => {
    const table = [[12, 5, 0], [3, 14, 0]];
    expect(chiSquareTest(table, { correction: 'yates' })).toMatchObject({ method: 'chi-square-yates', df: 1, smallestExpected: 7.5 });
    expect(chiSquareTest([[12, 5, 1], [3, 14, 0]], { correction: 'yates' })).toEqual(chiSquareTest([[12, 5, 1], [3, 14, 0]]));
    expect(chiSquareTest([[7, 7], [7, 7]], { correction: 'yates' })).toMatchObject({ statistic: 0, pValue: 1 });
  });

  it('refuses options that are none, and counts beyond all bounds', () => {
    expect(() => chiSquareTest([[1, 2], [3, 4]], { law: 'exact' as never })).toThrow(/law is "exact"/);
    expect(() => chiSquareTest([[1, 2], [3, 4]], { correction: 'williams' as never })).toThrow(/correction is "williams"/);
    expect(() => chiSquareTest([[1e300, 2], [3, 4]])).toThrow(/no more than 1e150/);
    expect(chiSquareTest([[1e-200, 0], [0, 1e-200]]).pValue).toBe(1);
  });

  it('refuses what is no table of numbers, by its place', () => {
    for (const table of [null, undefined, 7, {}, 'abc']) expect(() => chiSquareTest(table as never)).toThrow(/^table is .* a list of rows/);
    expect(() => chiSquareTest([[1, 2], null as never])).toThrow(/table\[1\] is null/);
    expect(() => chiSquareTest([[1, 2], [3, null as never]])).toThrow(/table\[1\]\[1\] is null/);
    expect(() => chiSquareTest([['5' as never, 2], [3, 4]])).toThrow(/table\[0\]\[0\] is "5"/);
    expect(() => chiSquareTest([[1, 2n as never], [3, 4]])).toThrow(/table\[0\]\[1\] is 2n/);
    expect(chiSquareTest([Uint8Array.of(12, 5), Float32Array.of(3, 14)])).toEqual(chiSquareTest([[12, 5], [3, 14]]));
  });
});
