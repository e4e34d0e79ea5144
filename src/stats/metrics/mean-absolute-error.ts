import { demandOptions } from '../arguments.ts';
import { scaledLoss } from './prediction-errors.ts';
import type { WeightOptions } from './weights.ts';

/**
 * The mean of |label - prediction| (MAE), in the unit of the labels.
 *
 * Pairs with a NaN, `null` or ±Infinity are left out (filter first to know how many); NaN when none is left. O(n).
 *
 * Throws `ValidationError` when the lists differ in length or a weight is negative.
 *
 * @example
 * ```ts
 * import { meanAbsoluteError } from 'modelkeep/stats';
 *
 * console.log(meanAbsoluteError([3, 1, 2, 7], [2.5, 0, 2, 8])); // 0.625
 * ```
 */
export function meanAbsoluteError(labels: ArrayLike<number>, predictions: ArrayLike<number>, options: WeightOptions = {}): number {
  demandOptions(options);
  const { mean, scale } = scaledLoss(labels, predictions, options.weights, (prediction) => prediction, Math.abs);
  return mean / scale;
}
