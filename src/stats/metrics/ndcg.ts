import { demandOneOf, demandOptions } from '../arguments.ts';
import { meanOverQueries, type RankedQuery, type RankingOptions } from './ranked-queries.ts';

/** How {@link ndcg} counts. */
export interface NdcgOptions extends RankingOptions {
  /** What an item is worth: its relevance, or 2^relevance - 1 (Burges et al. 2005), which stresses the most relevant. @default 'linear' */
  gain?: 'linear' | 'exponential' | undefined;
}

/**
 * Normalised discounted cumulative gain, the mean over the queries (Järvelin & Kekäläinen 2002): Σ gain / log2(place + 1) over the first `k` places of each
 * query's items by descending score, divided by what the best order would give. 0 to 1, higher is better.
 *
 * `relevance` and `scores` have one list per query. Items of equal score share the mean of their places' discounts, the expectation over all their orders
 * (McSherry & Najork 2008), as in scikit-learn. A query without any relevant item counts 0, as there. ±Infinity are the extreme scores; items with a NaN are
 * left out; NaN without any query. O(n log n).
 *
 * Throws `ValidationError` when lists differ in length, a relevance is negative or infinite, or `k` is no whole number of at least 1.
 *
 * @example
 * ```ts
 * import { ndcg } from 'modelkeep/stats';
 *
 * console.log(ndcg([[3, 2, 3, 0, 1, 2]], [[0.9, 0.8, 0.7, 0.6, 0.5, 0.4]], { k: 3 }).toFixed(6)); // 0.977781
 * ```
 */
export function ndcg(relevance: ArrayLike<ArrayLike<number>>, scores: ArrayLike<ArrayLike<number>>, options: NdcgOptions = {}): number {
  const { k = Infinity, gain = 'linear' } = demandOptions(options);
  demandOneOf('gain', gain, ['linear', 'exponential']);
  return meanOverQueries(relevance, scores, k, (query) => {
    // Divided by the largest, so that no power of two overflows; the ratio stays the same.
    const most = query.relevance.reduce((a, b) => Math.max(a, b), 0);
    if (most === 0) return 0;
    const gains = query.relevance.map((one) => (gain === 'linear' ? one / most : exponentialShare(one, most)));
    const best = gains.slice().sort().reverse();
    return discounted(gains, query.tieEnds, k) / discounted(best, undefined, k);
  });
}

/** (2^one - 1) / (2^most - 1). */
function exponentialShare(one: number, most: number): number {
  return most < 1000 ? Math.expm1(one * Math.LN2) / Math.expm1(most * Math.LN2) : 2 ** (one - most);
}

function discounted(gains: Float64Array, tieEnds: RankedQuery['tieEnds'] | undefined, k: number): number {
  let sum = 0;
  let start = 0;
  for (let tie = 0; start < gains.length && start < k; tie++) {
    const end = tieEnds === undefined ? start + 1 : tieEnds[tie]!;
    let gain = 0;
    let discount = 0;
    for (let i = start; i < end; i++) {
      gain += gains[i]!;
      if (i < k) discount += 1 / Math.log2(i + 2);
    }
    sum += (gain / (end - start)) * discount;
    start = end;
  }
  return sum;
}
