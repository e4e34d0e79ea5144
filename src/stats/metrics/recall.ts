import { averagedRate, type ClassAverageOptions, ratio } from './class-average.ts';
import type { Label } from './label.ts';

/**
 * The share of the rows of a class that were found: TP / (TP + FN), 0 to 1; also sensitivity, true positive rate.
 *
 * By default of the positive class against all others; `average` gives that of several classes, as in scikit-learn. A class that was never observed has 0. Rows
 * with a NaN or `null` are left out (filter first to know how many); NaN when none is left. O(n).
 *
 * Throws `ValidationError` when the lists differ in length, a weight is negative, or the classes are not 0/1, -1/1 or booleans and neither `positive` nor an
 * `average` says what is meant.
 *
 * @example
 * ```ts
 * import { recall } from 'modelkeep/stats';
 *
 * console.log(recall([1, 0, 1, 1, 0], [1, 0, 0, 1, 1])); // 0.6666666666666666
 * console.log(recall(['a', 'b', 'c'], ['a', 'b', 'b'], { average: 'macro' })); // 0.6666666666666666
 * ```
 */
export function recall(labels: ArrayLike<Label>, predictions: ArrayLike<Label>, options: ClassAverageOptions = {}): number {
  return averagedRate(labels, predictions, options, ({ tp, fn }) => ratio(tp, tp + fn));
}
