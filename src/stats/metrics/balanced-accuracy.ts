import { demandOptions } from '../arguments.ts';
import { countClasses } from './class-counts.ts';
import type { Label } from './label.ts';
import type { WeightOptions } from './weights.ts';

/**
 * The mean of the recall of every class that was observed, 0 to 1: what accuracy would be if all classes were equally frequent (Brodersen et al. 2010).
 * Guessing gives 1/k for k classes.
 *
 * Rows with a NaN or `null` are left out (filter first to know how many); NaN when none is left. O(n).
 *
 * Throws `ValidationError` when the lists differ in length or a weight is negative.
 *
 * @example
 * ```ts
 * import { balancedAccuracy } from 'modelkeep/stats';
 *
 * console.log(balancedAccuracy([0, 0, 0, 0, 1, 1], [0, 0, 0, 0, 0, 1])); // 0.75
 * ```
 */
export function balancedAccuracy(labels: ArrayLike<Label>, predictions: ArrayLike<Label>, options: WeightOptions = {}): number {
  demandOptions(options);
  const { hits, observed } = countClasses(labels, predictions, options.weights);
  let sum = 0;
  let classes = 0;
  for (let i = 0; i < hits.length; i++) {
    if (observed[i]! > 0) {
      sum += hits[i]! / observed[i]!;
      classes++;
    }
  }
  return sum / classes;
}
