import { demandOptions } from '../arguments.ts';
import { meanLoss } from './prediction-errors.ts';
import type { WeightOptions } from './weights.ts';

/**
 * The mean of |label - prediction| / |label| (MAPE), as a fraction: 0.1 is 10 %.
 *
 * A label of 0 is taken for 2.2e-16, as in scikit-learn, so that an error there makes the mean enormous rather than infinite: not a metric for labels around 0.
 * Pairs with a NaN, `null` or ±Infinity are left out (filter first to know how many); NaN when none is left. O(n).
 *
 * Throws `ValidationError` when the lists differ in length or a weight is negative.
 *
 * @example
 * ```ts
 * import { meanAbsolutePercentageError } from 'modelkeep/stats';
 *
 * console.log(meanAbsolutePercentageError([3, 1, 2, 7], [2.5, 0, 2, 8])); // 0.3273809523809524
 * ```
 */
export function meanAbsolutePercentageError(labels: ArrayLike<number>, predictions: ArrayLike<number>, options: WeightOptions = {}): number {
  demandOptions(options);
  return meanLoss(labels, predictions, options.weights, (label, prediction) => {
    const gap = Math.abs(label - prediction);
    // Halves where the difference has no double.
    return gap < Infinity ? gap / Math.max(Math.abs(label), Number.EPSILON) : Math.abs(label / 2 - prediction / 2) / Math.max(Math.abs(label / 2), Number.EPSILON / 2);
  });
}
