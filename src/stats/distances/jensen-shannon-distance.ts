import { logarithmOf, type LogarithmOptions } from './logarithm-base.ts';
import { sharesOf } from './shares.ts';

/**
 * The Jensen–Shannon distance of two distributions over the same categories, as counts or probabilities: the square root of ½ KL(p ‖ m) + ½ KL(q ‖ m) with m = (p + q) / 2 (Lin 1991; a metric by Endres & Schindelin
 * 2003). From 0 to √ln 2 = 0.8326, or to 1 with base 2.
 *
 * Zeros need no filling: a category that one side lacks counts in full and stays finite. NaN when a side is empty. O(categories). Throws `ValidationError` for different lengths, negative counts, probabilities that do not
 * sum to 1 and a base that is none.
 *
 * @example
 * ```ts
 * import { jensenShannonDistance } from 'modelkeep/stats';
 *
 * console.log(jensenShannonDistance([50, 30, 20], [48, 33, 19], { base: 2 })); // 0.0275
 * ```
 */
export function jensenShannonDistance(p: ArrayLike<number>, q: ArrayLike<number>, options: LogarithmOptions = {}): number {
  const shares = sharesOf(p, q, options);
  const unit = logarithmOf(options.base);
  if (shares === undefined) return NaN;
  const [a, b] = shares;
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += pairDivergence(a[i]!, b[i]!);
  return Math.sqrt(Math.max(0, sum) / 2 / unit);
}

/** a ln(a / m) + b ln(b / m) with m = (a + b) / 2, without the cancellation where a and b are near each other. */
function pairDivergence(a: number, b: number): number {
  const total = a + b;
  if (total === 0) return 0;
  const u = (a - b) / total;
  if (Math.abs(u) > 0.1) return (a > 0 ? a * Math.log((2 * a) / total) : 0) + (b > 0 ? b * Math.log((2 * b) / total) : 0);
  // (1 + u) ln(1 + u) + (1 - u) ln(1 - u) = Σ u^2k / (k (2k - 1))
  const square = u * u;
  let power = 1;
  let sum = 0;
  for (let k = 1; k <= 9; k++) {
    power *= square;
    sum += power / (k * (2 * k - 1));
  }
  return (total / 2) * sum;
}
