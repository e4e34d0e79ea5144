import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chiSquareTest } from '../../../src/stats/tests/chi-square-test.ts';
import { gTest } from '../../../src/stats/tests/g-test.ts';
import { expectClose } from '../golden/golden-file.ts';

const tables = fc.array(fc.tuple(fc.nat(30), fc.nat(30), fc.nat(30)), { maxLength: 5 });

describe('gTest', () => {
  it('is twice the counts times what their logarithms say: O ln O - R ln R - C ln C + N ln N', () => {
    const entropy = (counts: readonly number[]): number => counts.reduce((sum, count) => sum + (count > 0 ? count * Math.log(count) : 0), 0);
    fc.assert(
      fc.property(tables, (table) => {
        const rows = table.map((row) => row[0] + row[1] + row[2]);
        const columns = [0, 1, 2].map((j) => table.reduce((sum, row) => sum + row[j]!, 0));
        const total = rows.reduce((sum, row) => sum + row, 0);
        const g = 2 * (entropy(table.flat()) - entropy(rows) - entropy(columns) + entropy([total]));
        const found = gTest(table);
        expectClose(found.statistic, g, { rtol: 1e-9, atol: 1e-9 });
        expect(found.df).toBe(chiSquareTest(table).df);
        expect(found.pValue >= 0 && found.pValue <= 1).toBe(true);
      }),
      { seed: 81 },
    );
  });

  it('keeps its digits where the rows hardly differ', () => {
    const unit = 1e9;
    const { statistic } = gTest([[unit + 1, unit - 1], [unit - 1, unit + 1]]);
    // Σ δ² / E to first order, for δ = 1 in four cells of 1e9.
    expectClose(statistic, 4 / unit, { rtol: 1e-12 });
  });

  it('comes to the chi-squared statistic when the table is full', () => {
    const table = [[50_000, 30_000, 20_000], [50_200, 29_900, 19_900]];
    expectClose(gTest(table).statistic, chiSquareTest(table).statistic, { rtol: 1e-3 });
  });

  it('answers for empty tables and rows, and refuses what are no counts', () => {
    for (const table of [[], [[]], [[0, 0], [0, 0]], [[1, 2]], [[1, 2], [0, 0]], [[5, 0], [7, 0]]]) expect(gTest(table)).toMatchObject({ statistic: 0, pValue: 1, df: 0 });
    expect(gTest([[5, 3, 0], [0, 0, 0], [7, 1, 0]])).toEqual(gTest([[5, 3], [7, 1]]));
    expect(() => gTest([[1, NaN]])).toThrow(/table\[0\]\[1\] is NaN/);
    expect(() => gTest([[1, 2], [1]])).toThrow(/table\[1\] has 1 counts/);
  });
});
