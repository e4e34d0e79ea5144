import { demandOptions } from '../arguments.ts';
import type { Label } from './label.ts';
import { scoreSteps, sortScores } from './scored-labels.ts';

/** Which class {@link averagePrecision} is about. */
export interface AveragePrecisionOptions {
  /** The class that high scores speak for. @default 1 or true */
  positive?: Label | undefined;
}

/**
 * Σ (Rₖ - Rₖ₋₁)·Pₖ over the distinct scores from the highest down: the area under the precision–recall curve by steps, without interpolation, as in
 * scikit-learn. Scores that know nothing get about the share of positives.
 *
 * Equal scores are one step. ±Infinity take part. Rows with a missing label or a NaN score are left out (filter first to know how many); NaN when there is no
 * positive row (scikit-learn says 0). O(n log n).
 *
 * Throws `ValidationError` when the lists differ in length, or the labels are not 0/1, -1/1 or booleans and `positive` does not say what is meant.
 *
 * @example
 * ```ts
 * import { averagePrecision } from 'modelkeep/stats';
 *
 * console.log(averagePrecision([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])); // 0.8333333333333333
 * ```
 */
export function averagePrecision(labels: ArrayLike<Label>, scores: ArrayLike<number>, options: AveragePrecisionOptions = {}): number {
  demandOptions(options);
  const sides = sortScores(labels, scores, options.positive);
  const { truePositives, falsePositives } = scoreSteps(sides);
  let sum = 0;
  let before = 0;
  for (let i = 0; i < truePositives.length; i++) {
    const hits = truePositives[i]!;
    if (hits > before) sum += (hits - before) * (hits / (hits + falsePositives[i]!));
    before = hits;
  }
  return sum / sides.positives.length;
}
