import { demandOptions, demandSameLength } from '../arguments.ts';
import { type Label, labelKey } from './label.ts';
import { demandWeights, type WeightOptions } from './weights.ts';

/**
 * The share of rows whose prediction is the label, by weight: 0 to 1.
 *
 * Rows with a NaN or `null` are left out (filter first to know how many, or take `dropped` of `confusionMatrix`); NaN when none is left. O(n).
 *
 * Throws `ValidationError` when the lists differ in length or a weight is negative.
 *
 * @example
 * ```ts
 * import { accuracy } from 'modelkeep/stats';
 *
 * console.log(accuracy([1, 0, 1, 1], [1, 0, 0, 1])); // 0.75
 * ```
 */
export function accuracy(labels: ArrayLike<Label>, predictions: ArrayLike<Label>, options: WeightOptions = {}): number {
  const { weights } = demandOptions(options);
  demandSameLength('labels', labels, 'predictions', predictions);
  demandWeights(weights, 'labels', labels);
  let right = 0;
  let total = 0;
  for (let i = 0; i < labels.length; i++) {
    const truth = labelKey(labels[i]);
    const guess = labelKey(predictions[i]);
    if (truth === undefined || guess === undefined) continue;
    const weight = weights === undefined ? 1 : weights[i]!;
    total += weight;
    if (truth === guess) right += weight;
  }
  return right / total;
}
