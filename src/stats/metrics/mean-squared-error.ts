import { demandOptions } from '../arguments.ts';
import { scaledLoss } from './prediction-errors.ts';
import type { WeightOptions } from './weights.ts';

/**
 * The mean of (label - prediction)² (MSE), in the square of the unit of the labels.
 *
 * Pairs with a NaN, `null` or ±Infinity are left out (filter first to know how many); NaN when none is left. O(n).
 *
 * Throws `ValidationError` when the lists differ in length or a weight is negative.
 *
 * @example
 * ```ts
 * import { meanSquaredError } from 'modelkeep/stats';
 *
 * console.log(meanSquaredError([3, 1, 2, 7], [2.5, 0, 2, 8])); // 0.5625
 * ```
 */
export function meanSquaredError(labels: ArrayLike<number>, predictions: ArrayLike<number>, options: WeightOptions = {}): number {
  demandOptions(options);
  const { mean, scale } = scaledLoss(labels, predictions, options.weights, (prediction) => prediction, (error) => error * error);
  return mean / scale / scale;
}
