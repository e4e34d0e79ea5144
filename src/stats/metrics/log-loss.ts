import { ValidationError } from '../../core/errors.ts';
import { shown } from '../../core/shown.ts';
import { demandList, demandOptions, demandSameLength } from '../arguments.ts';
import { demandClasses } from './class-counts.ts';
import { type Label, labelKey, positiveFlags } from './label.ts';
import { probabilityAt } from './probability.ts';
import { demandWeights, type WeightOptions } from './weights.ts';

/** How {@link logLoss} reads its arguments. */
export interface LogLossOptions extends WeightOptions {
  /** The class that single probabilities are of. @default 1 or true */
  positive?: Label | undefined;
  /** The class of each column, where every row has a probability per class; required there. */
  classes?: readonly Label[] | undefined;
  /**
   * Probabilities are kept this far from 0 and 1, so that one certain mistake does not make the loss infinite. @default the machine epsilon, 2.22e-16 (1.19e-7
   * for a Float32Array)
   */
  eps?: number | undefined;
}

/**
 * The mean of -ln of the probability that was given to what happened (cross-entropy, in nats): 0 for certainty that was right, ln k for k equally likely
 * classes. scikit-learn's `log_loss`.
 *
 * `probabilities` has one number per row, the probability of the positive class, or for several classes one list per row whose columns are `classes`. They are
 * clipped to [eps, 1 - eps] as in scikit-learn and not scaled to sum to 1. A label that is not among the `classes` was given 0. Rows with a missing label or a
 * NaN probability are left out (filter first to know how many); NaN when none is left. O(n).
 *
 * Throws `ValidationError` when the lists differ in length, a number is no probability (1e-6 outside 0 to 1 is taken for rounding), a weight is negative,
 * `classes` is missing or has another length than a row, or single probabilities come without `positive` and with labels other than 0/1, -1/1 or booleans.
 *
 * @example
 * ```ts
 * import { logLoss } from 'modelkeep/stats';
 *
 * console.log(logLoss([1, 0], [0.9, 0.2]).toFixed(6)); // 0.164252
 * const rows = [[0.7, 0.2, 0.1], [0.1, 0.1, 0.8]];
 * console.log(logLoss(['a', 'c'], rows, { classes: ['a', 'b', 'c'] }).toFixed(6)); // 0.289909
 * ```
 */
export function logLoss(labels: ArrayLike<Label>, probabilities: ArrayLike<number> | ArrayLike<ArrayLike<number>>, options: LogLossOptions = {}): number {
  const { weights, eps } = demandOptions(options);
  demandSameLength('labels', labels, 'probabilities', probabilities);
  demandWeights(weights, 'labels', labels);
  if (eps !== undefined && !(typeof eps === 'number' && eps >= 0 && eps < 0.5)) throw new ValidationError(`eps is ${shown(eps, 60)}; it must be at least 0 and below 0.5.`, { path: 'eps' });
  return isRows(probabilities) ? lossOfRows(labels, probabilities, options) : lossOfNumbers(labels, probabilities, options);
}

function isRows(probabilities: ArrayLike<number> | ArrayLike<ArrayLike<number>>): probabilities is ArrayLike<ArrayLike<number>> {
  for (let i = 0; i < probabilities.length; i++) {
    const first = probabilities[i];
    if (first !== undefined && first !== null) return typeof first === 'object';
  }
  return false;
}

function lossOfNumbers(labels: ArrayLike<Label>, probabilities: ArrayLike<number>, { positive, weights, eps = epsilonOf(probabilities) }: LogLossOptions): number {
  const flags = positiveFlags('labels', labels, positive);
  let sum = 0;
  let total = 0;
  for (let i = 0; i < flags.length; i++) {
    const p = probabilityAt('probabilities', probabilities, i);
    if (flags[i]! < 0 || Number.isNaN(p)) continue;
    const clipped = Math.min(1 - eps, Math.max(eps, p));
    const weight = weights === undefined ? 1 : weights[i]!;
    if (weight > 0) sum -= weight * (flags[i] === 1 ? Math.log(clipped) : Math.log1p(-clipped));
    total += weight;
  }
  return sum / total;
}

function lossOfRows(labels: ArrayLike<Label>, rows: ArrayLike<ArrayLike<number>>, { classes, weights, eps }: LogLossOptions): number {
  if (classes === undefined) throw new ValidationError('The probabilities are rows; `classes` must say which class each column is.', { path: 'classes' });
  const columns = new Map(demandClasses('classes', classes).map((label, i) => [labelKey(label)!, i]));
  let sum = 0;
  let total = 0;
  for (let i = 0; i < labels.length; i++) {
    const row = rows[i];
    const key = labelKey(labels[i]);
    if (row === undefined || row === null || key === undefined) continue;
    demandList(`probabilities[${i}]`, row);
    if (row.length !== classes.length) {
      throw new ValidationError(`probabilities[${i}] has ${row.length} values and there are ${classes.length} classes.`, { path: `probabilities[${i}]` });
    }
    const name = `probabilities[${i}]`;
    let missing = false;
    for (let j = 0; j < row.length; j++) if (Number.isNaN(probabilityAt(name, row, j))) missing = true;
    if (missing) continue;
    const column = columns.get(key);
    const p = column === undefined ? 0 : probabilityAt(name, row, column);
    const edge = eps ?? epsilonOf(row);
    const weight = weights === undefined ? 1 : weights[i]!;
    if (weight > 0) sum -= weight * Math.log(Math.min(1 - edge, Math.max(edge, p)));
    total += weight;
  }
  return sum / total;
}

function epsilonOf(values: ArrayLike<number>): number {
  return values instanceof Float32Array ? 2 ** -23 : Number.EPSILON;
}
