import type { SeededGenerator } from '../seeded-generator.ts';
import { binaryMetrics, measureCells, type CellCounts } from './binary-cells.ts';
import { drawHits } from './draw-hits.ts';
import type { DrawnCalibrations } from './drawn-calibrations.ts';

/** A labelled reference, and rows without labels. */
export interface EstimationCells {
  readonly calibrations: DrawnCalibrations;
  /** Rows whose performance is estimated, cell by cell. */
  readonly current: CellCounts;
}

/** What was estimated, and by how much estimates miss. */
export interface SimulatedErrors {
  /** The metrics in the order of {@link binaryMetrics}. */
  readonly values: Float64Array;
  /** Expected true positives, whole and in each simulation what it was less what was estimated. */
  readonly truePositives: number;
  readonly missedTruePositives: Float64Array;
  /** For each metric, what it was less what was estimated, one for each simulation; NaN where it was not defined. */
  readonly errors: readonly Float64Array[];
}

/**
 * Estimates, and the law of the error by a parametric bootstrap: labels of the reference and of the current rows are drawn with the same chances, the calibration is fitted anew to the drawn reference, and its estimate is held against
 * the drawn truth.
 */
export function simulateErrors({ calibrations, current }: EstimationCells, resamples: number, generator: SeededGenerator): SimulatedErrors {
  const { found, truth } = calibrations;
  const values = new Float64Array(binaryMetrics.length);
  measureCells(current, (cell) => current[cell]! * found[cell]!, values);
  const truePositives = positivePart(current, (cell) => current[cell]! * found[cell]!);
  const real = new Float64Array(truth.length);
  const [estimate, happened] = [new Float64Array(values.length), new Float64Array(values.length)];
  const errors = binaryMetrics.map(() => new Float64Array(resamples));
  const missedTruePositives = new Float64Array(resamples);
  calibrations.forEach((chances, b) => {
    for (let cell = 0; cell < real.length; cell++) real[cell] = drawHits(current[cell]!, truth[cell]!, generator);
    measureCells(current, (cell) => current[cell]! * chances[cell]!, estimate);
    measureCells(current, (cell) => real[cell]!, happened);
    errors.forEach((ofMetric, m) => (ofMetric[b] = happened[m]! - estimate[m]!));
    missedTruePositives[b] = positivePart(current, (cell) => real[cell]!) - positivePart(current, (cell) => current[cell]! * chances[cell]!);
  });
  return { values, truePositives, missedTruePositives, errors };
}

function positivePart({ length }: CellCounts, positivesOf: (cell: number) => number): number {
  let sum = 0;
  for (let cell = length / 2; cell < length; cell++) sum += positivesOf(cell);
  return sum;
}
