import { averagedRate, type ClassAverageOptions, ratio } from './class-average.ts';
import type { Label } from './label.ts';

/**
 * The share of the rows of other classes that were not taken for the class: TN / (TN + FP), 0 to 1; also true negative rate.
 *
 * By default of the positive class against all others; `average` gives that of several classes, as in scikit-learn. Where every row is of the class it is 0.
 * Rows with a NaN or `null` are left out (filter first to know how many); NaN when none is left. O(n).
 *
 * Throws `ValidationError` when the lists differ in length, a weight is negative, or the classes are not 0/1, -1/1 or booleans and neither `positive` nor an
 * `average` says what is meant.
 *
 * @example
 * ```ts
 * import { specificity } from 'modelkeep/stats';
 *
 * console.log(specificity([1, 0, 1, 1, 0], [1, 0, 0, 1, 1])); // 0.5
 * console.log(specificity(['a', 'b', 'c'], ['a', 'b', 'b'], { average: 'macro' })); // 0.8333333333333334
 * ```
 */
export function specificity(labels: ArrayLike<Label>, predictions: ArrayLike<Label>, options: ClassAverageOptions = {}): number {
  return averagedRate(labels, predictions, options, ({ tn, fp }) => ratio(tn, tn + fp));
}
