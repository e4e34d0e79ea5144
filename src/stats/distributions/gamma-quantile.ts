import { lgamma1p } from '../special/lgamma.ts';
import { lowerGamma, upperGamma } from '../special/incomplete-gamma.ts';
import { gammaDensityTerm } from './gamma-density.ts';
import { normal } from './normal.ts';
import { solveMonotone } from './solve-monotone.ts';

/** The x at which P(a, x) = p, found in the logarithms of x and of the smaller tail, where the curve is nearly straight. */
export function gammaQuantile(p: number, a: number): number {
  if (p === 0) return 0;
  if (p === 1) return Infinity;
  const lower = p <= 0.5;
  const target = Math.log(lower ? p : 1 - p);
  // Far below the mean P is x^a / Γ(a + 1).
  const leftmost = (Math.log(p) + lgamma1p(a)) / a;
  if (leftmost < -745) return 0;
  const cube = 1 - 1 / (9 * a) + normal.quantile(p) / (3 * Math.sqrt(a));
  const guess = cube > 0.3 && a > 0.5 ? Math.log(a) + 3 * Math.log(cube) : leftmost;
  const z = solveMonotone((at) => {
    const x = Math.exp(at);
    const tail = lower ? lowerGamma(a, x) : upperGamma(a, x);
    const slope = gammaDensityTerm(a, x) / tail;
    const value = Math.log(tail) - target;
    return lower ? [value, slope] : [-value, slope];
  }, guess, -746, 710);
  return Math.exp(z);
}
