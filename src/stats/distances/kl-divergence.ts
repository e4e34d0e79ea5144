import { deviance } from '../special/saddle-point.ts';
import { logarithmOf, type LogarithmOptions } from './logarithm-base.ts';
import { sharesOf } from './shares.ts';

/**
 * The Kullback–Leibler divergence Σ p ln(p / q) of two distributions over the same categories (Kullback & Leibler 1951), as counts or probabilities; not symmetric.
 *
 * Zeros: a category with p = 0 adds nothing; one with q = 0 < p makes it Infinity, for nothing is filled in (see {@link psi} for rules that do). NaN when a side is empty. O(categories). Throws
 * `ValidationError` for different lengths, negative counts, probabilities that do not sum to 1 and a base that is none.
 *
 * @example
 * ```ts
 * import { klDivergence } from 'modelkeep/stats';
 *
 * console.log(klDivergence([50, 30, 20], [48, 33, 19])); // 0.0021
 * ```
 */
export function klDivergence(p: ArrayLike<number>, q: ArrayLike<number>, options: LogarithmOptions = {}): number {
  const shares = sharesOf(p, q, options);
  const unit = logarithmOf(options.base);
  if (shares === undefined) return NaN;
  const [a, b] = shares;
  let sum = 0;
  // Σ (q - p) is 0; with it no term is negative, equal shares give exactly 0, and little cancels between shares that are nearly so.
  for (let i = 0; i < a.length; i++) sum += deviance(a[i]!, b[i]!);
  return Math.max(0, sum) / unit;
}
