import { ValidationError } from '../../core/errors.ts';
import { demandOneOf, demandOptions } from '../arguments.ts';
import { normal } from '../distributions/normal.ts';
import { ascendingOrder } from '../samples/ascending-order.ts';
import type { Alternative } from '../tests/test-result.ts';
import { completePairs } from './complete-pairs.ts';
import { checkedCorrelation, fisherInterval, symmetricP, type CorrelationOptions, type CorrelationResult } from './correlation-result.ts';

/** How {@link kendallCorrelation} is tested. */
export interface KendallOptions extends CorrelationOptions {
  /**
   * `exact` counts orders, for up to 1000 pairs without ties; `asymptotic` takes the normal law with the variance that the ties leave; `auto` is exact without ties
   * up to 33 pairs, or with at most one pair out of order. @default 'auto'
   */
  method?: 'auto' | 'exact' | 'asymptotic' | undefined;
}

const exactLimit = 1000;

/**
 * Kendall's coefficient of rank correlation with ties, tau-b = (C - D) / √((N - Tx)(N - Ty)): of all N = n(n - 1)/2 pairs of points C are in the same order on both
 * sides, D in opposite order, and Tx and Ty are equal on a side.
 *
 * Counted in O(n log n) by merging (Knight 1966). Without ties the p-value is exact for few points (Kendall 1970), otherwise that of C - D by the normal law with
 * the variance under ties; the same rules as scipy's. The interval is Fisher's with the variance 0.437 / (n - 4) of Fieller, Hartley & Pearson (1957): approximate,
 * for |tau| below about 0.8.
 *
 * Pairs with a NaN are left out and counted; infinities are the smallest and largest values. Fewer than two pairs or a constant side give statistic 0, p-value 1 and
 * the interval [-1, 1]; up to four pairs give that interval too.
 *
 * @throws {ValidationError} when the lengths differ, an option is none of its words, or `exact` is asked of ties or of more than 1000 pairs.
 *
 * @example
 * ```ts
 * import { kendallCorrelation } from 'modelkeep/stats';
 *
 * const { statistic, pValue } = kendallCorrelation([1, 2, 3, 4, 5, 6], [2, 1, 4, 3, 6, 5]);
 * console.log(statistic.toFixed(1), pValue.toFixed(3)); // 0.6 0.136
 * ```
 */
export function kendallCorrelation(x: ArrayLike<number>, y: ArrayLike<number>, options: KendallOptions = {}): CorrelationResult {
  const { alternative, confidence } = checkedCorrelation(options);
  const { method = 'auto' } = demandOptions(options);
  demandOneOf('method', method, ['auto', 'exact', 'asymptotic']);
  const pairs = completePairs(x, y, true);
  const n = pairs.x.length;
  const all = (n * (n - 1)) / 2;
  const { discordant, xTies, yTies, both } = countOrders(pairs.x, pairs.y);
  const tied = xTies.pairs > 0 || yTies.pairs > 0;
  if (method === 'exact' && (tied || n > exactLimit)) {
    const reason = tied ? 'values that are equal' : `${n} pairs`;
    throw new ValidationError(`method is 'exact' with ${reason}; orders are counted without ties up to ${exactLimit} pairs, so take 'auto' or 'asymptotic'.`, { path: 'method' });
  }
  const exact = method === 'exact' || (method === 'auto' && !tied && (n <= 33 || Math.min(discordant, all - discordant) <= 1));
  const word = exact ? 'exact' : 'asymptotic';
  if (xTies.pairs === all || yTies.pairs === all) return { statistic: 0, pValue: 1, method: word, low: -1, high: 1, n, dropped: pairs.dropped };
  const concordant = all - xTies.pairs - yTies.pairs + both - discordant;
  const tau = (concordant - discordant) / Math.sqrt(all - xTies.pairs) / Math.sqrt(all - yTies.pairs);
  const statistic = Math.max(-1, Math.min(1, tau));
  const pValue = exact ? exactP(n, discordant, alternative) : asymptoticP(n, concordant - discordant, xTies, yTies, alternative);
  const interval = fisherInterval(statistic, n > 4 ? Math.sqrt(0.437 / (n - 4)) : Infinity, confidence);
  return { statistic, pValue, method: word, ...interval, n, dropped: pairs.dropped };
}

/** How long the runs are that are sorted by insertion before any are merged. */
const firstRun = 16;

/** Sums over the groups of equal values, each of size t. */
interface TieSums {
  /** Σ t(t - 1)/2. */
  readonly pairs: number;
  /** Σ t(t - 1)(t - 2). */
  readonly cubes: number;
  /** Σ t(t - 1)(2t + 5). */
  readonly spread: number;
}

function countOrders(x: Float64Array, y: Float64Array): { discordant: number; xTies: TieSums; yTies: TieSums; both: number } {
  // In the order of y first, so that pairs of one x stay in that order.
  const n = x.length;
  const byY = ascendingOrder(y);
  const xInY = new Float64Array(n);
  const yRanks = new Int32Array(n);
  for (let i = 0; i < n; i++) {
    xInY[i] = x[byY[i]!]!;
    if (i > 0) yRanks[i] = yRanks[i - 1]! + Number(y[byY[i]!] !== y[byY[i - 1]!]);
  }
  const byX = ascendingOrder(xInY);
  const ordered = new Int32Array(n);
  for (let i = 0; i < n; i++) ordered[i] = yRanks[byX[i]!]!;
  const sameX = (i: number): boolean => xInY[byX[i]!] === xInY[byX[i - 1]!];
  const xTies = tieSums(n, sameX);
  const both = tieSums(n, (i) => ordered[i] === ordered[i - 1] && sameX(i)).pairs;
  return { discordant: countSwaps(ordered), xTies, yTies: tieSums(n, (i) => yRanks[i] === yRanks[i - 1]), both };
}

function tieSums(length: number, sameAsBefore: (i: number) => boolean): TieSums {
  let pairs = 0;
  let cubes = 0;
  let spread = 0;
  let size = 1;
  for (let i = 1; i <= length; i++) {
    if (i < length && sameAsBefore(i)) {
      size++;
      continue;
    }
    pairs += (size * (size - 1)) / 2;
    cubes += size * (size - 1) * (size - 2);
    spread += size * (size - 1) * (2 * size + 5);
    size = 1;
  }
  return { pairs, cubes, spread };
}

/** How many pairs are in falling order: sorts short runs by insertion, then merges ever longer ones. The values are not kept as they were. */
function countSwaps(values: Int32Array): number {
  const n = values.length;
  let swaps = 0;
  for (let start = 0; start < n; start += firstRun) {
    const end = Math.min(start + firstRun, n);
    for (let i = start + 1; i < end; i++) {
      const value = values[i]!;
      let j = i;
      for (; j > start && values[j - 1]! > value; j--) values[j] = values[j - 1]!;
      values[j] = value;
      swaps += i - j;
    }
  }
  let from: Int32Array = values;
  let to: Int32Array = new Int32Array(n);
  for (let run = firstRun; run < n; run *= 2) {
    for (let start = 0; start < n; start += 2 * run) swaps += mergeRuns(from, to, start, Math.min(start + run, n), Math.min(start + 2 * run, n));
    [from, to] = [to, from];
  }
  return swaps;
}

/** Merges two neighbouring runs and counts how many pairs were in falling order. */
function mergeRuns(from: Int32Array, to: Int32Array, start: number, middle: number, end: number): number {
  let i = start;
  let j = middle;
  let k = start;
  let swaps = 0;
  while (i < middle && j < end) {
    const first = from[i]!;
    const second = from[j]!;
    // Without a branch, for which of both comes first cannot be guessed.
    const falls = Number(second < first);
    to[k++] = first < second ? first : second;
    swaps += falls * (middle - i);
    j += falls;
    i += 1 - falls;
  }
  if (i < middle) to.set(from.subarray(i, middle), k);
  else to.set(from.subarray(j, end), k);
  return swaps;
}

/**
 * The share of all orders of n values with as few inversions, or as many. Shares of k values with j inversions follow from those of k - 1 by
 * q(k, j) = q(k, j - 1) + (q(k - 1, j) - q(k - 1, j - k)) / k: at most n steps for each of the inversions.
 */
function exactP(n: number, discordant: number, alternative: Alternative): number {
  const all = (n * (n - 1)) / 2;
  const atMost = (limit: number): number => {
    if (limit >= all) return 1;
    if (2 * limit >= all) return Math.max(0, 1 - atMost(all - limit - 1));
    if (limit < 0) return 0;
    let shares = new Float64Array(limit + 1);
    let next = new Float64Array(limit + 1);
    shares[0] = 1;
    for (let k = 2; k <= n; k++) {
      let share = 0;
      const last = Math.min(limit, (k * (k - 1)) / 2);
      for (let j = 0; j <= last; j++) {
        share += (shares[j]! - (j >= k ? shares[j - k]! : 0)) / k;
        next[j] = share;
      }
      [shares, next] = [next, shares];
    }
    return shares.reduce((sum, share) => sum + share, 0);
  };
  if (alternative === 'greater') return atMost(discordant);
  if (alternative === 'less') return atMost(all - discordant);
  return Math.min(1, 2 * atMost(Math.min(discordant, all - discordant)));
}

function asymptoticP(n: number, difference: number, x: TieSums, y: TieSums, alternative: Alternative): number {
  const m = n * (n - 1);
  const third = n > 2 ? (x.cubes * y.cubes) / (9 * m * (n - 2)) : 0;
  const variance = (m * (2 * n + 5) - x.spread - y.spread) / 18 + (2 * x.pairs * y.pairs) / m + third;
  return symmetricP(difference / Math.sqrt(variance), alternative, (z) => normal.sf(z));
}
