import type { SeededGenerator } from '../seeded-generator.ts';
import { binaryMetrics, calibrateCells, measureCells, smoothChances, type CalibrationScope, type CellCounts } from './binary-cells.ts';
import { drawHits } from './draw-hits.ts';

/** A labelled reference, and rows without labels. */
export interface EstimationCells {
  /** Rows of the reference by cell. */
  readonly reference: CellCounts;
  /** Those of them that are positive. */
  readonly positives: CellCounts;
  /** Rows whose performance is estimated. */
  readonly current: CellCounts;
  readonly scope: CalibrationScope;
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
 * Estimates, and the law of the error by a parametric bootstrap: labels of the reference and of the current rows are drawn with the chances that were found (drawn towards a half by two rows of either class per pool, as of Agresti & Coull
 * 1998, so that a pool of right rows only is not taken for certain), the calibration is fitted anew to the drawn reference, and its estimate is held against the drawn truth.
 */
export function simulateErrors({ reference, positives, current, scope }: EstimationCells, resamples: number, generator: SeededGenerator): SimulatedErrors {
  const cells = reference.length;
  const chances = new Float64Array(cells);
  const values = new Float64Array(binaryMetrics.length);
  calibrateCells(reference, positives, 0, scope, chances);
  measureCells(current, (cell) => current[cell]! * chances[cell]!, values);
  const truePositives = positivePart(current, (cell) => current[cell]! * chances[cell]!);
  const truth = new Float64Array(cells);
  calibrateCells(reference, positives, 4, scope, truth);
  smoothChances(truth, reference, scope);
  const drawn = new Float64Array(cells);
  const real = new Float64Array(cells);
  const [estimate, happened] = [new Float64Array(values.length), new Float64Array(values.length)];
  const errors = binaryMetrics.map(() => new Float64Array(resamples));
  const missedTruePositives = new Float64Array(resamples);
  for (let b = 0; b < resamples; b++) {
    for (let cell = 0; cell < cells; cell++) {
      drawn[cell] = drawHits(reference[cell]!, truth[cell]!, generator);
      real[cell] = drawHits(current[cell]!, truth[cell]!, generator);
    }
    calibrateCells(reference, drawn, 0, scope, chances);
    measureCells(current, (cell) => current[cell]! * chances[cell]!, estimate);
    measureCells(current, (cell) => real[cell]!, happened);
    errors.forEach((ofMetric, m) => (ofMetric[b] = happened[m]! - estimate[m]!));
    missedTruePositives[b] = positivePart(current, (cell) => real[cell]!) - positivePart(current, (cell) => current[cell]! * chances[cell]!);
  }
  return { values, truePositives, missedTruePositives, errors };
}

function positivePart({ length }: CellCounts, positivesOf: (cell: number) => number): number {
  let sum = 0;
  for (let cell = length / 2; cell < length; cell++) sum += positivesOf(cell);
  return sum;
}
