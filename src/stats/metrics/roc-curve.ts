import { demandFlag, demandOptions } from '../arguments.ts';
import type { Label } from './label.ts';
import { scoreSteps, sortScores } from './scored-labels.ts';

/** Which points {@link rocCurve} gives. */
export interface RocCurveOptions {
  /** The class that high scores speak for. @default 1 or true */
  positive?: Label | undefined;
  /** Whether points on a straight line between their neighbours are left out; the curve and its area stay the same. @default true */
  thin?: boolean | undefined;
}

/** A ROC curve, from the strictest threshold to the loosest: point i is what "positive at a score of at least `thresholds[i]`" gives. */
export interface RocCurve {
  /** The scores, descending; the first is Infinity, where nothing is positive. */
  readonly thresholds: Float64Array;
  /** FP / (FP + TN) at each threshold, ascending from 0 to 1; NaN when there is no negative row. */
  readonly falsePositiveRates: Float64Array;
  /** TP / (TP + FN) at each threshold, ascending from 0 to 1; NaN when there is no positive row. */
  readonly truePositiveRates: Float64Array;
  /** Rows of the positive class that took part. */
  readonly positives: number;
  /** Rows of other classes that took part. */
  readonly negatives: number;
  /** Rows that were left out because of a missing label or a NaN score. */
  readonly dropped: number;
}

/**
 * The ROC curve: true against false positive rate at every distinct score (Fawcett 2006). Its trapezoid is the area that `rocAuc` gives.
 *
 * Equal scores are one step. ±Infinity take part. Rows with a missing label or a NaN score are left out and counted; without any row the curve is its first
 * point alone. O(n log n).
 *
 * Throws `ValidationError` when the lists differ in length, or the labels are not 0/1, -1/1 or booleans and `positive` does not say what is meant.
 *
 * @example
 * ```ts
 * import { rocCurve } from 'modelkeep/stats';
 *
 * const { thresholds, falsePositiveRates, truePositiveRates } = rocCurve([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]);
 * console.log([...thresholds]); // [Infinity, 0.8, 0.4, 0.35, 0.1]
 * console.log([...falsePositiveRates]); // [0, 0, 0.5, 0.5, 1]
 * console.log([...truePositiveRates]); // [0, 0.5, 0.5, 1, 1]
 * ```
 */
export function rocCurve(labels: ArrayLike<Label>, scores: ArrayLike<number>, options: RocCurveOptions = {}): RocCurve {
  const { positive, thin = true } = demandOptions(options);
  demandFlag('thin', thin);
  const sides = sortScores(labels, scores, positive);
  const steps = scoreSteps(sides);
  const size = steps.thresholds.length + 1;
  const x = new Float64Array(size);
  const y = new Float64Array(size);
  const thresholds = new Float64Array(size);
  thresholds[0] = Infinity;
  let kept = 1;
  for (let i = 0; i + 1 < size; i++) {
    const nextX = steps.falsePositives[i]!;
    const nextY = steps.truePositives[i]!;
    // Counts are whole, so the cross product is exact: 0 says that the last point kept lies on the way to this one.
    if (thin && kept > 1 && (nextX - x[kept - 1]!) * (y[kept - 1]! - y[kept - 2]!) === (nextY - y[kept - 1]!) * (x[kept - 1]! - x[kept - 2]!)) kept--;
    thresholds[kept] = steps.thresholds[i]!;
    x[kept] = nextX;
    y[kept++] = nextY;
  }
  const positives = sides.positives.length;
  const negatives = sides.negatives.length;
  return {
    thresholds: thresholds.slice(0, kept),
    falsePositiveRates: x.subarray(0, kept).map((count) => count / negatives),
    truePositiveRates: y.subarray(0, kept).map((count) => count / positives),
    positives,
    negatives,
    dropped: sides.dropped,
  };
}
