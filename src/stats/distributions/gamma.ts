import { demandNumber, demandPositive, demandProbability } from '../arguments.ts';
import { lowerGamma, upperGamma } from '../special/incomplete-gamma.ts';
import type { ContinuousDistribution } from './distribution.ts';
import { gammaDensity } from './gamma-density.ts';
import { gammaQuantile } from './gamma-quantile.ts';

/**
 * The gamma distribution with density x^(k-1) e^(-x/θ) / (Γ(k) θ^k), x ≥ 0, of shape k and scale θ (1 unless told): the regularised incomplete gamma functions, see {@link gammaP}. Relative error
 * below 1e-12, below 1e-10 in tails under 1e-10. NaN gives NaN. About √k steps near the mean. Throws `ValidationError` for a shape or scale that is not positive and a `p` that is no probability.
 *
 * @example
 * ```ts
 * import { gamma } from 'modelkeep/stats';
 *
 * console.log(gamma.cdf(2, 0.5, 1), gamma.quantile(0.975, 3)); // 0.954, 7.22
 * ```
 */
export const gamma: ContinuousDistribution<[shape: number, scale?: number]> = {
  pdf(x, shape, scale = 1) {
    demandNumber('x', x);
    demandShape(shape, scale);
    return gammaDensity(x / scale, shape) / scale;
  },
  cdf(x, shape, scale = 1) {
    demandNumber('x', x);
    demandShape(shape, scale);
    return lowerGamma(shape, x / scale);
  },
  sf(x, shape, scale = 1) {
    demandNumber('x', x);
    demandShape(shape, scale);
    return upperGamma(shape, x / scale);
  },
  quantile(p, shape, scale = 1) {
    demandShape(shape, scale);
    if (Number.isNaN(p)) return NaN;
    demandProbability('p', p);
    return scale * gammaQuantile(p, shape);
  },
};

function demandShape(shape: number, scale: number): void {
  demandPositive('shape', shape);
  demandPositive('scale', scale);
}
