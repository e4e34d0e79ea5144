import { demandOptions } from '../arguments.ts';
import { meanLoss } from './prediction-errors.ts';
import type { WeightOptions } from './weights.ts';

/**
 * The mean of (ln(1 + label) - ln(1 + prediction))² (MSLE): the squared error of ratios, for labels that are not negative.
 *
 * Where a label or a prediction is below -1 there is no logarithm and the result is NaN; at -1 it is infinite (NaN where both are). Pairs with a NaN, `null` or
 * ±Infinity are left out (filter first to know how many); NaN when none is left. O(n).
 *
 * Throws `ValidationError` when the lists differ in length or a weight is negative.
 *
 * @example
 * ```ts
 * import { meanSquaredLogError } from 'modelkeep/stats';
 *
 * console.log(meanSquaredLogError([3, 1, 2, 7], [2.5, 0, 2, 8]).toFixed(6)); // 0.128039
 * ```
 */
export function meanSquaredLogError(labels: ArrayLike<number>, predictions: ArrayLike<number>, options: WeightOptions = {}): number {
  demandOptions(options);
  return meanLoss(labels, predictions, options.weights, (label, prediction) => (Math.log1p(label) - Math.log1p(prediction)) ** 2);
}
