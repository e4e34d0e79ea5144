import { demandLevel, demandOneOf, demandOptions, demandSameLength } from '../arguments.ts';
import { normal } from '../distributions/normal.ts';
import { ascendingOrder } from '../samples/ascending-order.ts';
import type { Alternative, TestResult } from '../tests/test-result.ts';
import { type Label, positiveFlags } from './label.ts';

/** How {@link compareRocAuc} compares. */
export interface CompareRocAucOptions {
  /** The class that high scores speak for. @default 1 or true */
  positive?: Label | undefined;
  /** `greater` asks whether the first scores' area is larger, `less` whether it is smaller. @default 'two-sided' */
  alternative?: Alternative | undefined;
  /** How probable it is that the interval covers the true difference. @default 0.95 */
  confidence?: number | undefined;
}

/** What {@link compareRocAuc} found. */
export interface RocAucComparison extends TestResult {
  /** The difference of the areas in standard errors: normal if there is none. */
  readonly statistic: number;
  readonly method: 'DeLong';
  /** The area under the ROC curve of the first scores, 0 to 1; NaN with one class only. */
  readonly first: number;
  /** That of the second scores. */
  readonly second: number;
  /** `first` - `second`, -1 to 1. */
  readonly difference: number;
  /** The standard error of the difference; NaN with fewer than two rows of a class. */
  readonly standardError: number;
  /** The lower end of the two-sided interval of the difference, at least -1. */
  readonly low: number;
  /** Its upper end, at most 1. */
  readonly high: number;
  /** Rows that took part. */
  readonly n: number;
  /** Rows that were left out because of a missing label or a NaN in either score. */
  readonly dropped: number;
}

/**
 * DeLong's test of two scores on the same rows: do their areas under the ROC curve differ? (DeLong, DeLong & Clarke-Pearson 1988, from ranks as in Sun & Xu
 * 2014.) For a candidate against the model in use: being paired, it sees differences that the two intervals of `rocAuc` would hide.
 *
 * The test is asymptotic; trust it with some tens of rows of either class. In small classes the variance comes out too small or even as 0, and other implementations then
 * give a p-value that no such number of rows can support: here it is never below 2^(1 - n), or 2^-n for a one-sided alternative, the least that exchanging the two scores of
 * each of n rows at random (the exact test) could give.
 *
 * Ties count half; ±Infinity are the extremes. Rows with a missing label or a NaN in either score are left out and counted. With fewer than two rows of a class, or scores
 * of one and the same order, the statistic is 0 and p is 1; areas that differ without any variance (both classes separated by one score and never by the other) give
 * ±Infinity, that least p-value, and an interval of one point, which says nothing. O(n log n).
 *
 * Throws `ValidationError` when the lists differ in length, an option has an unknown value, or the labels are not 0/1, -1/1 or booleans and `positive` does not
 * say what is meant.
 *
 * @example
 * ```ts
 * import { compareRocAuc } from 'modelkeep/stats';
 *
 * const labels = [0, 0, 0, 1, 1, 1, 0, 1];
 * const candidate = [0.1, 0.2, 0.3, 0.6, 0.4, 0.9, 0.5, 0.7];
 * const incumbent = [0.3, 0.6, 0.2, 0.5, 0.1, 0.7, 0.4, 0.8];
 * const { difference, pValue } = compareRocAuc(labels, candidate, incumbent, { alternative: 'greater' });
 * console.log(difference, pValue.toFixed(4)); // 0.25 0.1103
 * ```
 */
export function compareRocAuc(labels: ArrayLike<Label>, first: ArrayLike<number>, second: ArrayLike<number>, options: CompareRocAucOptions = {}): RocAucComparison {
  const { positive, alternative = 'two-sided', confidence = 0.95 } = demandOptions(options);
  demandOneOf('alternative', alternative, ['two-sided', 'greater', 'less']);
  demandLevel('confidence', confidence);
  demandSameLength('labels', labels, 'first', first);
  demandSameLength('labels', labels, 'second', second);
  const flags = positiveFlags('labels', labels, positive);
  const { rows, m } = positivesFirst(flags, first, second);
  const n = rows.length - m;
  const a = placements(rows, first, m);
  const b = placements(rows, second, m);
  const difference = a.value - b.value;
  const variance = differenceVariance(a.placed, b.placed, 0, m) / m + differenceVariance(a.placed, b.placed, m, m + n) / n;
  const standardError = Math.sqrt(variance);
  const statistic = !(m > 1 && n > 1) || difference === 0 ? 0 : difference / standardError;
  const reach = -normal.quantile((1 - confidence) / 2) * standardError;
  return {
    statistic,
    pValue: m > 1 && n > 1 ? pValueOf(statistic, alternative, rows.length) : 1,
    method: 'DeLong',
    first: a.value,
    second: b.value,
    difference,
    standardError,
    low: Math.max(-1, difference - reach),
    high: Math.min(1, difference + reach),
    n: rows.length,
    dropped: flags.length - rows.length,
  };
}

/** The rows that take part, the `m` positive ones first. */
function positivesFirst(flags: Int8Array, first: ArrayLike<number>, second: ArrayLike<number>): { rows: Uint32Array; m: number } {
  const rows = new Uint32Array(flags.length);
  let size = 0;
  let m = 0;
  for (const wanted of [1, 0]) {
    for (let i = 0; i < flags.length; i++) if (flags[i] === wanted && isNumber(first[i]) && isNumber(second[i])) rows[size++] = i;
    if (wanted === 1) m = size;
  }
  return { rows: rows.subarray(0, size), m };
}

function isNumber(value: number | undefined): boolean {
  return typeof value === 'number' && !Number.isNaN(value);
}

/** The normal tail, but never less than the share that one of all 2^rows exchanges is. */
function pValueOf(statistic: number, alternative: Alternative, rows: number): number {
  const least = 2 ** -Math.min(1074, rows);
  if (alternative === 'two-sided') return Math.min(1, 2 * Math.max(least, normal.sf(Math.abs(statistic))));
  return Math.max(least, normal.sf(alternative === 'greater' ? statistic : -statistic));
}

/** The area, and for each row (the first `m` are positive) the share of the other class that it is on the right side of, ties counted half. */
function placements(rows: Uint32Array, scores: ArrayLike<number>, m: number): { value: number; placed: Float64Array } {
  const own = Float64Array.from(rows, (i) => scores[i]!);
  const n = own.length - m;
  const order = ascendingOrder(own);
  const placed = new Float64Array(own.length);
  let positives = 0;
  let negatives = 0;
  let halves = 0;
  for (let start = 0; start < order.length; ) {
    let end = start;
    let tied = 0;
    while (end < order.length && own[order[end]!] === own[order[start]!]) if (order[end++]! < m) tied++;
    const others = end - start - tied;
    const ofPositive = (negatives + others / 2) / n;
    const ofNegative = (m - positives - tied / 2) / m;
    for (let i = start; i < end; i++) placed[order[i]!] = order[i]! < m ? ofPositive : ofNegative;
    halves += tied * (2 * negatives + others);
    positives += tied;
    negatives += others;
    start = end;
  }
  return { value: halves / (2 * m * n), placed };
}

/** The variance, without bias, of the differences of some rows. */
function differenceVariance(a: Float64Array, b: Float64Array, from: number, to: number): number {
  let mean = 0;
  for (let i = from; i < to; i++) mean += a[i]! - b[i]!;
  mean /= to - from;
  let sum = 0;
  for (let i = from; i < to; i++) sum += (a[i]! - b[i]! - mean) ** 2;
  return sum / (to - from - 1);
}
