import { demandOptions, demandPositive } from '../arguments.ts';
import { averagedRate, type ClassAverageOptions, ratio } from './class-average.ts';
import type { Label } from './label.ts';

/** Whose {@link fBeta} is wanted. */
export interface FBetaOptions extends ClassAverageOptions {
  /** How many times as much recall matters as precision. @default 1 */
  beta?: number | undefined;
}

/**
 * The weighted harmonic mean of precision and recall: (1 + β²)·TP / ((1 + β²)·TP + β²·FN + FP), 0 to 1 (van Rijsbergen 1979). Without a `beta` it is F1.
 *
 * By default of the positive class against all others; `average` gives that of several classes, as in scikit-learn. A class that was neither observed nor
 * predicted has 0. Rows with a NaN or `null` are left out (filter first to know how many); NaN when none is left. O(n).
 *
 * Throws `ValidationError` when the lists differ in length, `beta` is not positive, a weight is negative, or the classes are not 0/1, -1/1 or booleans and
 * neither `positive` nor an `average` says what is meant.
 *
 * @example
 * ```ts
 * import { fBeta } from 'modelkeep/stats';
 *
 * const labels = ['spam', 'ham', 'spam', 'spam', 'ham'];
 * const predictions = ['spam', 'ham', 'ham', 'spam', 'ham'];
 * console.log(fBeta(labels, predictions, { positive: 'spam' })); // 0.8
 * console.log(fBeta(labels, predictions, { positive: 'spam', beta: 2 })); // 0.7142857142857143
 * ```
 */
export function fBeta(labels: ArrayLike<Label>, predictions: ArrayLike<Label>, options: FBetaOptions = {}): number {
  const { beta = 1 } = demandOptions(options);
  demandPositive('beta', beta);
  const square = beta * beta;
  return averagedRate(labels, predictions, options, ({ tp, fp, fn }) => ratio((1 + square) * tp, (1 + square) * tp + square * fn + fp));
}
