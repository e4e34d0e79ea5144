import { describe, expect, it } from 'vitest';
import { contingency } from '../../../src/stats/profiles/bin-evidence.ts';
import { tailOfCounts } from '../../../src/stats/profiles/tail-of-counts.ts';
import { lgamma } from '../../../src/stats/special/lgamma.ts';

const lnChoose = (n: number, k: number): number => lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1);

/** Calls with every way that `here` rows can fall on categories which have so many rows on both sides, and how likely it is. */
function eachTable(totals: readonly number[], here: number, call: (current: readonly number[], probability: number) => void): void {
  const current: number[] = [];
  const all = totals.reduce((sum, total) => sum + total, 0);
  const fill = (i: number, left: number, ln: number): void => {
    if (i === totals.length - 1) {
      if (left > totals[i]!) return;
      current[i] = left;
      call(current, Math.exp(ln + lnChoose(totals[i]!, left)));
      return;
    }
    for (let count = 0; count <= Math.min(left, totals[i]!); count++) {
      current[i] = count;
      fill(i + 1, left - count, ln + lnChoose(totals[i]!, count));
    }
  };
  fill(0, here, -lnChoose(all, here));
}

const tables: readonly { readonly totals: readonly number[]; readonly here: number }[] = [
  { totals: [1038, 22], here: 60 },
  { totals: [954, 106], here: 60 },
  { totals: [10_100, 400], here: 500 },
  { totals: [1018, 21, 21], here: 60 },
  { totals: [850, 200, 50], here: 100 },
  { totals: [400, 350, 350], here: 100 },
  { totals: [1018, 22, 11, 9], here: 60 },
  { totals: [60, 30, 20, 10], here: 40 },
  { totals: [950, 30, 30, 30, 20], here: 30 },
];
const levels = [0.05, 0.01, 0.0025, 0.00025, 0.00004, 0.000001];

describe('two sides with the same distribution', () => {
  // Every table there can be with these margins, so that the chances are exact.
  it.each(tables)('are called different as often as the level says, far out too: $totals, of which $here are current', ({ totals, here }) => {
    const chances = levels.map(() => 0);
    let all = 0;
    eachTable(totals, here, (current, probability) => {
      all += probability;
      if (probability < 1e-14) return;
      const { pValue } = contingency([totals.map((total, i) => total - current[i]!), current]);
      levels.forEach((level, i) => {
        if (pValue <= level) chances[i]! += probability;
      });
    });
    expect(all).toBeCloseTo(1, 9);
    levels.forEach((level, i) => expect(chances[i]! / level, `at ${level}`).toBeLessThanOrEqual(1.01));
  });
});

describe('tailOfCounts', () => {
  it('is 1 where nothing can differ', () => {
    for (const table of [[[], []], [[3], [4]], [[0, 3], [0, 4]], [[1, 2], [0, 0]], [[0, 0], [1, 2]]] as const) expect(tailOfCounts(table)).toBe(1);
  });

  it('keeps its precision where nothing is alike', () => {
    expect(tailOfCounts([[1000, 900, 0, 0], [0, 0, 800, 900]])).toBeLessThan(1e-300);
    expect(tailOfCounts([[1000, 0], [0, 10]])).toBeGreaterThan(0);
  });
});
