import { ValidationError } from '../../core/errors.ts';
import { shown } from '../../core/shown.ts';
import { demandOptions, demandSameLength } from '../arguments.ts';
import { ascendingOrder } from '../samples/ascending-order.ts';
import { ratio } from './class-average.ts';
import { type Label, positiveFlags } from './label.ts';
import { probabilityAt } from './probability.ts';

/** What else {@link estimatedPerformance} may know. */
export interface EstimatedPerformanceOptions {
  /** The raw scores that predictions were made from and that rank the rows. @default the probabilities */
  scores?: ArrayLike<number> | undefined;
  /** The label of the positive class among the predictions. @default 1 or true */
  positive?: Label | undefined;
}

/** What {@link estimatedPerformance} expects, before any label is known. */
export interface EstimatedPerformance {
  /** Expected rows that are predicted positive and are. */
  readonly truePositives: number;
  /** Expected rows that are predicted positive and are not. */
  readonly falsePositives: number;
  /** Expected rows that are predicted negative and are positive. */
  readonly falseNegatives: number;
  /** Expected rows that are predicted negative and are. */
  readonly trueNegatives: number;
  /** Expected share of right predictions, 0 to 1; NaN without any row. */
  readonly accuracy: number;
  /** TP / (TP + FP), 0 to 1; 0 when nothing is predicted positive. */
  readonly precision: number;
  /** TP / (TP + FN), 0 to 1; 0 when no positive is expected. */
  readonly recall: number;
  /** TN / (TN + FP), 0 to 1; 0 when no negative is expected. */
  readonly specificity: number;
  /** TP / (TP + (FP + FN) / 2), 0 to 1. */
  readonly f1: number;
  /** The area under the ROC curve of the expected counts, 0 to 1; NaN when all probabilities are 0 or all are 1. */
  readonly rocAuc: number;
  /** The average precision of the expected counts, 0 to 1; NaN when all probabilities are 0. */
  readonly averagePrecision: number;
  /** Rows that took part. */
  readonly n: number;
  /** Rows that were left out because of a missing prediction or a NaN probability or score. */
  readonly dropped: number;
}

/**
 * The performance that a binary classifier should have, from calibrated probabilities and without labels: confidence-based performance estimation (CBPE) as
 * NannyML does it. A row predicted positive is a true positive with its probability p and a false positive with 1 - p, a row predicted negative a false
 * negative with p and a true negative with 1 - p; the metrics are those of the sums, and the area under the ROC curve that of the running sums in descending
 * order of the raw scores, equal ones together.
 *
 * It holds as long as the probabilities are calibrated (`isotonicRegression` on a labelled reference does that): it sees inputs move to where the model is less
 * sure, never that the model's errors have changed in kind. The ratios are those of expectations. `predictions` are labels, or `{ threshold }` of the raw
 * scores (positive from the threshold on).
 *
 * Rows with a missing prediction or a NaN are left out and counted; without any row the counts are 0, precision, recall, specificity and F1 too, and the others
 * NaN. O(n).
 *
 * Throws `ValidationError` when the lists differ in length, a probability is none (1e-6 outside 0 to 1 is taken for rounding), the threshold is NaN, or the
 * predictions are not 0/1, -1/1 or booleans and `positive` does not say what is meant.
 *
 * @example
 * ```ts
 * import { estimatedPerformance, isotonicRegression } from 'modelkeep/stats';
 *
 * const calibration = isotonicRegression([0.1, 0.3, 0.4, 0.6, 0.7, 0.9], [0, 0, 1, 0, 1, 1]);
 * const scores = [0.2, 0.5, 0.8, 0.95];
 * const expected = estimatedPerformance(calibration.predictAll(scores), { threshold: 0.5 }, { scores });
 * console.log(expected.accuracy, expected.recall); // 0.875 1
 * ```
 */
export function estimatedPerformance(
  probabilities: ArrayLike<number>,
  predictions: ArrayLike<Label> | { readonly threshold: number },
  options: EstimatedPerformanceOptions = {},
): EstimatedPerformance {
  const { scores = probabilities, positive } = demandOptions(options);
  demandSameLength('probabilities', probabilities, 'scores', scores);
  if (typeof predictions !== 'object' || predictions === null) {
    throw new ValidationError(`predictions is ${shown(predictions, 60)}; it must be a list of labels, or { threshold }.`, { path: 'predictions' });
  }
  const guesses = 'threshold' in predictions ? flagsFrom(scores, predictions.threshold) : positiveFlags('predictions', predictions, positive);
  demandSameLength('probabilities', probabilities, 'predictions', guesses);
  const size = probabilities.length;
  const kept = { p: new Float64Array(size), score: new Float64Array(size) };
  const sums = new Float64Array(4);
  let n = 0;
  for (let i = 0; i < size; i++) {
    const p = probabilityAt('probabilities', probabilities, i);
    const score = scores[i];
    const guess = guesses[i]!;
    if (guess < 0 || typeof score !== 'number' || Number.isNaN(score) || Number.isNaN(p)) continue;
    sums[2 * guess]! += 1 - p;
    sums[2 * guess + 1]! += p;
    kept.p[n] = p;
    kept.score[n++] = score;
  }
  const [tn, fn, fp, tp] = [sums[0]!, sums[1]!, sums[2]!, sums[3]!];
  return {
    truePositives: tp,
    falsePositives: fp,
    falseNegatives: fn,
    trueNegatives: tn,
    accuracy: (tp + tn) / n,
    precision: ratio(tp, tp + fp),
    recall: ratio(tp, tp + fn),
    specificity: ratio(tn, tn + fp),
    f1: ratio(tp, tp + (fp + fn) / 2),
    ...expectedRanking(kept.score.subarray(0, n), kept.p),
    n,
    dropped: size - n,
  };
}

function flagsFrom(scores: ArrayLike<number>, threshold: number): Int8Array {
  if (typeof threshold !== 'number' || Number.isNaN(threshold)) throw new ValidationError(`threshold is ${shown(threshold, 60)}; it must be a number.`, { path: 'threshold' });
  const flags = new Int8Array(scores.length);
  for (let i = 0; i < flags.length; i++) flags[i] = typeof scores[i] === 'number' && scores[i]! >= threshold ? 1 : 0;
  return flags;
}

/** Running sums of p and of 1 - p from the highest score down; every tie is one straight step. */
function expectedRanking(scores: Float64Array, p: Float64Array): { rocAuc: number; averagePrecision: number } {
  const order = ascendingOrder(scores);
  let hits = 0;
  let misses = 0;
  let area = 0;
  let precisions = 0;
  for (let end = order.length; end > 0; ) {
    let start = end;
    let ofHits = 0;
    let ofMisses = 0;
    while (start > 0 && scores[order[start - 1]!] === scores[order[end - 1]!]) {
      const probability = p[order[--start]!]!;
      ofHits += probability;
      ofMisses += 1 - probability;
    }
    area += ofMisses * (hits + ofHits / 2);
    hits += ofHits;
    misses += ofMisses;
    if (ofHits > 0) precisions += ofHits * (hits / (hits + misses));
    end = start;
  }
  return { rocAuc: area / (hits * misses), averagePrecision: precisions / hits };
}
