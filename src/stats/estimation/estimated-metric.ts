import { quantileSorted } from '../samples/quantile-sorted.ts';

/** A metric as it is expected without labels; `null`, each, where it is not defined. */
export interface EstimatedMetric {
  /** What is expected. */
  readonly value: number | null;
  /** The lower end of the interval that should cover what the labels would show. */
  readonly low: number | null;
  /** The upper end of that interval. */
  readonly high: number | null;
}

/** Where nothing is known. */
export const unknownMetric: EstimatedMetric = { value: null, low: null, high: null };

/** A metric from 0 to 1 with the interval that simulated errors give: of those that are defined, at least half must be. */
export function metricFromErrors(value: number, errors: Float64Array, confidence: number): EstimatedMetric {
  const sorted = errors.filter((error) => !Number.isNaN(error)).sort();
  if (!Number.isFinite(value)) return unknownMetric;
  if (2 * sorted.length < errors.length) return { value, low: 0, high: 1 };
  const tail = (1 - confidence) / 2;
  const [low, high] = [quantileSorted(sorted, tail), quantileSorted(sorted, 1 - tail)];
  return { value, low: Math.max(0, Math.min(value, value + low)), high: Math.min(1, Math.max(value, value + high)) };
}

/** The mean over classes. The mean of the ends covers at least as often as each of them, however the classes depend on each other, where errors are about normal: the deviation of a mean is at most the mean of the deviations. */
export function meanMetric(metrics: readonly EstimatedMetric[]): EstimatedMetric {
  const known = metrics.filter(({ value }) => value !== null);
  if (known.length === 0) return unknownMetric;
  const mean = (of: (metric: EstimatedMetric) => number | null): number => known.reduce((sum, metric) => sum + of(metric)!, 0) / known.length;
  return { value: mean(({ value }) => value), low: mean(({ low }) => low), high: mean(({ high }) => high) };
}
