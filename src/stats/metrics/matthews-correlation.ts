import { demandOptions } from '../arguments.ts';
import { countClasses } from './class-counts.ts';
import type { Label } from './label.ts';
import type { WeightOptions } from './weights.ts';

/**
 * Matthews' correlation of labels and predictions, -1 to 1: 1 when all are right, 0 for guessing; for more than two classes R_K of Gorodkin (2004),
 * (c·s - Σ pₖ·tₖ) / √((s² - Σ pₖ²)·(s² - Σ tₖ²)) with s rows, c right ones, and class k observed tₖ and predicted pₖ times.
 *
 * 0 where all labels or all predictions are of one class. Rows with a NaN or `null` are left out (filter first to know how many); NaN when none is left. O(n).
 *
 * Throws `ValidationError` when the lists differ in length or a weight is negative.
 *
 * @example
 * ```ts
 * import { matthewsCorrelation } from 'modelkeep/stats';
 *
 * console.log(matthewsCorrelation([1, 1, 0, 0], [1, 1, 0, 1]).toFixed(6)); // 0.577350
 * ```
 */
export function matthewsCorrelation(labels: ArrayLike<Label>, predictions: ArrayLike<Label>, options: WeightOptions = {}): number {
  demandOptions(options);
  const { observed, predicted, right, total } = countClasses(labels, predictions, options.weights);
  if (!(total > 0)) return NaN;
  let both = 0;
  let spreadObserved = 0;
  let spreadPredicted = 0;
  for (let i = 0; i < observed.length; i++) {
    both += predicted[i]! * observed[i]!;
    spreadObserved += observed[i]! * (total - observed[i]!);
    spreadPredicted += predicted[i]! * (total - predicted[i]!);
  }
  if (spreadObserved === 0 || spreadPredicted === 0) return 0;
  return Math.max(-1, Math.min(1, (right * total - both) / Math.sqrt(spreadObserved * spreadPredicted)));
}
