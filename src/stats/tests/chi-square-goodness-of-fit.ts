import { chiSquared } from '../distributions/chi-squared.ts';
import { pearsonPart } from './contingency-table.ts';
import { sumOfFit, type GoodnessOfFitOptions, type GoodnessOfFitResult } from './goodness-of-fit.ts';

/**
 * Pearson's chi-squared test of goodness of fit (1900): do counts come from a known distribution over the categories? The statistic is Σ (O - E)² / E, its law
 * chi-squared with categories - 1 - `ddof` degrees of freedom. Without `expected` all categories are equally likely; otherwise `expected` has one share,
 * weight or count per category, which is brought to the total observed unless `rescale` is false.
 *
 * The expected distribution is taken as known exactly. When it was counted in another sample, its own chance is left out and the test calls identical
 * populations different far too often; use `chiSquareTest` on both rows of counts then.
 *
 * A category that is neither expected nor observed is left out; one that is observed though not expected gives the statistic Infinity and p 0. When nothing was
 * observed, nothing is expected, or no degree of freedom is left, the statistic is 0 and p is 1. Costs O(categories).
 *
 * @throws ValidationError for lists of different lengths, counts that are negative or not finite, and, with `rescale: false`, sums that differ.
 *
 * @example
 * ```ts
 * import { chiSquareGoodnessOfFit } from 'modelkeep/stats';
 *
 * const dice = chiSquareGoodnessOfFit([16, 18, 16, 14, 12, 12]);
 * console.log(dice.statistic.toFixed(2), dice.df, dice.pValue.toFixed(3)); // 2.00 5 0.849
 *
 * const shares = chiSquareGoodnessOfFit([30, 70], [0.5, 0.5]);
 * console.log(shares.pValue < 0.001); // true
 * ```
 */
export function chiSquareGoodnessOfFit(observed: ArrayLike<number>, expected?: ArrayLike<number>, options: GoodnessOfFitOptions = {}): GoodnessOfFitResult {
  const { statistic, df, smallestExpected } = sumOfFit(observed, expected, options, pearsonPart);
  return { statistic, pValue: df === 0 ? 1 : chiSquared.sf(statistic, df), method: 'chi-square', df, smallestExpected };
}
