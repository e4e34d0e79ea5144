import { lowerBeta } from '../special/incomplete-beta.ts';
import { betaTerm } from '../special/saddle-point.ts';
import { solveMonotone } from './solve-monotone.ts';

const edge = 700;

/**
 * ln(x / (1 - x)) of the x at which I_x(a, b) = lower, where `upper` is 1 - lower, given apart so that neither tail loses digits. In this scale and in the logarithm of the smaller tail
 * the curve is nearly straight, and x and 1 - x both keep their digits.
 */
export function betaLogit(lower: number, upper: number, a: number, b: number): number {
  if (lower <= 0) return -Infinity;
  if (upper <= 0) return Infinity;
  // Beyond these edges the tails are pure powers, and x itself may be no number of double precision any more.
  const least = Math.exp(-edge);
  const leftmost = lowerBeta(a, b, least, 1);
  if (leftmost >= lower) return Math.log(lower / leftmost) / a - edge;
  const rightmost = lowerBeta(b, a, least, 1);
  if (rightmost >= upper) return edge - Math.log(upper / rightmost) / b;
  const byLower = lower <= upper;
  const target = Math.log(byLower ? lower : upper);
  return solveMonotone((z) => {
    const x = 1 / (1 + Math.exp(-z));
    const y = 1 / (1 + Math.exp(z));
    const tail = byLower ? lowerBeta(a, b, x, y) : lowerBeta(b, a, y, x);
    const slope = betaTerm(a, b, x, y) / tail;
    const value = Math.log(tail) - target;
    return byLower ? [value, slope] : [-value, slope];
  }, Math.log(a / b), -edge, edge);
}
