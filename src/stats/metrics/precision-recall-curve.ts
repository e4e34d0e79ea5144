import { demandOptions } from '../arguments.ts';
import type { Label } from './label.ts';
import { scoreSteps, sortScores } from './scored-labels.ts';

/** Which class {@link precisionRecallCurve} is about. */
export interface PrecisionRecallCurveOptions {
  /** The class that high scores speak for. @default 1 or true */
  positive?: Label | undefined;
}

/** Precision and recall from the strictest threshold to the loosest: point i is what "positive at a score of at least `thresholds[i]`" gives. */
export interface PrecisionRecallCurve {
  /** The distinct scores, descending; the first is Infinity, where nothing is positive. */
  readonly thresholds: Float64Array;
  /** TP / (TP + FP) at each threshold, 0 to 1; 1 at the first, as in scikit-learn. */
  readonly precisions: Float64Array;
  /** TP / (TP + FN) at each threshold, ascending from 0 to 1; NaN when there is no positive row. */
  readonly recalls: Float64Array;
  /** Rows of the positive class that took part. */
  readonly positives: number;
  /** Rows of other classes that took part. */
  readonly negatives: number;
  /** Rows that were left out because of a missing label or a NaN score. */
  readonly dropped: number;
}

/**
 * Precision and recall at every distinct score. scikit-learn's `precision_recall_curve` has the same points from the loosest threshold to the strictest.
 *
 * Equal scores are one step. ±Infinity take part. Rows with a missing label or a NaN score are left out and counted; without any row the curve is its first
 * point alone. O(n log n).
 *
 * Throws `ValidationError` when the lists differ in length, or the labels are not 0/1, -1/1 or booleans and `positive` does not say what is meant.
 *
 * @example
 * ```ts
 * import { precisionRecallCurve } from 'modelkeep/stats';
 *
 * const { thresholds, precisions, recalls } = precisionRecallCurve([0, 1, 1], [0.4, 0.35, 0.8]);
 * console.log([...thresholds]); // [Infinity, 0.8, 0.4, 0.35]
 * console.log([...precisions]); // [1, 1, 0.5, 0.6666666666666666]
 * console.log([...recalls]); // [0, 0.5, 0.5, 1]
 * ```
 */
export function precisionRecallCurve(labels: ArrayLike<Label>, scores: ArrayLike<number>, options: PrecisionRecallCurveOptions = {}): PrecisionRecallCurve {
  demandOptions(options);
  const sides = sortScores(labels, scores, options.positive);
  const { thresholds, truePositives, falsePositives } = scoreSteps(sides);
  const size = thresholds.length + 1;
  const curve = { thresholds: new Float64Array(size), precisions: new Float64Array(size), recalls: new Float64Array(size) };
  const positives = sides.positives.length;
  curve.thresholds[0] = Infinity;
  curve.precisions[0] = 1;
  curve.recalls[0] = 0 / positives;
  for (let i = 1; i < size; i++) {
    const hits = truePositives[i - 1]!;
    curve.thresholds[i] = thresholds[i - 1]!;
    curve.precisions[i] = hits / (hits + falsePositives[i - 1]!);
    curve.recalls[i] = hits / positives;
  }
  return { ...curve, positives, negatives: sides.negatives.length, dropped: sides.dropped };
}
