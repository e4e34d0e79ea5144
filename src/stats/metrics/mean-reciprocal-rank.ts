import { demandOptions } from '../arguments.ts';
import { meanOverQueries, type RankingOptions } from './ranked-queries.ts';

/**
 * The mean over the queries of 1 / place of the first relevant item (relevance above 0) by descending score (MRR; Voorhees 1999). 0 to 1, higher is better.
 *
 * `relevance` and `scores` have one list per query. Ties give the expectation over all orders of the items of equal score (McSherry & Najork 2008). A query
 * without any relevant item among the first `k` counts 0. ±Infinity are the extreme scores; items with a NaN are left out; NaN without any query. O(n log n).
 *
 * Throws `ValidationError` when lists differ in length, a relevance is negative or infinite, or `k` is no whole number of at least 1.
 *
 * @example
 * ```ts
 * import { meanReciprocalRank } from 'modelkeep/stats';
 *
 * console.log(meanReciprocalRank([[0, 1, 0], [1, 0, 0]], [[0.9, 0.8, 0.1], [0.9, 0.2, 0.1]])); // 0.75
 * ```
 */
export function meanReciprocalRank(relevance: ArrayLike<ArrayLike<number>>, scores: ArrayLike<ArrayLike<number>>, options: RankingOptions = {}): number {
  const { k = Infinity } = demandOptions(options);
  return meanOverQueries(relevance, scores, k, (query) => {
    let start = 0;
    for (const end of query.tieEnds) {
      let relevant = 0;
      for (let i = start; i < end; i++) if (query.relevance[i]! > 0) relevant++;
      if (relevant > 0) return expectedReciprocal(start, end - start, relevant, k);
      start = end;
    }
    return 0;
  });
}

/** The expectation of 1 / place of the first relevant item of a tie of `size` items that begins after `start` places. */
function expectedReciprocal(start: number, size: number, relevant: number, k: number): number {
  let sum = 0;
  let noneYet = 1;
  for (let i = 0; i < size && start + i < k && noneYet > 0; i++) {
    const now = relevant / (size - i);
    sum += (noneYet * now) / (start + i + 1);
    noneYet *= 1 - now;
  }
  return sum;
}
