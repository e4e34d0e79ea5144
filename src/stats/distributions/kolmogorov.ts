import { demandNumber, demandProbability } from '../arguments.ts';
import type { ContinuousDistribution } from './distribution.ts';
import { solveMonotone } from './solve-monotone.ts';

/**
 * The distribution of Kolmogorov (1933): the limit, for many values, of √n times the largest distance of an empirical distribution function from the true one. By the alternating series of the tail above
 * 0.8 and by its theta transform below, so that both tails keep their relative precision (1e-12; 1e-10 under 1e-10). NaN gives NaN. Constant time. Throws `ValidationError` for a `p` that is no probability.
 *
 * @example
 * ```ts
 * import { kolmogorov } from 'modelkeep/stats';
 *
 * console.log(kolmogorov.sf(1.358), kolmogorov.quantile(0.95)); // 0.05, 1.358
 * ```
 */
export const kolmogorov: ContinuousDistribution<[]> = {
  pdf(x) {
    demandNumber('x', x);
    if (Number.isNaN(x)) return NaN;
    if (x <= 0) return 0;
    return x < 0.8 ? lowDensity(x) : highDensity(x);
  },
  cdf(x) {
    demandNumber('x', x);
    if (Number.isNaN(x)) return NaN;
    if (x <= 0) return 0;
    return x < 0.8 ? low(x) : 1 - high(x);
  },
  sf(x) {
    demandNumber('x', x);
    if (Number.isNaN(x)) return NaN;
    if (x <= 0) return 1;
    return x < 0.8 ? 1 - low(x) : high(x);
  },
  quantile(p) {
    if (Number.isNaN(p)) return NaN;
    demandProbability('p', p);
    if (p === 0) return 0;
    if (p === 1) return Infinity;
    const lower = p <= 0.5;
    const target = Math.log(lower ? p : 1 - p);
    return Math.exp(
      solveMonotone((z) => {
        const x = Math.exp(z);
        const tail = lower ? kolmogorov.cdf(x) : kolmogorov.sf(x);
        const value = Math.log(tail) - target;
        const slope = (x * kolmogorov.pdf(x)) / tail;
        return lower ? [value, slope] : [-value, slope];
      }, lower ? -0.3 : 0.2, Math.log(0.04), Math.log(20)),
    );
  },
};

const root2Pi = 2.5066282746310002;

/** P(K ≤ x) by the theta transform. */
function low(x: number): number {
  let sum = 0;
  for (let k = 1; k <= 7; k += 2) sum += Math.exp(-((k * Math.PI) ** 2) / 8 / (x * x));
  return (root2Pi / x) * sum;
}

function lowDensity(x: number): number {
  let sum = 0;
  for (let k = 1; k <= 7; k += 2) {
    const exponent = (k * Math.PI) ** 2 / 8 / (x * x);
    sum += Math.exp(-exponent) * (2 * exponent - 1);
  }
  return (root2Pi / (x * x)) * sum;
}

/** P(K > x) by the alternating series. */
function high(x: number): number {
  let sum = 0;
  for (let k = 6; k >= 1; k--) sum = Math.exp(-2 * (k * x) ** 2) - sum;
  return 2 * sum;
}

function highDensity(x: number): number {
  let sum = 0;
  for (let k = 6; k >= 1; k--) sum = k * k * Math.exp(-2 * (k * x) ** 2) - sum;
  return 8 * x * sum;
}
