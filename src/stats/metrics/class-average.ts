import { demandOneOf, demandOptions } from '../arguments.ts';
import { type BinaryCounts, countBinary, countClasses } from './class-counts.ts';
import type { Label } from './label.ts';
import type { WeightOptions } from './weights.ts';

/**
 * How a metric of one class becomes one of all: `binary` is that of the positive class alone, `macro` the mean over the classes, `weighted` their mean weighted
 * by how often each was observed, and `micro` the metric of all their counts added up.
 */
export type Average = 'binary' | 'macro' | 'micro' | 'weighted';

/** Whose precision, recall and the like is wanted. */
export interface ClassAverageOptions extends WeightOptions {
  /** How the classes are averaged. @default 'binary' */
  average?: Average | undefined;
  /** The class that `binary` counts against all others. @default 1 or true */
  positive?: Label | undefined;
  /** The classes that `macro`, `micro` and `weighted` are about. @default all that occur in the labels or the predictions */
  labels?: readonly Label[] | undefined;
}

/** The average of a rate that the four counts of a class give. NaN without any row, or when all weigh nothing. */
export function averagedRate(
  labels: ArrayLike<Label>,
  predictions: ArrayLike<Label>,
  options: ClassAverageOptions,
  rate: (counts: BinaryCounts) => number,
): number {
  const { average = 'binary', positive, labels: asked, weights } = demandOptions(options);
  demandOneOf('average', average, ['binary', 'macro', 'micro', 'weighted']);
  if (average === 'binary') {
    const counts = countBinary(labels, predictions, positive, weights);
    return counts.tp + counts.fp + counts.fn + counts.tn > 0 ? rate(counts) : NaN;
  }
  const { classes, hits, observed, predicted, total } = countClasses(labels, predictions, weights, asked);
  if (!(total > 0) || classes.length === 0) return NaN;
  const sum = { tp: 0, fp: 0, fn: 0, tn: 0 };
  let plain = 0;
  let weighted = 0;
  let weight = 0;
  for (let i = 0; i < classes.length; i++) {
    const tp = hits[i]!;
    const counts = { tp, fp: predicted[i]! - tp, fn: observed[i]! - tp, tn: total - predicted[i]! - observed[i]! + tp };
    sum.tp += counts.tp;
    sum.fp += counts.fp;
    sum.fn += counts.fn;
    sum.tn += counts.tn;
    const value = rate(counts);
    plain += value;
    weighted += value * observed[i]!;
    weight += observed[i]!;
  }
  if (average === 'micro') return rate(sum);
  return average === 'macro' ? plain / classes.length : ratio(weighted, weight);
}

/** A share, and 0 where there is nothing to take a share of. */
export function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}
