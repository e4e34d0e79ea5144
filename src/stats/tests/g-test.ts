import { chiSquared } from '../distributions/chi-squared.ts';
import { deviance } from '../special/saddle-point.ts';
import { marginsOf, sumOverCells } from './contingency-table.ts';
import { sumOfFit, type GoodnessOfFitOptions, type GoodnessOfFitResult } from './goodness-of-fit.ts';
import type { TestResult } from './test-result.ts';

/** What {@link gTest} found. */
export interface GTestResult extends TestResult {
  /** Degrees of freedom of the table without its empty rows and columns; 0 when there was too little to compare. */
  readonly df: number;
  /** The smallest expected count; under 5 the law of the statistic is unreliable. */
  readonly smallestExpected: number;
}

/**
 * The G-test of independence on a table of counts (rows × columns), the likelihood-ratio counterpart of `chiSquareTest`: G = 2 Σ O ln(O / E) with
 * E = row sum · column sum / total (Wilks 1935), chi-squared with (rows - 1)(columns - 1) degrees of freedom. An empty cell adds nothing. G / (2 · total) is the mutual
 * information of rows and columns, in nats. Summed without cancellation, so a G near 0 keeps its digits.
 *
 * Rows and columns without any count are left out; with fewer than two of either left G is 0 and p is 1. Costs O(rows · columns).
 *
 * @throws ValidationError for rows of different lengths and counts that are negative or not finite.
 *
 * @example
 * ```ts
 * import { gTest } from 'modelkeep/stats';
 *
 * const { statistic, df, pValue } = gTest([
 *   [12, 5],
 *   [3, 14],
 * ]);
 * console.log(statistic.toFixed(3), df, pValue.toFixed(5)); // 10.221 1 0.00139
 * ```
 */
export function gTest(table: readonly ArrayLike<number>[]): GTestResult {
  const margins = marginsOf(table);
  const { filledRows: r, filledColumns: c } = margins;
  if (r < 2 || c < 2) return { statistic: 0, pValue: 1, method: 'g-test', df: 0, smallestExpected: 0 };
  const { statistic, smallestExpected } = sumOverCells(table, margins, likelihoodPart);
  const df = (r - 1) * (c - 1);
  return { statistic, pValue: chiSquared.sf(statistic, df), method: 'g-test', df, smallestExpected };
}

/**
 * The G-test of goodness of fit: G = 2 Σ O ln(O / E), chi-squared with categories - 1 - `ddof` degrees of freedom. Without `expected` all categories are equally
 * likely; otherwise it has one share, weight or count per category, brought to the total observed unless `rescale` is false.
 *
 * A category that is neither expected nor observed is left out; one that is observed though not expected gives the statistic Infinity and p 0. When nothing was
 * observed, nothing is expected, or no degree of freedom is left, the statistic is 0 and p is 1. Costs O(categories). As with `chiSquareGoodnessOfFit`, the
 * expected distribution is taken as known exactly.
 *
 * @throws ValidationError for lists of different lengths, counts that are negative or not finite, and, with `rescale: false`, sums that differ.
 *
 * @example
 * ```ts
 * import { gGoodnessOfFit } from 'modelkeep/stats';
 *
 * const { pValue } = gGoodnessOfFit([480, 330, 190], [0.5, 0.3, 0.2]);
 * console.log(pValue > 0.05); // true
 * ```
 */
export function gGoodnessOfFit(observed: ArrayLike<number>, expected?: ArrayLike<number>, options: GoodnessOfFitOptions = {}): GoodnessOfFitResult {
  const { statistic, df, smallestExpected } = sumOfFit(observed, expected, options, likelihoodPart);
  return { statistic, pValue: df === 0 ? 1 : chiSquared.sf(statistic, df), method: 'g-test', df, smallestExpected };
}

/** O ln(O / E) with E - O added, which sums to nothing over the cells and makes each part positive. */
function likelihoodPart(observed: number, expected: number): number {
  return 2 * deviance(observed, expected);
}
