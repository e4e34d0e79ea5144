import { averagedRate, type ClassAverageOptions, ratio } from './class-average.ts';
import type { Label } from './label.ts';

/**
 * The share of the predictions of a class that are right: TP / (TP + FP), 0 to 1.
 *
 * By default of the positive class against all others; `average` gives that of several classes, as in scikit-learn. A class that was never predicted has 0.
 * Rows with a NaN or `null` are left out (filter first to know how many); NaN when none is left. O(n).
 *
 * Throws `ValidationError` when the lists differ in length, a weight is negative, or the classes are not 0/1, -1/1 or booleans and neither `positive` nor an
 * `average` says what is meant.
 *
 * @example
 * ```ts
 * import { precision } from 'modelkeep/stats';
 *
 * console.log(precision([1, 0, 1, 1, 0], [1, 0, 0, 1, 1])); // 0.6666666666666666
 * console.log(precision(['a', 'b', 'c'], ['a', 'b', 'b'], { average: 'macro' })); // 0.5
 * ```
 */
export function precision(labels: ArrayLike<Label>, predictions: ArrayLike<Label>, options: ClassAverageOptions = {}): number {
  return averagedRate(labels, predictions, options, ({ tp, fp }) => ratio(tp, tp + fp));
}
