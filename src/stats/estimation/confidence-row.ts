import { labelKey } from '../metrics/label.ts';
import type { Part } from './confidence-part.ts';
import type { EstimatedRow } from './estimated-row.ts';
import type { ScoreReading } from './read-scores.ts';

/** Counts rows of a classifier one at a time in the cells of its estimator, and makes nothing for any of them. */
export class ConfidenceRowCounter {
  readonly #parts: readonly Part[];
  readonly #reading: ScoreReading;
  readonly #places: ReadonlyMap<string | number, number> | undefined;
  /** Where rows are counted that cannot be used. */
  readonly #dropped: number;

  constructor(parts: readonly Part[], reading: ScoreReading) {
    this.#parts = parts;
    this.#reading = reading;
    this.#places = reading.classes && new Map(reading.classes.map((label, place) => [labelKey(label)!, place]));
    this.#dropped = parts.reduce((sum, { rows }) => sum + rows.length, 0);
  }

  count(row: EstimatedRow, into: Float64Array): void {
    const counted = this.#places === undefined ? this.#countSingle(row, into) : this.#countClasses(row, this.#places, into);
    if (!counted) into[this.#dropped]!++;
  }

  #countSingle({ prediction, scores }: EstimatedRow, into: Float64Array): boolean {
    const { threshold } = this.#reading;
    const score = threshold === undefined ? scores : (scores ?? prediction);
    if (typeof score !== 'number' || score !== score) return false;
    const positive = threshold === undefined ? this.#isPositive(prediction) : score >= threshold;
    if (positive === undefined) return false;
    const { cells } = this.#parts[0]!;
    into[cells.binOf(score) + (positive ? cells.size : 0)]!++;
    return true;
  }

  /** As lists of predictions are read, but that a class which could not be meant is one that cannot be used. */
  #isPositive(prediction: unknown): boolean | undefined {
    const { positive } = this.#reading;
    const key = labelKey(prediction as number);
    if (positive !== undefined) return key === undefined ? undefined : key === labelKey(positive);
    return key === 1 ? true : key === 0 || key === -1 ? false : undefined;
  }

  #countClasses({ prediction, scores }: EstimatedRow, places: ReadonlyMap<string | number, number>, into: Float64Array): boolean {
    const row = scores as ArrayLike<unknown> | null | undefined;
    if (typeof row !== 'object' || row?.length !== places.size) return false;
    let best = 0;
    for (let k = 0; k < row.length; k++) {
      const score = row[k];
      if (typeof score !== 'number' || score !== score) return false;
      if (score > (row[best] as number)) best = k;
    }
    const key = prediction === undefined ? undefined : labelKey(prediction as number);
    if (prediction !== undefined && key === undefined) return false;
    const predicted = key === undefined ? best : places.get(key);
    let at = 0;
    this.#parts.forEach(({ cells, rows }, k) => {
      into[at + cells.binOf(row[k] as number) + (k === predicted ? cells.size : 0)]!++;
      at += rows.length;
    });
    return true;
  }
}
