import { absoluteErrors } from './prediction-errors.ts';

/**
 * The largest |label - prediction|, in the unit of the labels.
 *
 * Pairs with a NaN, `null` or ±Infinity are left out (filter first to know how many); NaN when none is left. O(n).
 *
 * Throws `ValidationError` when the lists differ in length.
 *
 * @example
 * ```ts
 * import { maxError } from 'modelkeep/stats';
 *
 * console.log(maxError([3, 1, 2, 7], [2.5, 0, 2, 8])); // 1
 * ```
 */
export function maxError(labels: ArrayLike<number>, predictions: ArrayLike<number>): number {
  const { errors } = absoluteErrors(labels, predictions);
  let largest = NaN;
  for (const error of errors) if (!(error <= largest)) largest = error;
  return largest;
}
