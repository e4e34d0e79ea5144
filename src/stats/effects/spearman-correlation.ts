import { ValidationError } from '../../core/errors.ts';
import { demandOneOf, demandOptions } from '../arguments.ts';
import type { Alternative } from '../tests/test-result.ts';
import { completePairs } from './complete-pairs.ts';
import { checkedCorrelation, fisherInterval, type CorrelationOptions, type CorrelationResult } from './correlation-result.ts';
import { linearCorrelation } from './linear-correlation.ts';
import { midranks } from './midranks.ts';
import { studentP } from './pearson-correlation.ts';

/** How {@link spearmanCorrelation} is tested. */
export interface SpearmanOptions extends CorrelationOptions {
  /** `exact` counts all n! orders (up to 9 pairs), `t` takes Student's law (scipy's rule), `auto` is exact up to 9 pairs. @default 'auto' */
  method?: 'auto' | 'exact' | 't' | undefined;
}

const exactPairs = 9;

/**
 * Spearman's coefficient of rank correlation: Pearson's of the ranks, equal values sharing the mean of theirs. It measures how far one side rises with the other, on
 * a straight line or not.
 *
 * Up to nine pairs the p-value is exact, ties included: the share of all n! ways to pair the ranks whose coefficient is at least as far from 0. Above it is that of
 * t = r √((n - 2) / (1 - r²)) under Student's law with n - 2 degrees of freedom, as scipy has it for every n. The interval is Fisher's with the variance
 * (1 + r²/2) / (n - 3) of Bonett & Wright (2000).
 *
 * Pairs with a NaN are left out and counted; infinities are the smallest and largest values. Fewer than two pairs or a constant side give statistic 0, p-value 1 and
 * the interval [-1, 1]; up to three pairs give that interval too. Costs O(n log n).
 *
 * @throws {ValidationError} when the lengths differ, an option is none of its words, or `exact` is asked of more than nine pairs.
 *
 * @example
 * ```ts
 * import { spearmanCorrelation } from 'modelkeep/stats';
 *
 * const { statistic, method } = spearmanCorrelation([1, 2, 3, 4, 5], [1, 4, 9, 16, 25]);
 * console.log(statistic, method); // 1 exact
 * ```
 */
export function spearmanCorrelation(x: ArrayLike<number>, y: ArrayLike<number>, options: SpearmanOptions = {}): CorrelationResult {
  const { alternative, confidence } = checkedCorrelation(options);
  const { method = 'auto' } = demandOptions(options);
  demandOneOf('method', method, ['auto', 'exact', 't']);
  const pairs = completePairs(x, y, true);
  const n = pairs.x.length;
  if (method === 'exact' && n > exactPairs) {
    throw new ValidationError(`method is 'exact' with ${n} pairs; all orders are counted up to ${exactPairs} pairs, so take 'auto' or 't'.`, { path: 'method' });
  }
  const exact = method === 'exact' || (method === 'auto' && n <= exactPairs);
  const word = exact ? 'exact' : 'student-t';
  const ranks = { x: midranks(pairs.x), y: midranks(pairs.y) };
  const correlation = linearCorrelation(ranks.x, ranks.y);
  if (correlation === undefined) return { statistic: 0, pValue: 1, method: word, low: -1, high: 1, n, dropped: pairs.dropped };
  const { r } = correlation;
  const pValue = exact ? exactP(ranks.x, ranks.y, alternative) : studentP(correlation, n, alternative);
  const interval = fisherInterval(r, n > 3 ? Math.sqrt((1 + (r * r) / 2) / (n - 3)) : Infinity, confidence);
  return { statistic: r, pValue, method: word, ...interval, n, dropped: pairs.dropped };
}

/**
 * The share of all pairings of the ranks whose sum of products is at least as far from its mean. Twice a midrank is whole, so the sums are; they are counted over
 * the sets of ranks of y that the first ranks of x were paired with: O(2^n n³) steps.
 */
function exactP(x: Float64Array, y: Float64Array, alternative: Alternative): number {
  const n = x.length;
  let largest = 0;
  let observed = 0;
  const sortedX = x.slice().sort();
  const sortedY = y.slice().sort();
  for (let i = 0; i < n; i++) {
    largest += 4 * sortedX[i]! * sortedY[i]!;
    observed += 4 * x[i]! * y[i]!;
  }
  const width = largest + 1;
  const ways = new Float64Array(width << n);
  ways[0] = 1;
  const sets = 1 << n;
  for (let set = 0; set < sets; set++) {
    const paired = bitsIn(set);
    for (let j = 0; j < n; j++) {
      if (set & (1 << j)) continue;
      const from = set * width;
      const added = 4 * x[paired]! * y[j]!;
      const to = (set | (1 << j)) * width + added;
      for (let sum = 0; sum + added < width; sum++) ways[to + sum]! += ways[from + sum]!;
    }
  }
  // The mean of the sum is 4 n ((n + 1) / 2)², so n (n + 1)² is whole.
  const mean = n * (n + 1) ** 2;
  let extreme = 0;
  let all = 0;
  for (let sum = 0; sum < width; sum++) {
    const count = ways[(sets - 1) * width + sum]!;
    all += count;
    if (alternative === 'greater' ? sum >= observed : alternative === 'less' ? sum <= observed : Math.abs(sum - mean) >= Math.abs(observed - mean)) extreme += count;
  }
  return extreme / all;
}

function bitsIn(set: number): number {
  let bits = 0;
  for (let rest = set; rest > 0; rest &= rest - 1) bits++;
  return bits;
}
