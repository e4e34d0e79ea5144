import { ValidationError } from '../../core/errors.ts';
import { demandOptions, demandSameLength } from '../arguments.ts';
import { demandClasses } from './class-counts.ts';
import { compareLabels, type Label, labelKey } from './label.ts';
import { demandWeights, type WeightOptions } from './weights.ts';

/** More classes than this make no matrix that anybody could read or store. */
const mostClasses = 4096;

/** Which classes {@link confusionMatrix} counts, and how. */
export interface ConfusionMatrixOptions extends WeightOptions {
  /** The classes in the order of the rows and columns; rows with any other class are left out. @default all that occur: numbers ascending, then texts */
  labels?: readonly Label[] | undefined;
}

/** What {@link confusionMatrix} counted. */
export interface ConfusionMatrix {
  /** The classes, in the order of rows and columns. */
  readonly labels: readonly Label[];
  /** `counts[i][j]` is how often class i was observed and class j predicted (the sum of the weights). */
  readonly counts: readonly (readonly number[])[];
  /** Rows that were counted. */
  readonly n: number;
  /** Rows that were left out: NaN, `null`, or a class that was not asked for. */
  readonly dropped: number;
}

/**
 * How often each class was observed (rows) and predicted (columns): scikit-learn's `confusion_matrix`. `true` and 1 are one class, and so are `false` and 0.
 *
 * Rows with a NaN or `null` are left out and counted; without any row the matrix is empty (or all 0 with `labels`). O(n + k²) for k classes.
 *
 * Throws `ValidationError` when the lists differ in length, a class is named twice, a weight is negative, or there are more than 4096 classes (are these
 * numbers classes?).
 *
 * @example
 * ```ts
 * import { confusionMatrix } from 'modelkeep/stats';
 *
 * const { labels, counts } = confusionMatrix(['cat', 'dog', 'cat', 'cat'], ['cat', 'dog', 'dog', 'cat']);
 * console.log(labels, counts); // ['cat', 'dog'] [[2, 1], [0, 1]]
 * ```
 */
export function confusionMatrix(labels: ArrayLike<Label>, predictions: ArrayLike<Label>, options: ConfusionMatrixOptions = {}): ConfusionMatrix {
  const { labels: asked, weights } = demandOptions(options);
  demandSameLength('labels', labels, 'predictions', predictions);
  demandWeights(weights, 'labels', labels);
  const classes = asked === undefined ? classesOf(labels, predictions) : demandClasses('labels', asked);
  if (classes.length > mostClasses) {
    const message = `There are ${classes.length} classes; a matrix has at most ${mostClasses}. Are these classes, or numbers to be predicted?`;
    throw new ValidationError(message, { path: 'labels' });
  }
  const index = new Map(classes.map((label, i) => [labelKey(label)!, i]));
  const size = classes.length;
  const flat = new Float64Array(size * size);
  let n = 0;
  for (let i = 0; i < labels.length; i++) {
    const row = placeOf(index, labels[i]);
    const column = placeOf(index, predictions[i]);
    if (row === undefined || column === undefined) continue;
    n++;
    flat[row * size + column]! += weights === undefined ? 1 : weights[i]!;
  }
  const counts = classes.map((_, i) => Array.from(flat.subarray(i * size, (i + 1) * size)));
  return { labels: classes.slice(), counts, n, dropped: labels.length - n };
}

function placeOf(index: ReadonlyMap<number | string, number>, label: Label | undefined): number | undefined {
  const key = labelKey(label);
  return key === undefined ? undefined : index.get(key);
}

function classesOf(labels: ArrayLike<Label>, predictions: ArrayLike<Label>): Label[] {
  const found = new Map<number | string, Label>();
  for (let i = 0; i < labels.length; i++) {
    const truth = labelKey(labels[i]);
    const guess = labelKey(predictions[i]);
    if (truth === undefined || guess === undefined) continue;
    if (!found.has(truth)) found.set(truth, labels[i]!);
    if (!found.has(guess)) found.set(guess, predictions[i]!);
  }
  return [...found.values()].sort(compareLabels);
}
