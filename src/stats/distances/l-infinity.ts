import { sharesOf, type SharesOptions } from './shares.ts';

/**
 * The L∞ distance max |p - q| of two distributions over the same categories, as counts or probabilities: how much the share of one category changed at most. From 0 to 1.
 *
 * NaN when a side is empty. O(categories). Throws `ValidationError` for different lengths, negative counts and probabilities that do not sum to 1.
 *
 * @example
 * ```ts
 * import { lInfinity } from 'modelkeep/stats';
 *
 * console.log(lInfinity([50, 30, 20], [40, 35, 25])); // 0.1
 * ```
 */
export function lInfinity(p: ArrayLike<number>, q: ArrayLike<number>, options: SharesOptions = {}): number {
  const shares = sharesOf(p, q, options);
  if (shares === undefined) return NaN;
  let largest = 0;
  for (let i = 0; i < shares[0].length; i++) largest = Math.max(largest, Math.abs(shares[0][i]! - shares[1][i]!));
  return largest;
}
