import { demandOptions } from '../arguments.ts';
import { ascendingOrder } from '../samples/ascending-order.ts';
import { absoluteErrors } from './prediction-errors.ts';
import type { WeightOptions } from './weights.ts';

/**
 * The median of |label - prediction|, in the unit of the labels: an error that a few outliers do not move. With an even number of pairs it is the mean of the
 * middle two; weighted, it is the error at which half of all weight is reached, or the mean of it and the next one where that is exactly half.
 *
 * Pairs with a NaN, `null` or ±Infinity are left out (filter first to know how many); NaN when none is left. O(n log n).
 *
 * Throws `ValidationError` when the lists differ in length or a weight is negative.
 *
 * @example
 * ```ts
 * import { medianAbsoluteError } from 'modelkeep/stats';
 *
 * console.log(medianAbsoluteError([3, 1, 2, 7], [2.5, 0, 2, 99])); // 0.75
 * ```
 */
export function medianAbsoluteError(labels: ArrayLike<number>, predictions: ArrayLike<number>, options: WeightOptions = {}): number {
  demandOptions(options);
  const { errors, masses } = absoluteErrors(labels, predictions, options.weights);
  const n = errors.length;
  if (n === 0) return NaN;
  if (masses === undefined) {
    errors.sort();
    return middle(errors[(n - 1) >> 1]!, errors[n >> 1]!);
  }
  const order = ascendingOrder(errors);
  let total = 0;
  for (const mass of masses) total += mass;
  let sum = 0;
  for (let i = 0; i < n; i++) {
    sum += masses[order[i]!]!;
    if (sum * 2 > total || i + 1 === n) return errors[order[i]!]!;
    if (sum * 2 === total) return middle(errors[order[i]!]!, errors[order[i + 1]!]!);
  }
  return NaN;
}

function middle(a: number, b: number): number {
  return a + (b - a) / 2;
}
