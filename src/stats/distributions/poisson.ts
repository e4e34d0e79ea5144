import { ValidationError } from '../../core/errors.ts';
import { shown } from '../../core/shown.ts';
import { demandNumber, demandProbability } from '../arguments.ts';
import { lowerGamma, upperGamma } from '../special/incomplete-gamma.ts';
import { gammaTerm } from '../special/saddle-point.ts';
import type { DiscreteDistribution } from './distribution.ts';
import { normal } from './normal.ts';
import { smallestCount } from './smallest-count.ts';

/**
 * The Poisson distribution of counts with mean `mu` ≥ 0. Probabilities in saddle-point form (Loader 2000), tails by the incomplete gamma functions, see {@link gammaP}. Relative error below 1e-12, below 1e-10
 * in tails under 1e-10. NaN gives NaN. About √mu steps near the mean. Throws `ValidationError` for a mean that is negative or infinite and a `p` that is no probability.
 *
 * @example
 * ```ts
 * import { poisson } from 'modelkeep/stats';
 *
 * console.log(poisson.pmf(0, 0.1), poisson.sf(20, 10), poisson.quantile(0.99, 10)); // 0.905, 0.00159, 18
 * ```
 */
export const poisson: DiscreteDistribution<[mu: number]> = {
  pmf(k, mu) {
    demandNumber('k', k);
    demandMean(mu);
    if (Number.isNaN(k)) return NaN;
    if (!Number.isInteger(k) || k < 0) return 0;
    return k === 0 ? Math.exp(-mu) : gammaTerm(k, mu);
  },
  cdf(k, mu) {
    demandNumber('k', k);
    demandMean(mu);
    return Number.isNaN(k) ? NaN : lowerTail(Math.floor(k), mu);
  },
  sf(k, mu) {
    demandNumber('k', k);
    demandMean(mu);
    if (Number.isNaN(k)) return NaN;
    if (k === Infinity) return 0;
    const whole = Math.floor(k);
    return whole < 0 ? 1 : lowerGamma(whole + 1, mu);
  },
  quantile(p, mu) {
    demandMean(mu);
    if (Number.isNaN(p)) return NaN;
    demandProbability('p', p);
    if (mu === 0) return 0;
    if (p === 1) return Infinity;
    return smallestCount(p, (k) => lowerTail(k, mu), mu + normal.quantile(Math.max(p, 1e-300)) * Math.sqrt(mu), Number.MAX_SAFE_INTEGER);
  },
};

function demandMean(mu: number): void {
  if (!(typeof mu === 'number' && mu >= 0 && mu < Infinity)) throw new ValidationError(`mu is ${shown(mu, 60)}; a mean of counts is finite and not negative.`, { path: 'mu' });
}

function lowerTail(k: number, mu: number): number {
  if (k === Infinity) return 1;
  return k < 0 ? 0 : upperGamma(k + 1, mu);
}
