import type { StateReader } from '../state-reader.ts';
import type { CellCounts } from './binary-cells.ts';
import type { ReadScores } from './read-scores.ts';
import { ScoreCells, type ScoreCellsState } from './score-cells.ts';

/** One question with two answers: bins of its scores, and what the reference has in them. */
export interface ConfidencePart extends ScoreCellsState {
  /** Rows by bin, those predicted negative first, then the others. */
  readonly rows: readonly number[];
  /** Those of them that are positive. */
  readonly positives: readonly number[];
}

/** The same, as it is counted in. */
export interface Part {
  readonly cells: ScoreCells;
  readonly rows: CellCounts;
  readonly positives: CellCounts;
}

/** Parts that the reference is cut into, to calibrate each by the others. */
export const foldCount = 5;

/** Rows with one question asked of each. */
interface AskedRows {
  readonly scores: Float64Array;
  readonly predicted: Int32Array;
  readonly truth: Int32Array;
  /** The class that is asked for. */
  readonly wanted: number;
}

/** Counts the rows kept, all and by fold. */
export function fitPart({ scores, predicted, truth, wanted }: AskedRows, kept: readonly number[], foldOf: readonly number[], bins: number): { part: Part; folded: { rows: CellCounts[]; positives: CellCounts[] } } {
  const cells = ScoreCells.of(Float64Array.from(kept, (i) => scores[i]!), bins);
  const none = (): CellCounts => new Float64Array(2 * cells.size);
  const [rows, positives] = [none(), none()];
  const folded = { rows: Array.from({ length: foldCount }, none), positives: Array.from({ length: foldCount }, none) };
  kept.forEach((i, place) => {
    const cell = cells.binOf(scores[i]!) + (predicted[i] === wanted ? cells.size : 0);
    rows[cell]!++;
    folded.rows[foldOf[place]!]![cell]!++;
    if (truth[i] !== wanted) return;
    positives[cell]!++;
    folded.positives[foldOf[place]!]![cell]!++;
  });
  return { part: { cells, rows, positives }, folded };
}

/** Adds rows to counts. */
export function countRows({ scores, predicted }: ReadScores, part: number, cells: ScoreCells, several: boolean, into: Float64Array): void {
  const own = scores[part]!;
  const wanted = several ? part : 1;
  for (let i = 0; i < own.length; i++) if (predicted[i] !== -1) into[cells.binOf(own[i]!) + (predicted[i] === wanted ? cells.size : 0)]!++;
}

/** A part that was stored. */
export function readPart(reader: StateReader): Part {
  const cells = ScoreCells.read(reader);
  const rows = reader.counts('rows', 2 * cells.size, 2 * cells.size);
  const positives = reader.counts('positives', 2 * cells.size, 2 * cells.size);
  positives.forEach((hits, cell) => hits > rows[cell]! && reader.refuse(`positives[${cell}]`, 'must not be above the rows of the cell', hits));
  return { cells, rows, positives };
}
