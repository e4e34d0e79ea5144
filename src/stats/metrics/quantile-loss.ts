import { demandOptions, demandProbability } from '../arguments.ts';
import { scaledLoss } from './prediction-errors.ts';
import type { WeightOptions } from './weights.ts';

/** Which quantile {@link quantileLoss} is about. */
export interface QuantileLossOptions extends WeightOptions {
  /** The quantile that was predicted, 0 to 1. @default 0.5 */
  quantile?: number | undefined;
}

/**
 * The mean pinball loss of predictions of a quantile q: q·(label - prediction) where the label is above and (1 - q)·(prediction - label) where it is below
 * (Koenker & Bassett 1978); the predictions that minimise it are the q-quantiles. At 0.5 it is half the mean absolute error.
 *
 * Pairs with a NaN, `null` or ±Infinity are left out (filter first to know how many); NaN when none is left. O(n).
 *
 * Throws `ValidationError` when the lists differ in length, `quantile` is outside 0 to 1 or a weight is negative.
 *
 * @example
 * ```ts
 * import { quantileLoss } from 'modelkeep/stats';
 *
 * console.log(quantileLoss([10, 12, 9], [11, 13, 12], { quantile: 0.75 })); // 0.4166666666666667
 * ```
 */
export function quantileLoss(labels: ArrayLike<number>, predictions: ArrayLike<number>, options: QuantileLossOptions = {}): number {
  const { quantile = 0.5, weights } = demandOptions(options);
  demandProbability('quantile', quantile);
  const { mean, scale } = scaledLoss(labels, predictions, weights, (prediction) => prediction, (error) => (error > 0 ? quantile * error : (quantile - 1) * error));
  return mean / scale;
}
