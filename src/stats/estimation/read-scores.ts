import { ValidationError } from '../../core/errors.ts';
import { shown } from '../../core/shown.ts';
import { demandList, demandSameLength } from '../arguments.ts';
import { type Label, labelKey, positiveFlags } from '../metrics/label.ts';

/** A score per row, or, for several classes, one list per row with a score per class. */
export type EstimatorScores = ArrayLike<number> | ArrayLike<ArrayLike<number>>;

/** How the scores of a classifier are to be read. */
export interface ScoreReading {
  /** The classes that a row has a score for; `undefined` with two answers and one score. */
  readonly classes: readonly Label[] | undefined;
  /** From which score on a row is predicted positive. */
  readonly threshold: number | undefined;
  readonly positive: Label | undefined;
}

/** Scores and predictions, row by row. */
export interface ReadScores {
  /** One list of scores for each question asked: one of two answers, or one per class. */
  readonly scores: readonly Float64Array[];
  /** The class that was predicted, by its place, 1 for the positive of two; -1 where a row cannot be used. */
  readonly predicted: Int32Array;
}

/** Reads scores with the predictions that were made of them. */
export function readScores(scores: EstimatorScores, predictions: ArrayLike<Label> | undefined, reading: ScoreReading): ReadScores {
  demandList('scores', scores);
  const found = reading.classes === undefined ? readSingle(scores as ArrayLike<number>, reading.threshold) : readRows(scores as ArrayLike<ArrayLike<number>>, reading.classes);
  if (predictions === undefined) return found;
  demandSameLength('scores', scores, 'predictions', predictions);
  const places = placesOf('predictions', predictions, reading);
  return { scores: found.scores, predicted: found.predicted.map((predicted, i) => (predicted < 0 ? -1 : places[i]!)) };
}

/** The places of classes; -1 for what is no class, and -2 for a class that is not among those known. */
export function placesOf(name: string, labels: ArrayLike<Label>, { classes, positive }: ScoreReading): Int32Array {
  if (classes === undefined) return Int32Array.from(positiveFlags(name, labels, positive));
  demandList(name, labels);
  const places = new Map(classes.map((label, i) => [labelKey(label)!, i]));
  return Int32Array.from(labels, (label) => {
    const key = labelKey(label);
    return key === undefined ? -1 : (places.get(key) ?? -2);
  });
}

function readSingle(scores: ArrayLike<number>, threshold: number | undefined): ReadScores {
  const read = Float64Array.from(scores, (score) => (typeof score === 'number' ? score : NaN));
  return { scores: [read], predicted: Int32Array.from(read, (score) => (Number.isNaN(score) ? -1 : threshold !== undefined && score >= threshold ? 1 : 0)) };
}

function readRows(rows: ArrayLike<ArrayLike<number>>, classes: readonly Label[]): ReadScores {
  const scores = classes.map(() => new Float64Array(rows.length).fill(NaN));
  const predicted = new Int32Array(rows.length).fill(-1);
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i];
    if (row === undefined || row === null) continue;
    demandList(`scores[${i}]`, row);
    if (row.length !== classes.length) {
      throw new ValidationError(`scores[${i}] is ${shown(row, 60)}, with ${row.length} values, and there are ${classes.length} classes.`, { path: `scores[${i}]` });
    }
    let best = 0;
    let missing = false;
    for (let k = 0; k < row.length; k++) {
      const score = row[k];
      if (typeof score !== 'number' || Number.isNaN(score)) missing = true;
      else {
        scores[k]![i] = score;
        if (!missing && score > row[best]!) best = k;
      }
    }
    if (!missing) predicted[i] = best;
  }
  return { scores, predicted };
}
