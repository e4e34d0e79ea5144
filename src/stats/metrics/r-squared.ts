import { demandOptions } from '../arguments.ts';
import { meanLoss } from './prediction-errors.ts';
import type { WeightOptions } from './weights.ts';

/**
 * The share of the labels' variance that the predictions explain: R² = 1 - Σ(label - prediction)² / Σ(label - mean)². 1 for perfect predictions, 0 for
 * predicting the mean, and negative for worse.
 *
 * Pairs with a NaN, `null` or ±Infinity are left out (filter first to know how many). NaN when none is left or all labels are equal, for then there is no
 * variance to explain (scikit-learn says 1 or 0 there). O(n).
 *
 * Throws `ValidationError` when the lists differ in length or a weight is negative.
 *
 * @example
 * ```ts
 * import { rSquared } from 'modelkeep/stats';
 *
 * console.log(rSquared([1, 2, 3, 4], [1.5, 2, 3, 3.5])); // 0.9
 * ```
 */
export function rSquared(labels: ArrayLike<number>, predictions: ArrayLike<number>, options: WeightOptions = {}): number {
  const { weights } = demandOptions(options);
  let first = NaN;
  let constant = true;
  const offset = meanLoss(labels, predictions, weights, (label) => {
    if (Number.isNaN(first)) first = label;
    if (label !== first) constant = false;
    return label - first;
  });
  if (constant) return NaN;
  const mean = first + offset;
  const error = meanLoss(labels, predictions, weights, (label, prediction) => (label - prediction) ** 2);
  return 1 - error / meanLoss(labels, predictions, weights, (label) => (label - mean) ** 2);
}
