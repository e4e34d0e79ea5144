import { demandOptions } from '../arguments.ts';
import { meanOverQueries, type RankingOptions } from './ranked-queries.ts';

/**
 * The mean over the queries of their average precision (MAP): the mean, over the relevant items (relevance above 0), of the share of relevant ones among all
 * items down to each, by descending score. With `k` only the first k places count, and the sum is divided by the most that k places can hold, min(k, relevant
 * items). 0 to 1, higher is better.
 *
 * `relevance` and `scores` have one list per query. Ties give the expectation over all orders of the items of equal score (McSherry & Najork 2008), which
 * differs from `averagePrecision`, where a tie is one step. A query without any relevant item counts 0. ±Infinity are the extreme scores; items with a NaN are
 * left out; NaN without any query. O(n log n).
 *
 * Throws `ValidationError` when lists differ in length, a relevance is negative or infinite, or `k` is no whole number of at least 1.
 *
 * @example
 * ```ts
 * import { meanAveragePrecision } from 'modelkeep/stats';
 *
 * console.log(meanAveragePrecision([[1, 0, 1], [0, 1, 0]], [[0.9, 0.8, 0.1], [0.9, 0.2, 0.1]])); // 0.6666666666666666
 * ```
 */
export function meanAveragePrecision(relevance: ArrayLike<ArrayLike<number>>, scores: ArrayLike<ArrayLike<number>>, options: RankingOptions = {}): number {
  const { k = Infinity } = demandOptions(options);
  return meanOverQueries(relevance, scores, k, (query) => {
    let sum = 0;
    let found = 0;
    let start = 0;
    for (const end of query.tieEnds) {
      let relevant = 0;
      for (let i = start; i < end; i++) if (query.relevance[i]! > 0) relevant++;
      const size = end - start;
      for (let i = 0; i < size && start + i < k && relevant > 0; i++) {
        // A relevant item at place i of its tie has on average this many of the tie's other relevant ones before it.
        const before = size > 1 ? ((relevant - 1) * i) / (size - 1) : 0;
        sum += ((relevant / size) * (found + 1 + before)) / (start + i + 1);
      }
      found += relevant;
      start = end;
    }
    return found === 0 ? 0 : sum / Math.min(k, found);
  });
}
