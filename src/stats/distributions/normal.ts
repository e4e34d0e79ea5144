import { demandNumber, demandPositive, demandProbability } from '../arguments.ts';
import { expOfMinusSquare, scaledErfc } from '../special/erf.ts';
import type { ContinuousDistribution } from './distribution.ts';

/**
 * The normal distribution, with mean 0 and standard deviation 1 unless told otherwise: tails by the complementary error function (Cody 1969), quantiles by Wichura (1988, AS 241). Relative error below
 * 1e-14 down to the smallest numbers. NaN gives NaN. Constant time. Throws `ValidationError` for a standard deviation that is not positive and a `p` that is no probability.
 *
 * @example
 * ```ts
 * import { normal } from 'modelkeep/stats';
 *
 * console.log(normal.sf(10), normal.quantile(0.975), normal.cdf(120, 100, 15)); // 7.6e-24, 1.96, 0.909
 * ```
 */
export const normal: ContinuousDistribution<[mean?: number, sd?: number]> = {
  pdf(x, mean = 0, sd = 1) {
    const z = standard(x, mean, sd);
    return Math.abs(z) < 40 ? (expOfMinusSquare(Math.abs(z), 0.5) * 0.3989422804014327) / sd : Number.isNaN(z) ? NaN : 0;
  },
  cdf: (x, mean = 0, sd = 1) => upperTail(-standard(x, mean, sd)),
  sf: (x, mean = 0, sd = 1) => upperTail(standard(x, mean, sd)),
  quantile(p, mean = 0, sd = 1) {
    demandNumber('mean', mean);
    demandPositive('sd', sd);
    if (Number.isNaN(p)) return NaN;
    demandProbability('p', p);
    return mean + sd * standardQuantile(p);
  },
};

function standard(x: number, mean: number, sd: number): number {
  demandNumber('x', x);
  demandNumber('mean', mean);
  demandPositive('sd', sd);
  return (x - mean) / sd;
}

/** P(Z > z) of the standard normal. */
function upperTail(z: number): number {
  if (Number.isNaN(z)) return NaN;
  const y = Math.abs(z);
  const tail = y < 39 ? 0.5 * scaledErfc(y * Math.SQRT1_2) * expOfMinusSquare(y, 0.5) : 0;
  return z < 0 ? 1 - tail : tail;
}

function standardQuantile(p: number): number {
  const q = p - 0.5;
  if (Math.abs(q) <= 0.425) return q * central(0.180625 - q * q);
  const tail = q < 0 ? p : 1 - p;
  if (tail === 0) return q < 0 ? -Infinity : Infinity;
  const r = Math.sqrt(-Math.log(tail));
  const z = r <= 5 ? middle(r - 1.6) : far(r - 5);
  return q < 0 ? -z : z;
}

function central(r: number): number {
  const top =
    ((((((2.5090809287301226727e3 * r + 3.3430575583588128105e4) * r + 6.7265770927008700853e4) * r + 4.5921953931549871457e4) * r + 1.3731693765509461125e4) * r +
      1.9715909503065514427e3) *
      r +
      1.3314166789178437745e2) *
      r +
    3.387132872796366608;
  const bottom =
    ((((((5.226495278852854561e3 * r + 2.8729085735721942674e4) * r + 3.930789580009271061e4) * r + 2.1213794301586595867e4) * r + 5.3941960214247511077e3) * r +
      6.871870074920579083e2) *
      r +
      4.2313330701600911252e1) *
      r +
    1;
  return top / bottom;
}

function middle(r: number): number {
  const top =
    ((((((7.7454501427834140764e-4 * r + 2.27238449892691845833e-2) * r + 2.41780725177450611770e-1) * r + 1.27045825245236838258) * r + 3.64784832476320460504) * r +
      5.7694972214606914055) *
      r +
      4.6303378461565452959) *
      r +
    1.42343711074968357734;
  const bottom =
    ((((((1.05075007164441684324e-9 * r + 5.475938084995344946e-4) * r + 1.51986665636164571966e-2) * r + 1.4810397642748007459e-1) * r + 6.8976733498510000455e-1) * r +
      1.6763848301838038494) *
      r +
      2.05319162663775882187) *
      r +
    1;
  return top / bottom;
}

function far(r: number): number {
  const top =
    ((((((2.01033439929228813265e-7 * r + 2.71155556874348757815e-5) * r + 1.2426609473880784386e-3) * r + 2.65321895265761230930e-2) * r + 2.9656057182850489123e-1) * r +
      1.7848265399172913358) *
      r +
      5.4637849111641143699) *
      r +
    6.6579046435011037772;
  const bottom =
    ((((((2.04426310338993978564e-15 * r + 1.4215117583164458887e-7) * r + 1.84631831751005468180e-5) * r + 7.86869131145613259100e-4) * r + 1.48753612908506148525e-2) * r +
      1.3692988092273580531e-1) *
      r +
      5.9983220655588793769e-1) *
      r +
    1;
  return top / bottom;
}
