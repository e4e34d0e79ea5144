import { sharesOf, type SharesOptions } from './shares.ts';

/**
 * The total variation distance ½ Σ |p - q| of two distributions over the same categories, as counts or probabilities: the largest difference that any event's probabilities can have. From 0 to 1.
 *
 * NaN when a side is empty. O(categories). Throws `ValidationError` for different lengths, negative counts and probabilities that do not sum to 1.
 *
 * @example
 * ```ts
 * import { totalVariation } from 'modelkeep/stats';
 *
 * console.log(totalVariation([50, 30, 20], [48, 33, 19])); // 0.03
 * ```
 */
export function totalVariation(p: ArrayLike<number>, q: ArrayLike<number>, options: SharesOptions = {}): number {
  const shares = sharesOf(p, q, options);
  if (shares === undefined) return NaN;
  let sum = 0;
  for (let i = 0; i < shares[0].length; i++) sum += Math.abs(shares[0][i]! - shares[1][i]!);
  return Math.min(1, sum / 2);
}
