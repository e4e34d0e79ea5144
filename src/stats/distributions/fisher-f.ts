import { demandNumber, demandPositive, demandProbability } from '../arguments.ts';
import { lowerBeta } from '../special/incomplete-beta.ts';
import { betaTerm } from '../special/saddle-point.ts';
import { betaLogit } from './beta-logit.ts';
import type { ContinuousDistribution } from './distribution.ts';

/**
 * Fisher's F distribution with `df1` and `df2` > 0 degrees of freedom: that of a ratio of two chi-squared variables, each over its degrees of freedom, by the incomplete beta function, see {@link betaInc}.
 * Relative error below 1e-12, below 1e-10 in tails under 1e-10. NaN gives NaN. Throws `ValidationError` for degrees of freedom that are not positive and a `p` that is no probability.
 *
 * @example
 * ```ts
 * import { fisherF } from 'modelkeep/stats';
 *
 * console.log(fisherF.sf(4.96, 1, 10), fisherF.quantile(0.95, 3, 20)); // 0.0501, 3.10
 * ```
 */
export const fisherF: ContinuousDistribution<[df1: number, df2: number]> = {
  pdf(x, df1, df2) {
    demandNumber('x', x);
    demandDegrees(df1, df2);
    if (Number.isNaN(x)) return NaN;
    if (x < 0 || x === Infinity) return 0;
    if (x === 0) return df1 < 2 ? Infinity : df1 === 2 ? 1 : 0;
    const [lower, upper] = shares(x, df1, df2);
    return betaTerm(df1 / 2, df2 / 2, lower, upper) / x;
  },
  cdf(x, df1, df2) {
    demandNumber('x', x);
    demandDegrees(df1, df2);
    if (Number.isNaN(x)) return NaN;
    const [lower, upper] = shares(x, df1, df2);
    return lowerBeta(df1 / 2, df2 / 2, lower, upper);
  },
  sf(x, df1, df2) {
    demandNumber('x', x);
    demandDegrees(df1, df2);
    if (Number.isNaN(x)) return NaN;
    const [lower, upper] = shares(x, df1, df2);
    return x <= 0 ? 1 : lowerBeta(df2 / 2, df1 / 2, upper, lower);
  },
  quantile(p, df1, df2) {
    demandDegrees(df1, df2);
    if (Number.isNaN(p)) return NaN;
    demandProbability('p', p);
    return (df2 / df1) * Math.exp(betaLogit(p, 1 - p, df1 / 2, df2 / 2));
  },
};

function demandDegrees(df1: number, df2: number): void {
  demandPositive('df1', df1);
  demandPositive('df2', df2);
}

/** What part of df1 x + df2 each of them is. */
function shares(x: number, df1: number, df2: number): [lower: number, upper: number] {
  if (x === Infinity) return [1, 0];
  const ratio = (df1 / df2) * x;
  return ratio < 1e300 ? [ratio / (1 + ratio), 1 / (1 + ratio)] : [1, df2 / df1 / x];
}
