import { demandOptions } from '../arguments.ts';
import { meanLoss, scaledLoss } from './prediction-errors.ts';
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
  meanLoss(labels, predictions, weights, (label) => {
    if (Number.isNaN(first)) first = label;
    if (label !== first) constant = false;
    return 0;
  });
  if (constant) return NaN;
  const offset = scaledLoss(labels, predictions, weights, () => first, (error) => error);
  // Put together on the smaller scale, where the offset of large numbers has a double.
  const mean = offset.scale < 1 ? (first * offset.scale + offset.mean) / offset.scale : first + offset.mean / offset.scale;
  const error = scaledLoss(labels, predictions, weights, (prediction) => prediction, (gap) => gap * gap);
  const total = scaledLoss(labels, predictions, weights, () => mean, (gap) => gap * gap);
  const unit = total.scale / error.scale;
  return 1 - (error.mean / total.mean) * unit * unit;
}
