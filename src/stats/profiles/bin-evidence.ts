import { psiOfClusters } from '../distances/psi.ts';
import { nextUp } from '../samples/quantile-edges.ts';
import { chiSquareTest } from '../tests/chi-square-test.ts';
import { valueRows, type NumberProfile, type RowCounts } from './column-profile.ts';
import type { BinShift, DriftEffect, DriftTest, Finding } from './drift-evidence.ts';
import { tailOfCounts } from './tail-of-counts.ts';

export const presenceLabels = ['missing', 'not a number'] as const;

/** Rows with a value, without one, and with one that is none of the column's kind. */
export function presenceOf(side: RowCounts): [values: number, missing: number, mistyped: number] {
  return [valueRows(side), side.missing + side.nan, side.mistyped];
}

// Above it nothing is called significant.
const tail = 0.2;

/** The chi-squared test that suits how full the table of both sides is. Its p-value is no smaller than {@link tailOfCounts} says: the chi-squared law is true in the middle, and levels are far out where there are many columns or windows. */
export function contingency(table: readonly [readonly number[], readonly number[]]): Finding {
  const plain = chiSquareTest(table);
  const suited = plain.smallestExpected >= 5 || plain.df === 0 ? plain : chiSquareTest(table, plain.df === 1 ? { correction: 'yates' } : { law: 'moments' });
  const pValue = suited.pValue > tail ? suited.pValue : Math.min(tail, Math.max(suited.pValue, tailOfCounts(table)));
  const [referenceRows, currentRows] = table.map((counts) => counts.reduce((sum, count) => sum + count, 0)) as [number, number];
  return { method: suited.method, statistic: suited.statistic, pValue, referenceRows, currentRows };
}

/** One p-value for a column by Bonferroni's bound: it holds however the tests depend on each other. */
export function combined(tests: readonly DriftTest[]): number {
  return Math.min(1, tests.length * Math.min(...tests.map(({ pValue }) => pValue)));
}

/** The index between counts in common bins, with the bins that add most to it. */
export function effectOf(
  reference: readonly number[],
  current: readonly number[],
  labels: readonly string[],
  binRule: DriftEffect['binRule'],
  designEffect: number,
): { effect: DriftEffect; moved: BinShift[] } {
  const { value, low, high, expectedByChance, bins, contributions } = psiOfClusters(reference, current, { add: 0.5 }, designEffect);
  const total = (counts: readonly number[]): number => Math.max(1, counts.reduce((sum, count) => sum + count, 0));
  const n = total(reference);
  const m = total(current);
  const moved = labels
    .map((bin, i) => ({ bin, reference: reference[i]! / n, current: current[i]! / m, contribution: contributions[i]! }))
    .filter(({ contribution }) => contribution > 0)
    .sort((a, b) => b.contribution - a.contribution)
    .slice(0, 5);
  return { effect: { method: 'psi', value, low, high, expectedByChance, bins, binRule, zeroRule: 'add-half' }, moved };
}

/** The counts of the fine bins, summed between the cuts. */
export function coarseCounts(grid: Pick<NumberProfile, 'edges' | 'cuts'>, counts: readonly number[]): number[] {
  const sums = new Array<number>(grid.cuts.length + 1).fill(0);
  let bin = 0;
  counts.forEach((count, i) => {
    if (i > 0 && bin < grid.cuts.length && grid.edges[i - 1]! >= grid.cuts[bin]!) bin++;
    sums[bin]! += count;
  });
  return sums;
}

/** What the bins between cuts are called. */
export function coarseLabels(cuts: readonly number[]): string[] {
  if (cuts.length === 0) return ['any number'];
  // A cut just above another closes the bin of a single value.
  const pile = cuts.map((cut, i) => i > 0 && cut === nextUp(cuts[i - 1]!));
  return [...cuts, Infinity].map((to, i) => {
    if (i === 0) return `below ${numberText(to)}`;
    if (pile[i]) return `exactly ${cuts[i - 1]!}`;
    const from = pile[i - 1] ? `above ${numberText(cuts[i - 2]!)}` : numberText(cuts[i - 1]!);
    if (to !== Infinity) return `${from} to ${numberText(to)}`;
    return pile[i - 1] ? from : `${from} and above`;
  });
}

/** A number for people: four significant digits at most. */
export function numberText(value: number): string {
  return String(Number(value.toPrecision(4)));
}

/** A count with its noun. */
export function countOf(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
