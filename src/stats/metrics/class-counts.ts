import { ValidationError } from '../../core/errors.ts';
import { shown } from '../../core/shown.ts';
import { demandList, demandSameLength } from '../arguments.ts';
import { compareLabels, type Label, labelKey, positiveFlags } from './label.ts';
import { demandWeights } from './weights.ts';

/** What the metrics of classes need to know: for each class how often it was right, observed and predicted. */
export interface ClassCounts {
  readonly classes: readonly Label[];
  /** Rows in which the class was observed and predicted. */
  readonly hits: Float64Array;
  /** Rows in which it was observed. */
  readonly observed: Float64Array;
  /** Rows in which it was predicted. */
  readonly predicted: Float64Array;
  /** Rows whose prediction is the label, whatever their class. */
  readonly right: number;
  /** All rows, by weight. */
  readonly total: number;
  readonly n: number;
  readonly dropped: number;
}

/** Counts the classes that occur, in the order of {@link compareLabels}, or those that are asked for; rows with something that is no class are left out. */
export function countClasses(labels: ArrayLike<Label>, predictions: ArrayLike<Label>, weights?: ArrayLike<number>, asked?: readonly Label[]): ClassCounts {
  demandSameLength('labels', labels, 'predictions', predictions);
  demandWeights(weights, 'labels', labels);
  const index = new Map<number | string, number>();
  const found: Label[] = [];
  const hits: number[] = [];
  const observed: number[] = [];
  const predicted: number[] = [];
  const placeOf = (key: number | string, label: Label): number => {
    const known = index.get(key);
    if (known !== undefined) return known;
    index.set(key, found.length);
    hits.push(0);
    observed.push(0);
    predicted.push(0);
    return found.push(label) - 1;
  };
  let right = 0;
  let total = 0;
  let n = 0;
  for (let i = 0; i < labels.length; i++) {
    const truth = labelKey(labels[i]);
    const guess = labelKey(predictions[i]);
    if (truth === undefined || guess === undefined) continue;
    const weight = weights === undefined ? 1 : weights[i]!;
    const row = placeOf(truth, labels[i]!);
    n++;
    total += weight;
    observed[row]! += weight;
    if (truth === guess) {
      predicted[row]! += weight;
      hits[row]! += weight;
      right += weight;
    } else {
      predicted[placeOf(guess, predictions[i]!)]! += weight;
    }
  }
  const classes = asked === undefined ? found.slice().sort(compareLabels) : demandClasses('labels', asked);
  const picked = (counts: readonly number[]): Float64Array => Float64Array.from(classes, (label) => counts[index.get(labelKey(label)!) ?? -1] ?? 0);
  return { classes, hits: picked(hits), observed: picked(observed), predicted: picked(predicted), right, total, n, dropped: labels.length - n };
}

/** Throws `ValidationError` unless the list names classes, each once. */
export function demandClasses(name: string, classes: readonly Label[]): readonly Label[] {
  demandList(name, classes);
  const seen = new Set<number | string>();
  const list = Array.from(classes);
  list.forEach((label, i) => {
    const key = labelKey(label);
    if (key === undefined) throw new ValidationError(`${name}[${i}] is ${shown(label, 60)}, which is no class.`, { path: `${name}[${i}]` });
    if (seen.has(key)) throw new ValidationError(`${name}[${i}] is ${shown(label, 60)}, which was named before; name each class once.`, { path: `${name}[${i}]` });
    seen.add(key);
  });
  return list;
}

/** The four counts of one class against all others. */
export interface BinaryCounts {
  readonly tp: number;
  readonly fp: number;
  readonly fn: number;
  readonly tn: number;
}

/** Counts one class against all others. */
export function countBinary(labels: ArrayLike<Label>, predictions: ArrayLike<Label>, positive: Label | undefined, weights?: ArrayLike<number>): BinaryCounts {
  demandSameLength('labels', labels, 'predictions', predictions);
  demandWeights(weights, 'labels', labels);
  const truth = positiveFlags('labels', labels, positive);
  const guess = positiveFlags('predictions', predictions, positive);
  const counts = new Float64Array(4);
  for (let i = 0; i < truth.length; i++) {
    if (truth[i]! >= 0 && guess[i]! >= 0) counts[2 * truth[i]! + guess[i]!]! += weights === undefined ? 1 : weights[i]!;
  }
  return { tn: counts[0]!, fp: counts[1]!, fn: counts[2]!, tp: counts[3]! };
}
