import { demandOptions } from '../arguments.ts';
import { countClasses } from './class-counts.ts';
import type { Label } from './label.ts';
import type { WeightOptions } from './weights.ts';

/**
 * Cohen's κ: how far agreement exceeds that of chance, (pₒ - pₑ) / (1 - pₑ) with pₒ the share of equal rows and pₑ what the frequencies of the classes alone
 * would give (Cohen 1960). 1 is full agreement, 0 that of chance; symmetric in its two lists, so it serves for two raters as well.
 *
 * NaN where chance alone agrees fully: both lists have one and the same class throughout. Rows with a NaN or `null` are left out (filter first to know how
 * many); NaN when none is left. O(n).
 *
 * Throws `ValidationError` when the lists differ in length or a weight is negative.
 *
 * @example
 * ```ts
 * import { cohenKappa } from 'modelkeep/stats';
 *
 * console.log(cohenKappa([1, 1, 0, 0], [1, 0, 0, 0])); // 0.5
 * ```
 */
export function cohenKappa(labels: ArrayLike<Label>, predictions: ArrayLike<Label>, options: WeightOptions = {}): number {
  demandOptions(options);
  const { observed, predicted, right, total } = countClasses(labels, predictions, options.weights);
  let both = 0;
  let chanceDiffers = 0;
  for (let i = 0; i < observed.length; i++) {
    both += observed[i]! * predicted[i]!;
    chanceDiffers += observed[i]! * (total - predicted[i]!);
  }
  return (right * total - both) / chanceDiffers;
}
