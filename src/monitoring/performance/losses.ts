import type { PerformanceMetric } from './performance-options.ts';

/** What a prediction costs, by its label; NaN where that is not defined. */
export type LossFunction = (label: number, prediction: number) => number;

/** What each prediction costs by the metrics that have something to say of a single one: `rmse` is the root of the mean, and classes are right or wrong. */
export const losses: Readonly<Record<Exclude<PerformanceMetric, 'auc'>, LossFunction>> = {
  accuracy: wrong,
  precision: wrong,
  recall: wrong,
  f1: wrong,
  logLoss: (label, p) => (isChance(label, p) ? -Math.log(Math.max(Number.EPSILON, label === 1 ? p : 1 - p)) : NaN),
  brier: (label, p) => (isChance(label, p) ? (label - p) ** 2 : NaN),
  mae: (label, prediction) => Math.abs(label - prediction),
  rmse: (label, prediction) => (label - prediction) ** 2,
};

/** The loss that goes with a metric; absent for `auc`, which is one of pairs. */
export function lossOf(metric: PerformanceMetric): LossFunction | undefined {
  return metric === 'auc' ? undefined : losses[metric];
}

function wrong(label: number, prediction: number): number {
  return Number.isNaN(label) || Number.isNaN(prediction) ? NaN : Number(label !== prediction);
}

function isChance(label: number, p: number): boolean {
  return (label === 0 || label === 1) && p >= 0 && p <= 1;
}
