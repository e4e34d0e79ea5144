import { SeededGenerator } from '../seeded-generator.ts';
import { calibrateCells, smoothChances, type CalibrationScope, type CellCounts } from './binary-cells.ts';
import { drawHits } from './draw-hits.ts';

/** A labelled reference, cell by cell. */
export interface ReferenceCells {
  /** Its rows. */
  readonly reference: CellCounts;
  /** Those of them that are positive. */
  readonly positives: CellCounts;
  readonly scope: CalibrationScope;
}

/** How calibrations are drawn. */
export interface CalibrationDrawing {
  readonly resamples: number;
  readonly seed: number;
  /** Whether they are kept once they were drawn: 8 bytes per cell and simulation. */
  readonly keep: boolean;
}

/**
 * A reference's calibration, and those that it would have had by other labels, one for each simulation: they are the same whatever rows are estimated, so that who estimates window after window needs to draw them once.
 *
 * Labels are drawn with the chances that were found, drawn towards a half by two rows of either class per pool (as of Agresti & Coull 1998), so that a pool of right rows only is not taken for certain.
 */
export class DrawnCalibrations {
  /** The chance of the positive class in each cell. */
  readonly found: Float64Array;
  /** The chance that labels are drawn with. */
  readonly truth: Float64Array;
  readonly #cells: ReferenceCells;
  readonly #drawing: CalibrationDrawing;
  #kept: Float64Array | undefined;

  constructor(cells: ReferenceCells, drawing: CalibrationDrawing) {
    const { reference, positives, scope } = cells;
    this.#cells = cells;
    this.#drawing = drawing;
    this.found = new Float64Array(reference.length);
    this.truth = new Float64Array(reference.length);
    calibrateCells(reference, positives, 0, scope, this.found);
    calibrateCells(reference, positives, 4, scope, this.truth);
    smoothChances(this.truth, reference, scope);
  }

  /** Calls `look` with the drawn chances, simulation by simulation; they must not be kept. */
  forEach(look: (chances: Float64Array, simulation: number) => void): void {
    const { length } = this.truth;
    const { resamples, seed, keep } = this.#drawing;
    const kept = this.#kept;
    const filling = keep && kept === undefined ? new Float64Array(resamples * length) : undefined;
    const generator = new SeededGenerator(seed);
    const drawn = new Float64Array(length);
    let chances: Float64Array = new Float64Array(length);
    for (let b = 0; b < resamples; b++) {
      const own = (kept ?? filling)?.subarray(b * length, (b + 1) * length);
      if (own !== undefined) chances = own;
      if (kept === undefined) this.#draw(generator, drawn, chances);
      look(chances, b);
    }
    this.#kept ??= filling;
  }

  #draw(generator: SeededGenerator, drawn: Float64Array, into: Float64Array): void {
    const { reference, scope } = this.#cells;
    for (let cell = 0; cell < drawn.length; cell++) drawn[cell] = drawHits(reference[cell]!, this.truth[cell]!, generator);
    calibrateCells(reference, drawn, 0, scope, into);
  }
}
