import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fisherExactTest } from '../../../src/stats/tests/fisher-exact-test.ts';
import { expectClose } from '../golden/golden-file.ts';

type Table = [[number, number], [number, number]];

const alternatives = ['two-sided', 'greater', 'less'] as const;
const tables = fc.tuple(fc.nat(15), fc.nat(15), fc.nat(15), fc.nat(15)).map(([a, b, c, d]): Table => [[a, b], [c, d]]);

function choose(n: number, k: number): bigint {
  let found = 1n;
  for (let i = 1; i <= k; i++) found = (found * BigInt(n - k + i)) / BigInt(i);
  return found;
}

/** Every table with the same margins: the count at its upper left, and in how many ways it comes about. */
function ways([[a, b], [c, d]]: Table): Map<number, bigint> {
  const [marked, drawn, total] = [a + b, a + c, a + b + c + d];
  const found = new Map<number, bigint>();
  for (let k = Math.max(0, drawn - (total - marked)); k <= Math.min(marked, drawn); k++) found.set(k, choose(marked, k) * choose(total - marked, drawn - k));
  return found;
}

/** P(X >= a) at an odds ratio, from the definition. */
function upperTail(table: Table, odds: number): number {
  let [above, all] = [0, 0];
  for (const [k, count] of ways(table)) {
    const weight = Number(count) * odds ** k;
    all += weight;
    if (k >= table[0][0]) above += weight;
  }
  return above / all;
}

describe('fisherExactTest', () => {
  it('sums the tables with the same margins that are at most as likely, or on one side', () => {
    fc.assert(
      fc.property(tables, (table) => {
        const all = ways(table);
        const a = table[0][0];
        const total = [...all.values()].reduce((sum, count) => sum + count, 0n);
        const sum = (chosen: (count: bigint, k: number) => boolean): number => {
          let found = 0n;
          for (const [k, count] of all) if (chosen(count, k)) found += count;
          return Number(found) / Number(total);
        };
        expectClose(fisherExactTest(table).pValue, sum((count) => count <= all.get(a)!), { rtol: 1e-12 });
        expectClose(fisherExactTest(table, { alternative: 'greater' }).pValue, sum((_, k) => k >= a), { rtol: 1e-12 });
        expectClose(fisherExactTest(table, { alternative: 'less' }).pValue, sum((_, k) => k <= a), { rtol: 1e-12 });
      }),
      { seed: 21 },
    );
  });

  it('has the odds ratios at which a tail has half of what the confidence leaves as the ends of its interval', () => {
    fc.assert(
      fc.property(tables, fc.constantFrom(0.5, 0.9, 0.95, 0.999), (table, confidence) => {
        const { low, high, conditionalOddsRatio, oddsRatio } = fisherExactTest(table, { confidence });
        if (Number.isNaN(oddsRatio)) return;
        const turned: Table = [[table[0][1], table[0][0]], [table[1][1], table[1][0]]];
        if (low > 0) expectClose(upperTail(table, low), (1 - confidence) / 2, { rtol: 1e-9 });
        if (high < Infinity) expectClose(upperTail(turned, 1 / high), (1 - confidence) / 2, { rtol: 1e-9 });
        expect(low).toBeLessThanOrEqual(conditionalOddsRatio);
        expect(high).toBeGreaterThanOrEqual(conditionalOddsRatio);
        expectClose(fisherExactTest(table, { confidence: (1 + confidence) / 2, alternative: 'greater' }).low, low, { rtol: 1e-9 });
        expect(fisherExactTest(table, { alternative: 'less' }).low).toBe(0);
      }),
      { seed: 22 },
    );
  });

  it('takes the odds ratio that makes the table most likely: its expected count is the count', () => {
    fc.assert(
      fc.property(tables, (table) => {
        const { conditionalOddsRatio: odds, oddsRatio } = fisherExactTest(table);
        if (Number.isNaN(oddsRatio) || odds === 0 || odds === Infinity) return;
        let [sum, all] = [0, 0];
        for (const [k, count] of ways(table)) {
          sum += k * Number(count) * odds ** k;
          all += Number(count) * odds ** k;
        }
        expectClose(sum / all, table[0][0], { rtol: 1e-9 });
      }),
      { seed: 23 },
    );
  });

  it('does not ask what is in the rows and what in the columns', () => {
    fc.assert(
      fc.property(tables, fc.constantFrom(...alternatives), (table, alternative) => {
        const [[a, b], [c, d]] = table;
        const found = fisherExactTest(table, { alternative });
        for (const same of [[[a, c], [b, d]], [[d, c], [b, a]]]) {
          const other = fisherExactTest(same, { alternative });
          expectClose(other.pValue, found.pValue, { rtol: 1e-11 });
          if (Number.isFinite(found.conditionalOddsRatio)) expectClose(other.conditionalOddsRatio, found.conditionalOddsRatio, { rtol: 1e-9 });
        }
      }),
      { seed: 24 },
    );
  });

  it('has the figures of scipy for the tea tasting and the twins', () => {
    const tea = fisherExactTest([[3, 1], [1, 3]]);
    expectClose(tea.conditionalOddsRatio, 6.408319658199662, { rtol: 1e-12 });
    expectClose(tea.low, 0.21173559544657966, { rtol: 1e-9 });
    expectClose(tea.high, 626.2435305888141, { rtol: 1e-9 });
    const twins = fisherExactTest([[2, 15], [10, 3]], { alternative: 'less' });
    expectClose(twins.pValue, 0.0004651809, { rtol: 1e-6 });
    expectClose(twins.conditionalOddsRatio, 0.04693663904968004, { rtol: 1e-12 });
    expectClose(twins.high, 0.28495954561971487, { rtol: 1e-9 });
  });

  it('goes with large margins', () => {
    const found = fisherExactTest([[500_000, 500_000], [499_000, 501_000]]);
    // From fifty digits.
    expectClose(found.pValue, 0.1577145047881126, { rtol: 1e-10 });
    expectClose(fisherExactTest([[510_000, 490_000], [490_000, 510_000]], { alternative: 'greater' }).pValue, 2.7342830259722784e-176, { rtol: 1e-10 });
    expectClose(fisherExactTest([[2000, 98_000], [1000, 99_000]], { alternative: 'greater' }).pValue, 3.976787505366927e-77, { rtol: 1e-11 });
    expectClose(found.conditionalOddsRatio, found.oddsRatio, { rtol: 1e-5 });
    expect(fisherExactTest([[500_000, 500_000], [500_000, 500_000]]).pValue).toBe(1);
    expect(fisherExactTest([[0, 1_000_000], [1_000_000, 0]])).toMatchObject({ pValue: 0, oddsRatio: 0, low: 0 });
  });

  it('learns nothing from an empty margin', () => {
    for (const table of [[[0, 0], [0, 0]], [[3, 4], [0, 0]], [[0, 4], [0, 5]]]) {
      for (const alternative of alternatives) {
        expect(fisherExactTest(table, { alternative })).toEqual({
          statistic: 0, pValue: 1, method: 'exact', oddsRatio: NaN, conditionalOddsRatio: NaN, low: 0, high: Infinity,
        });
      }
    }
    expect(fisherExactTest([[0, 3], [5, 0]])).toMatchObject({ oddsRatio: 0, conditionalOddsRatio: 0, low: 0 });
    expect(fisherExactTest([[3, 0], [0, 5]])).toMatchObject({ statistic: Infinity, conditionalOddsRatio: Infinity, high: Infinity });
  });

  it('refuses what is no table of four counts', () => {
    expect(() => fisherExactTest([[1, 2]])).toThrow(/must be 2×2/);
    expect(() => fisherExactTest([[1, 2], [3, 4, 5]])).toThrow(/rows of 2 and 3/);
    expect(() => fisherExactTest([[1, 2], [3.5, 4]])).toThrow(/table\[1\]\[0\] is 3.5/);
    expect(() => fisherExactTest([[1, -2], [3, 4]])).toThrow(/table\[0\]\[1\] is -2/);
    expect(() => fisherExactTest([[1, 2], [3, 4]], { confidence: 0 })).toThrow(/confidence/);
    expect(() => fisherExactTest([[1, 2], [3, 4]], { alternative: 'both' as never })).toThrow(/alternative/);
  });
});
