import { demandNumber, demandPositive, demandProbability } from '../arguments.ts';
import { lowerGamma, upperGamma } from '../special/incomplete-gamma.ts';
import type { ContinuousDistribution } from './distribution.ts';
import { gammaDensity } from './gamma-density.ts';
import { gammaQuantile } from './gamma-quantile.ts';

/**
 * The chi-squared distribution with `df` > 0 degrees of freedom, whole or not: that of a sum of df squared standard normals, by the incomplete gamma functions, see {@link gammaP}. Relative error below
 * 1e-12, below 1e-10 in tails under 1e-10. NaN gives NaN. About √df steps near the mean. Throws `ValidationError` for degrees of freedom that are not positive and a `p` that is no probability.
 *
 * @example
 * ```ts
 * import { chiSquared } from 'modelkeep/stats';
 *
 * console.log(chiSquared.sf(3.841, 1), chiSquared.quantile(0.95, 1)); // 0.05, 3.841
 * ```
 */
export const chiSquared: ContinuousDistribution<[df: number]> = {
  pdf(x, df) {
    demandNumber('x', x);
    demandPositive('df', df);
    return gammaDensity(x / 2, df / 2) / 2;
  },
  cdf(x, df) {
    demandNumber('x', x);
    demandPositive('df', df);
    return lowerGamma(df / 2, x / 2);
  },
  sf(x, df) {
    demandNumber('x', x);
    demandPositive('df', df);
    return upperGamma(df / 2, x / 2);
  },
  quantile(p, df) {
    demandPositive('df', df);
    if (Number.isNaN(p)) return NaN;
    demandProbability('p', p);
    return 2 * gammaQuantile(p, df / 2);
  },
};
