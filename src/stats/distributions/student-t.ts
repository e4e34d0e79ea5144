import { ValidationError } from '../../core/errors.ts';
import { shown } from '../../core/shown.ts';
import { demandNumber, demandProbability } from '../arguments.ts';
import { lowerBeta } from '../special/incomplete-beta.ts';
import { deviance, stirlingError } from '../special/saddle-point.ts';
import { betaLogit } from './beta-logit.ts';
import type { ContinuousDistribution } from './distribution.ts';
import { normal } from './normal.ts';

/**
 * Student's t distribution with `df` > 0 degrees of freedom, whole or not, Infinity for the normal: by the incomplete beta function, see {@link betaInc}. Relative error below 1e-12, below 1e-10 in tails
 * under 1e-10, on both sides. NaN gives NaN. Throws `ValidationError` for degrees of freedom that are not positive and a `p` that is no probability.
 *
 * @example
 * ```ts
 * import { studentT } from 'modelkeep/stats';
 *
 * console.log(studentT.sf(2.1, 8), studentT.quantile(0.975, 8)); // 0.0345, 2.306
 * ```
 */
export const studentT: ContinuousDistribution<[df: number]> = {
  pdf(x, df) {
    demandNumber('x', x);
    demandDegrees(df);
    if (df === Infinity) return normal.pdf(x);
    if (Number.isNaN(x)) return NaN;
    const square = x * x;
    if (square / df > 1e300) return (df * upperTail(Math.abs(x), df)) / Math.abs(x);
    const t = stirlingError((df + 1) / 2) - stirlingError(df / 2) - deviance(df / 2, (df + 1) / 2);
    const u = square > 0.2 * df ? Math.log1p(square / df) * (df / 2) : square / 2 - deviance(df / 2, (df + square) / 2);
    return (0.3989422804014327 * Math.exp(t - u)) / Math.sqrt(1 + square / df);
  },
  cdf(x, df) {
    demandNumber('x', x);
    return upperTail(-x, df);
  },
  sf(x, df) {
    demandNumber('x', x);
    return upperTail(x, df);
  },
  quantile(p, df) {
    demandDegrees(df);
    if (df === Infinity || Number.isNaN(p)) return normal.quantile(p);
    demandProbability('p', p);
    // t² / (df + t²) has a beta distribution; what lies within ±t and what lies beyond.
    const tail = Math.min(p, 1 - p);
    const t = Math.sqrt(df) * Math.exp(betaLogit(2 * Math.abs(p - 0.5), 2 * tail, 0.5, df / 2) / 2);
    return p < 0.5 ? -t : t;
  },
};

function demandDegrees(df: number): void {
  if (!(typeof df === 'number' && df > 0)) throw new ValidationError(`df is ${shown(df, 60)}; degrees of freedom are above 0.`, { path: 'df' });
}

/** P(T > t). */
function upperTail(t: number, df: number): number {
  demandDegrees(df);
  if (df === Infinity) return normal.sf(t);
  if (Number.isNaN(t)) return NaN;
  const reach = Math.abs(t) / Math.sqrt(df);
  // Beyond this the tail is a pure power, and its argument is no number of double precision any more.
  const power = reach > 1e150 ? (1e150 / reach) ** df : 1;
  const square = Math.min(reach, 1e150) ** 2;
  const tail = (lowerBeta(df / 2, 0.5, 1 / (1 + square), square / (1 + square)) / 2) * power;
  return t < 0 ? 1 - tail : tail;
}
