import type { Label } from '../metrics/label.ts';
import type { SeededGenerator } from '../seeded-generator.ts';
import { binaryMetrics, type BinaryMetric } from './binary-cells.ts';
import { meanMetric, metricFromErrors, unknownMetric, type EstimatedMetric } from './estimated-metric.ts';
import { simulateErrors, type EstimationCells, type SimulatedErrors } from './simulate-errors.ts';

/** The metrics of a classifier as they are expected without labels. */
export interface ClassificationEstimate {
  /** The share of right predictions, 0 to 1. */
  readonly accuracy: EstimatedMetric;
  /** TP / (TP + FP), 0 to 1. */
  readonly precision: EstimatedMetric;
  /** TP / (TP + FN), 0 to 1. */
  readonly recall: EstimatedMetric;
  /** TN / (TN + FP), 0 to 1. */
  readonly specificity: EstimatedMetric;
  /** TP / (TP + (FP + FN) / 2), 0 to 1. */
  readonly f1: EstimatedMetric;
  /** The area under the ROC curve, 0 to 1, where rows of one bin of scores count as tied. */
  readonly rocAuc: EstimatedMetric;
}

/** One class against all others. */
export interface ClassEstimate extends ClassificationEstimate {
  /** The class. */
  readonly label: Label;
}

/** How intervals are made. */
interface IntervalSettings {
  readonly confidence: number;
  readonly resamples: number;
  readonly generator: SeededGenerator;
}

const nothing: ClassificationEstimate = { accuracy: unknownMetric, precision: unknownMetric, recall: unknownMetric, specificity: unknownMetric, f1: unknownMetric, rocAuc: unknownMetric };

/** The estimate for two answers; of nothing where there are too few rows. */
export function binaryEstimate(cells: EstimationCells | undefined, { resamples, generator, confidence }: IntervalSettings): ClassificationEstimate & { classes: readonly ClassEstimate[] } {
  return { ...(cells === undefined ? nothing : metricsOf(simulateErrors(cells, resamples, generator), confidence)), classes: [] };
}

/** The estimate for several classes: the accuracy of all rows, and the means of what is of one class. */
export function multiclassEstimate(parts: readonly EstimationCells[], labels: readonly Label[], { resamples, generator, confidence }: IntervalSettings): ClassificationEstimate & { classes: readonly ClassEstimate[] } {
  if (parts.length === 0) return { ...nothing, classes: [] };
  const simulated = parts.map((part) => simulateErrors(part, resamples, generator));
  const classes = simulated.map((one, k): ClassEstimate => ({ label: labels[k]!, ...metricsOf(one, confidence) }));
  const meanOf = (metric: BinaryMetric): EstimatedMetric => meanMetric(classes.map((one) => one[metric]));
  // A row is predicted to be of one class, so that what classes get right are different rows, in the reference too: their errors are independent, and add up.
  const n = parts[0]!.current.reduce((sum, count) => sum + count, 0);
  const missed = Float64Array.from({ length: resamples }, (_, b) => simulated.reduce((sum, { missedTruePositives }) => sum + missedTruePositives[b]!, 0) / n);
  const accuracy = metricFromErrors(simulated.reduce((sum, { truePositives }) => sum + truePositives, 0) / n, missed, confidence);
  return { accuracy, precision: meanOf('precision'), recall: meanOf('recall'), specificity: meanOf('specificity'), f1: meanOf('f1'), rocAuc: meanOf('rocAuc'), classes };
}

function metricsOf({ values, errors }: SimulatedErrors, confidence: number): ClassificationEstimate {
  const [accuracy, precision, recall, specificity, f1, rocAuc] = binaryMetrics.map((_, m) => metricFromErrors(values[m]!, errors[m]!, confidence)) as [EstimatedMetric, EstimatedMetric, EstimatedMetric, EstimatedMetric, EstimatedMetric, EstimatedMetric];
  return { accuracy, precision, recall, specificity, f1, rocAuc };
}
