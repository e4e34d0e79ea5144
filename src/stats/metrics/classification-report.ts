import { demandOptions } from '../arguments.ts';
import { countClasses } from './class-counts.ts';
import { ratio } from './class-average.ts';
import type { Label } from './label.ts';
import type { WeightOptions } from './weights.ts';

/** Which classes {@link classificationReport} tells about. */
export interface ClassificationReportOptions extends WeightOptions {
  /** The classes, in the order of the report. @default all that occur: numbers ascending, then texts */
  labels?: readonly Label[] | undefined;
}

/** How good the predictions are for one class, or over several. */
export interface ClassScores {
  /** TP / (TP + FP), 0 to 1; 0 when nothing was predicted. */
  readonly precision: number;
  /** TP / (TP + FN), 0 to 1; 0 when nothing was observed. */
  readonly recall: number;
  /** The harmonic mean of precision and recall, 0 to 1. */
  readonly f1: number;
  /** Rows in which the class (or any of them) was observed, by weight. */
  readonly support: number;
}

/** {@link ClassScores} of one class. */
export interface LabelScores extends ClassScores {
  /** The class. */
  readonly label: Label;
}

/** What {@link classificationReport} tells. */
export interface ClassificationReport {
  /** Each class, in order. */
  readonly classes: readonly LabelScores[];
  /** The share of all rows whose prediction is the label, 0 to 1. */
  readonly accuracy: number;
  /** The mean over the classes. */
  readonly macro: ClassScores;
  /** The mean over the classes, weighted by their support. */
  readonly weighted: ClassScores;
  /** From the counts of the classes added up; equals the accuracy when all classes are in the report. */
  readonly micro: ClassScores;
  /** Rows that took part. */
  readonly n: number;
  /** Rows that were left out because of a NaN or `null`. */
  readonly dropped: number;
}

/**
 * Precision, recall, F1 and support of every class and their averages, in one pass: scikit-learn's `classification_report`.
 *
 * Rows with a NaN or `null` are left out and counted; without any row (or class) accuracy and averages are NaN. O(n + k log k) for k classes.
 *
 * Throws `ValidationError` when the lists differ in length, a class is named twice or a weight is negative.
 *
 * @example
 * ```ts
 * import { classificationReport } from 'modelkeep/stats';
 *
 * const report = classificationReport(['cat', 'dog', 'cat', 'bird'], ['cat', 'dog', 'dog', 'bird']);
 * console.log(report.accuracy, report.macro.f1); // 0.75 0.7777777777777777
 * for (const { label, precision, recall } of report.classes) console.log(label, precision, recall);
 * ```
 */
export function classificationReport(labels: ArrayLike<Label>, predictions: ArrayLike<Label>, options: ClassificationReportOptions = {}): ClassificationReport {
  demandOptions(options);
  const { classes, hits, observed, predicted, right, total, n, dropped } = countClasses(labels, predictions, options.weights, options.labels);
  const scores = classes.map((label, i): LabelScores => ({ label, ...scoresOf(hits[i]!, predicted[i]!, observed[i]!) }));
  const support = sum(observed);
  const share = total > 0 && classes.length > 0;
  const mean = (weightOf: (one: LabelScores) => number): ClassScores => {
    const weight = scores.reduce((all, one) => all + weightOf(one), 0);
    const of = (key: 'precision' | 'recall' | 'f1'): number => (share ? ratio(scores.reduce((all, one) => all + weightOf(one) * one[key], 0), weight) : NaN);
    return { precision: of('precision'), recall: of('recall'), f1: of('f1'), support };
  };
  const pooled = scoresOf(sum(hits), sum(predicted), support);
  return {
    classes: scores,
    accuracy: right / total,
    macro: mean(() => 1),
    weighted: mean((one) => one.support),
    micro: share ? pooled : { precision: NaN, recall: NaN, f1: NaN, support },
    n,
    dropped,
  };
}

function scoresOf(hits: number, predicted: number, observed: number): ClassScores {
  return { precision: ratio(hits, predicted), recall: ratio(hits, observed), f1: ratio(2 * hits, predicted + observed), support: observed };
}

function sum(values: Float64Array): number {
  let all = 0;
  for (const value of values) all += value;
  return all;
}
