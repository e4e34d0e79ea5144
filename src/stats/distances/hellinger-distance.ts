import { sharesOf, type SharesOptions } from './shares.ts';

/**
 * The Hellinger distance √(½ Σ (√p - √q)²) = √(1 - Σ √(pq)) of two distributions over the same categories (Hellinger 1909), as counts or probabilities. From 0 to 1; 1 when they share no category.
 *
 * Zeros need no filling. NaN when a side is empty. O(categories). Throws `ValidationError` for different lengths, negative counts and probabilities that do not sum to 1.
 *
 * @example
 * ```ts
 * import { hellingerDistance } from 'modelkeep/stats';
 *
 * console.log(hellingerDistance([50, 30, 20], [48, 33, 19])); // 0.0229
 * ```
 */
export function hellingerDistance(p: ArrayLike<number>, q: ArrayLike<number>, options: SharesOptions = {}): number {
  const shares = sharesOf(p, q, options);
  if (shares === undefined) return NaN;
  const [a, b] = shares;
  let sum = 0;
  for (let i = 0; i < a.length; i++) {
    const roots = Math.sqrt(a[i]!) + Math.sqrt(b[i]!);
    // The difference of the roots by that of the shares, which cancels less.
    if (roots > 0) sum += ((a[i]! - b[i]!) / roots) ** 2;
  }
  return Math.min(1, Math.sqrt(sum / 2));
}
