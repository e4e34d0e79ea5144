import type { SeededGenerator } from '../seeded-generator.ts';
import { calibrateCells, smoothChances, type CalibrationScope, type CellCounts } from './binary-cells.ts';
import { drawHits } from './draw-hits.ts';

/** How well the calibration holds for rows of the reference that it was not fitted to. */
export interface CalibrationCheck {
  /** Expected calibration error over ten groups of rows, each calibrated by the other folds, 0 to 1. */
  readonly error: number;
  /** What that error would be on average if chances did rise with the score. */
  readonly byChance: number;
  /** How probable an error at least as large would be then. */
  readonly pValue: number;
}

const groups = 10;

/** The reference's rows and positives, cell by cell, in folds. */
export interface FoldedCells {
  readonly rows: readonly CellCounts[];
  readonly positives: readonly CellCounts[];
  readonly scope: CalibrationScope;
}

/** Holds the cross-fitted calibration error against those of labels that are drawn with the chances found, which rise with the score. */
export function checkCalibration({ rows, positives, scope }: FoldedCells, resamples: number, generator: SeededGenerator): CalibrationCheck {
  const all = sumOf(rows);
  const chances = new Float64Array(all.length);
  calibrateCells(all, sumOf(positives), 1, scope, chances);
  smoothChances(chances, all, scope);
  const error = crossFittedError(rows, positives, scope);
  const drawn = positives.map(({ length }) => new Float64Array(length));
  let sum = 0;
  let asLarge = 0;
  for (let b = 0; b < resamples; b++) {
    drawn.forEach((fold, f) => fold.forEach((_, cell) => (fold[cell] = drawHits(rows[f]![cell]!, chances[cell]!, generator))));
    const byChance = crossFittedError(rows, drawn, scope);
    sum += byChance;
    if (byChance >= error) asLarge++;
  }
  return { error, byChance: sum / resamples, pValue: (asLarge + 1) / (resamples + 1) };
}

function crossFittedError(rows: readonly CellCounts[], positives: readonly CellCounts[], scope: CalibrationScope): number {
  const [all, hits] = [sumOf(rows), sumOf(positives)];
  const excess = new Float64Array(all.length);
  const chances = new Float64Array(all.length);
  rows.forEach((fold, f) => {
    const own = positives[f]!;
    calibrateCells(all.map((n, cell) => n - fold[cell]!), hits.map((k, cell) => k - own[cell]!), 0, scope, chances);
    fold.forEach((n, cell) => (excess[cell]! += n * chances[cell]! - own[cell]!));
  });
  const total = all.reduce((sum, n) => sum + n, 0);
  let error = 0;
  let [reached, inGroup, ends] = [0, 0, 1];
  all.forEach((n, cell) => {
    reached += n;
    inGroup += excess[cell]!;
    if (reached * groups < ends * total) return;
    error += Math.abs(inGroup);
    inGroup = 0;
    ends = Math.floor((reached * groups) / total) + 1;
  });
  return error / total;
}

function sumOf(parts: readonly CellCounts[]): CellCounts {
  const sum = new Float64Array(parts[0]?.length ?? 0);
  for (const part of parts) part.forEach((n, cell) => (sum[cell]! += n));
  return sum;
}
