import { ValidationError } from '../../core/errors.ts';
import { demandSameLength, demandWhole } from '../arguments.ts';
import { ascendingOrder } from '../samples/ascending-order.ts';

/** How deep a ranking is looked at. */
export interface RankingOptions {
  /** How many of the first places count. @default all */
  k?: number | undefined;
}

/** One query's items from the highest score down. */
export interface RankedQuery {
  readonly relevance: Float64Array;
  /** For every tie, in order, the number of items up to its end. */
  readonly tieEnds: Uint32Array;
}

/** The mean of a metric over the queries; NaN without any. */
export function meanOverQueries(
  relevance: ArrayLike<ArrayLike<number>>,
  scores: ArrayLike<ArrayLike<number>>,
  k: number | undefined,
  metric: (query: RankedQuery) => number,
): number {
  demandSameLength('relevance', relevance, 'scores', scores);
  if (k !== undefined && k !== Infinity) demandWhole('k', k, 1);
  let sum = 0;
  for (let query = 0; query < relevance.length; query++) sum += metric(rankQuery(relevance[query]!, scores[query]!, query));
  return sum / relevance.length;
}

function rankQuery(relevance: ArrayLike<number>, scores: ArrayLike<number>, query: number): RankedQuery {
  demandSameLength(`relevance[${query}]`, relevance, `scores[${query}]`, scores);
  const kept = { relevance: new Float64Array(scores.length), score: new Float64Array(scores.length) };
  let n = 0;
  for (let i = 0; i < scores.length; i++) {
    const gain = relevance[i]!;
    const score = scores[i]!;
    if (typeof gain !== 'number' || typeof score !== 'number' || Number.isNaN(score)) continue;
    if (gain < 0 || gain === Infinity) {
      throw new ValidationError(`relevance[${query}][${i}] is ${gain}; a relevance is finite and not negative.`, { path: `relevance[${query}][${i}]` });
    }
    if (Number.isNaN(gain)) continue;
    kept.relevance[n] = gain;
    kept.score[n++] = score;
  }
  const values = kept.score.subarray(0, n);
  const order = ascendingOrder(values).reverse();
  const tieEnds = new Uint32Array(n);
  let ties = 0;
  for (let i = 1; i <= n; i++) if (i === n || values[order[i]!] !== values[order[i - 1]!]) tieEnds[ties++] = i;
  return { relevance: Float64Array.from(order, (i) => kept.relevance[i]!), tieEnds: tieEnds.subarray(0, ties) };
}
