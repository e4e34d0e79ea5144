import { demandOptions, demandSameLength } from '../arguments.ts';
import { type Label, positiveFlags } from './label.ts';
import { probabilityAt } from './probability.ts';
import { demandWeights, type WeightOptions } from './weights.ts';

/** Which class {@link brierScore} takes the probabilities to be of. */
export interface BrierScoreOptions extends WeightOptions {
  /** The class that the probabilities are of. @default 1 or true */
  positive?: Label | undefined;
}

/**
 * The mean squared difference of the probability of the positive class and what happened (1 or 0): 0 to 1, lower is better (Brier 1950, in its form for two
 * classes).
 *
 * Rows with a missing label or a NaN probability are left out (filter first to know how many); NaN when none is left. O(n).
 *
 * Throws `ValidationError` when the lists differ in length, a number is no probability (1e-6 outside 0 to 1 is taken for rounding), a weight is negative, or
 * the labels are not 0/1, -1/1 or booleans and `positive` does not say what is meant.
 *
 * @example
 * ```ts
 * import { brierScore } from 'modelkeep/stats';
 *
 * console.log(brierScore([1, 0, 1], [0.5, 0, 1])); // 0.08333333333333333
 * ```
 */
export function brierScore(labels: ArrayLike<Label>, probabilities: ArrayLike<number>, options: BrierScoreOptions = {}): number {
  const { positive, weights } = demandOptions(options);
  demandSameLength('labels', labels, 'probabilities', probabilities);
  demandWeights(weights, 'labels', labels);
  const flags = positiveFlags('labels', labels, positive);
  let sum = 0;
  let total = 0;
  for (let i = 0; i < flags.length; i++) {
    const p = probabilityAt('probabilities', probabilities, i);
    if (flags[i]! < 0 || Number.isNaN(p)) continue;
    const weight = weights === undefined ? 1 : weights[i]!;
    sum += weight * (p - flags[i]!) ** 2;
    total += weight;
  }
  return sum / total;
}
