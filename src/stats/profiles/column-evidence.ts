import { nextUp } from '../samples/quantile-edges.ts';
import { chiSquareTest } from '../tests/chi-square-test.ts';
import { ksTest, ksTestBinned } from '../tests/ks-test.ts';
import { psiOfClusters } from '../distances/psi.ts';
import { valueRows, type CategoryProfile, type ColumnProfile, type NumberProfile, type RowCounts } from './column-profile.ts';
import type { ColumnSide } from './data-profile.ts';

/** One test of significance. */
export interface DriftTest {
  /** What was compared: the values, or whether there is one (present, missing, not a number). */
  readonly of: 'values' | 'presence';
  /**
   * `ks-exact` and `ks-asymptotic` compare the numbers themselves, `ks-binned` the exact counts in the reference's bins (conservative); the chi-squared tests
   * compare counts: with Yates' correction when a 2×2 table is nearly empty, with the exact mean and variance of the statistic (`-moments`) when any other is.
   * `block-permutation` compares the same counts with those of blocks of rows that change sides at random.
   */
  readonly method: 'ks-exact' | 'ks-asymptotic' | 'ks-binned' | 'chi-square' | 'chi-square-yates' | 'chi-square-moments' | 'block-permutation';
  /** The largest difference of the distribution functions, or chi-squared. */
  readonly statistic: number;
  /** Of this test alone. */
  readonly pValue: number;
  /** Rows of the reference that took part. */
  readonly referenceRows: number;
  /** Current rows that took part. */
  readonly currentRows: number;
  /** Of blocks of rows only. */
  readonly blocks?: TestedBlocks | undefined;
}

/** The blocks of rows that a test took for independent. */
export interface TestedBlocks {
  /** Blocks of the reference. */
  readonly reference: number;
  /** Current blocks. */
  readonly current: number;
  /** How many times as much the shares vary as those of as many independent rows would: about 1 when blocks are as good as independent rows, the length of a block when its rows are all equal. */
  readonly designEffect: number;
}

/** Fewer blocks than this on a side say too little of how blocks differ. */
const fewestBlocks = 10;

/** What a test found, whatever it is a test of. */
type Finding = Omit<DriftTest, 'of'>;

/** How far a column moved: the population stability index, with all that its value depends on. */
export interface DriftEffect {
  /** The population stability index, natural logarithm. */
  readonly method: 'psi';
  /** The index as counted, chance included. */
  readonly value: number;
  /** Lower end of an approximate 95 % interval, after what chance alone gives was taken off: what `minEffect` is compared with. */
  readonly low: number;
  /** Upper end of that interval. */
  readonly high: number;
  /** What `value` would be expected to be by chance, had nothing changed. */
  readonly expectedByChance: number;
  /** Bins that either side has rows in. */
  readonly bins: number;
  /** The reference's deciles, every category, or only whether there is a number. */
  readonly binRule: 'reference-deciles' | 'categories' | 'presence';
  /** Half a row is added to every bin of both sides, so that empty bins stay finite. */
  readonly zeroRule: 'add-half';
}

/** How the rows of one bin moved. */
export interface BinShift {
  /** `[from, to)` for numbers, the category, `missing` or `not a number`. */
  readonly bin: string;
  /** Share of the reference's rows, 0 to 1. */
  readonly reference: number;
  /** Share of the current rows, 0 to 1. */
  readonly current: number;
  /** What the bin adds to the index. */
  readonly contribution: number;
}

/** Categories that the reference does not have. */
export interface UnseenCategories {
  /** Rows that hold one. */
  readonly rows: number;
  /** How many different ones. */
  readonly categories: number;
  /** The most frequent of them, at most ten. */
  readonly examples: readonly string[];
}

/** What the comparison of one column gave, before the other columns are known. */
export interface ColumnEvidence {
  readonly tests: readonly DriftTest[];
  /** Of the whole column; absent when nothing could be tested. */
  readonly pValue: number | undefined;
  readonly effect: DriftEffect | undefined;
  /** The bins that add most to the index, at most five. */
  readonly moved: readonly BinShift[];
  readonly unseen: UnseenCategories | undefined;
  /** Why the values were not compared. */
  readonly unjudged: string | undefined;
}

const nothing: ColumnEvidence = { tests: [], pValue: undefined, effect: undefined, moved: [], unseen: undefined, unjudged: undefined };

/** Compares one column with its reference, whatever is in it; what cannot be compared says why. */
export function weighColumn(reference: ColumnSide, current: ColumnSide | undefined, minRows: number, blockTest?: () => DriftTest): ColumnEvidence {
  if (current === undefined) return { ...nothing, unjudged: 'the current data has no such column' };
  const before = reference.profile;
  const after = current.profile;
  if (before.rows < minRows) return { ...nothing, unjudged: `the reference has ${countOf(before.rows, 'row')}, at least ${minRows} are needed` };
  if (after.rows < minRows) return { ...nothing, unjudged: `there are ${countOf(after.rows, 'current row')}, at least ${minRows} are needed` };
  if (before.kind !== 'timestamp' && blockTest !== undefined) return weighBlocks(reference, current, minRows, blockTest());
  return weighRows(reference, current, minRows, 1);
}

/** By blocks of rows: their test in the place of those that take every row for independent, and an interval as wide as blocks make it. */
function weighBlocks(reference: ColumnSide, current: ColumnSide, minRows: number, test: DriftTest): ColumnEvidence {
  const { reference: before, current: after, designEffect } = test.blocks!;
  if (before < fewestBlocks) return { ...nothing, unjudged: `the reference has ${countOf(before, 'block')}, at least ${fewestBlocks} are needed` };
  if (after < fewestBlocks) return { ...nothing, unjudged: `there are ${countOf(after, 'current block')}, at least ${fewestBlocks} are needed` };
  const found = weighRows(reference, current, minRows, Math.max(1, designEffect));
  return found.effect === undefined ? found : { ...found, tests: [test], pValue: test.pValue };
}

function weighRows(reference: ColumnSide, current: ColumnSide, minRows: number, designEffect: number): ColumnEvidence {
  const before = reference.profile;
  const after = current.profile;
  if (before.kind === 'number' && after.kind === 'number') return weighNumbers({ ...reference, profile: before }, { ...current, profile: after }, minRows, designEffect);
  if (before.kind === 'category' && after.kind === 'category') return weighCategories(before, after, designEffect);
  return { ...nothing, unjudged: 'points in time always move on; compare features made from them' };
}

interface NumberSide {
  readonly profile: NumberProfile;
  readonly sorted?: Float64Array | undefined;
}

function weighNumbers(reference: NumberSide, current: NumberSide, minRows: number, designEffect: number): ColumnEvidence {
  const before = reference.profile;
  const after = current.profile;
  const tests: DriftTest[] = [];
  const presence = [presenceOf(before), presenceOf(after)] as const;
  const absent = presence.some(([, missing, mistyped]) => missing > 0 || mistyped > 0);
  if (absent) tests.push({ of: 'presence', ...contingency(presence) });
  const short = [before, after].find((side) => valueRows(side) < minRows);
  if (short === undefined) {
    tests.push({ of: 'values', ...ks(reference, current) });
    const labels = ['minus infinity', ...coarseLabels(before.cuts), 'infinity', ...presenceLabels];
    const shares = [before, after].map((side, i) => [...binCounts(side, coarseCounts(before, side.counts)), ...presence[i]!.slice(1)]);
    return { ...nothing, tests, pValue: combined(tests), ...effectOf(shares[0]!, shares[1]!, labels, 'reference-deciles', designEffect) };
  }
  const where = short === before ? 'reference' : 'current';
  const unjudged = `the ${where} has a number in only ${countOf(valueRows(short), 'row')}, at least ${minRows} are needed`;
  if (!absent) return { ...nothing, unjudged };
  return { ...nothing, tests, pValue: combined(tests), ...effectOf(presence[0], presence[1], ['any number', ...presenceLabels], 'presence', designEffect), unjudged };
}

function ks(reference: NumberSide, current: NumberSide): Finding {
  const rows = { referenceRows: valueRows(reference.profile), currentRows: valueRows(current.profile) };
  if (reference.sorted === undefined || current.sorted === undefined) {
    const { statistic, pValue } = ksTestBinned(binCounts(reference.profile, reference.profile.counts), binCounts(current.profile, current.profile.counts));
    return { method: 'ks-binned', statistic, pValue, ...rows };
  }
  const { statistic, pValue, method } = ksTest(reference.sorted, current.sorted);
  return { method: `ks-${method}`, statistic, pValue, ...rows };
}

function weighCategories(before: CategoryProfile, after: CategoryProfile, designEffect: number): ColumnEvidence {
  const crowded = before.tooMany || after.tooMany;
  if (crowded) return { ...nothing, unjudged: `it has more than ${before.maxCategories} different values, like identifiers or free text` };
  const inBefore = new Map(before.categories);
  const inAfter = new Map(after.categories);
  const names = [...new Set([...inBefore.keys(), ...inAfter.keys()])];
  const counts = [inBefore, inAfter].map((side) => names.map((name) => side.get(name) ?? 0)) as [number[], number[]];
  counts[0].push(presenceOf(before)[1]);
  counts[1].push(presenceOf(after)[1]);
  if (valueRows(before) === 0 && valueRows(after) === 0) return { ...nothing, unjudged: 'it has no value on either side' };
  const tests: DriftTest[] = [{ of: 'values', ...contingency(counts) }];
  const labels = [...names, presenceLabels[0]];
  const evidence = { ...nothing, tests, pValue: combined(tests), ...effectOf(counts[0], counts[1], labels, 'categories', designEffect) };
  const unseen = after.categories.filter(([name]) => !inBefore.has(name));
  if (unseen.length === 0) return evidence;
  const rows = unseen.reduce((sum, [, count]) => sum + count, 0);
  return { ...evidence, unseen: { rows, categories: unseen.length, examples: unseen.slice(0, 10).map(([name]) => name) } };
}

const presenceLabels = ['missing', 'not a number'] as const;

function presenceOf(side: RowCounts): [values: number, missing: number, mistyped: number] {
  return [valueRows(side), side.missing + side.nan, side.mistyped];
}

/** The chi-squared test that suits how full the table is. */
function contingency(table: readonly (readonly number[])[]): Finding {
  const plain = chiSquareTest(table);
  const suited = plain.smallestExpected >= 5 || plain.df === 0 ? plain : chiSquareTest(table, plain.df === 1 ? { correction: 'yates' } : { law: 'moments' });
  const [referenceRows, currentRows] = table.map((counts) => counts.reduce((sum, count) => sum + count, 0)) as [number, number];
  return { method: suited.method, statistic: suited.statistic, pValue: suited.pValue, referenceRows, currentRows };
}

/** One p-value for a column by Bonferroni's bound: it holds however the tests depend on each other. */
function combined(tests: readonly DriftTest[]): number {
  return Math.min(1, tests.length * Math.min(...tests.map(({ pValue }) => pValue)));
}

function effectOf(
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

/** Counts of finite numbers per bin with those of the infinite ones at either end. */
function binCounts(side: NumberProfile, finite: readonly number[]): number[] {
  return [side.negativeInfinite, ...finite, side.infinite - side.negativeInfinite];
}

/** The counts of the fine bins, summed between the cuts. */
function coarseCounts(grid: NumberProfile, counts: readonly number[]): number[] {
  const sums = new Array<number>(grid.cuts.length + 1).fill(0);
  let bin = 0;
  counts.forEach((count, i) => {
    if (i > 0 && bin < grid.cuts.length && grid.edges[i - 1]! >= grid.cuts[bin]!) bin++;
    sums[bin]! += count;
  });
  return sums;
}

function coarseLabels(cuts: readonly number[]): string[] {
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

function countOf(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

/** The rows of a side as a verdict tells them. */
export function rowCountsOf({ rows, missing, nan, infinite, mistyped }: ColumnProfile): RowCounts {
  return { rows, missing, nan, infinite, mistyped };
}
