import { demandNumber, demandProbability, demandWhole } from '../arguments.ts';
import { lowerBeta } from '../special/incomplete-beta.ts';
import { binomialPmf } from '../special/saddle-point.ts';
import type { DiscreteDistribution } from './distribution.ts';
import { normal } from './normal.ts';
import { smallestCount } from './smallest-count.ts';

/**
 * The binomial distribution: how many of `n` independent trials succeed when each does with chance `p`. Probabilities in saddle-point form (Loader 2000), tails by the incomplete beta function, see {@link betaInc}.
 * Relative error below 1e-12, below 1e-10 in tails under 1e-10. NaN gives NaN. About √n steps near the mean. Throws `ValidationError` for an `n` that is no whole number and what is no probability.
 *
 * @example
 * ```ts
 * import { binomial } from 'modelkeep/stats';
 *
 * console.log(binomial.pmf(0, 10, 0.1), binomial.sf(3, 10, 0.1), binomial.quantile(0.5, 10, 0.1)); // 0.349, 0.0128, 1
 * ```
 */
export const binomial: DiscreteDistribution<[n: number, p: number]> = {
  pmf(k, n, p) {
    demandNumber('k', k);
    demandTrials(n, p);
    if (Number.isNaN(k)) return NaN;
    return Number.isInteger(k) && k >= 0 && k <= n ? binomialPmf(k, n, p, 1 - p) : 0;
  },
  cdf(k, n, p) {
    demandNumber('k', k);
    demandTrials(n, p);
    return Number.isNaN(k) ? NaN : lowerTail(Math.floor(k), n, p);
  },
  sf(k, n, p) {
    demandNumber('k', k);
    demandTrials(n, p);
    if (Number.isNaN(k)) return NaN;
    const whole = Math.floor(k);
    if (whole < 0) return 1;
    return whole >= n ? 0 : lowerBeta(whole + 1, n - whole, p, 1 - p);
  },
  quantile(q, n, p) {
    demandTrials(n, p);
    if (Number.isNaN(q)) return NaN;
    demandProbability('p', q);
    return smallestCount(q, (k) => lowerTail(k, n, p), n * p + normal.quantile(Math.min(Math.max(q, 1e-300), 1 - 1e-16)) * Math.sqrt(n * p * (1 - p)), n);
  },
};

function demandTrials(n: number, p: number): void {
  demandWhole('n', n);
  demandProbability('p', p);
}

function lowerTail(k: number, n: number, p: number): number {
  if (k < 0) return 0;
  return k >= n ? 1 : lowerBeta(n - k, k + 1, 1 - p, p);
}
