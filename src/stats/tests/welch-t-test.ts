import { finiteValues } from '../samples/finite-values.ts';
import { differenceOfMeans, safeScale, sampleMoments, type SampleMoments } from '../samples/sample-moments.ts';
import { demandTTestOptions, tTestOf, type Comparison, type TTestOptions, type TTestResult } from './t-test-result.ts';

/**
 * Welch's (1947) t-test of two means whose variances may differ: t = (x̄ - ȳ) / √(s²ₓ/n + s²ᵧ/m), with the degrees of freedom of Satterthwaite. The one to take
 * unless both variances are known to be equal.
 *
 * NaN, ±Infinity and what is no number are left out and counted. With fewer than two values on a side there is no variance: statistic 0, p 1. When no value varies
 * on either side, equal means give statistic 0 and p 1, different ones ±Infinity and p 0. Means and variances in two passes, so a large common
 * part of the values costs no digits. Costs O(n + m).
 *
 * @throws ValidationError for an unknown alternative and a confidence outside (0, 1).
 *
 * @example
 * ```ts
 * import { welchTTest } from 'modelkeep/stats';
 *
 * const { statistic, df, pValue } = welchTTest([38.7, 41.5, 43.8, 44.5, 45.5, 46.0, 47.7, 58.0], [39.2, 39.3, 39.7, 41.4, 41.8, 42.9, 43.3, 45.8]);
 * console.log(statistic.toFixed(3), df.toFixed(2), pValue.toFixed(4)); // 1.859 9.22 0.0951
 * ```
 */
export function welchTTest(x: ArrayLike<number>, y: ArrayLike<number>, options: TTestOptions = {}): TTestResult {
  const checked = demandTTestOptions(options);
  const first = finiteValues(x, 'x');
  const second = finiteValues(y, 'y');
  const scale = safeScale(first.values, second.values);
  const a = sampleMoments(first.values, scale);
  const b = sampleMoments(second.values, scale);
  return tTestOf(welchComparison(a, b, scale, [first.dropped, second.dropped]), checked);
}

/** Two samples as Welch's test sees them, on the common scale of their moments. */
export function welchComparison(a: SampleMoments, b: SampleMoments, scale: number, dropped: readonly [number, number]): Comparison {
  const enough = a.n >= 2 && b.n >= 2;
  const varianceOfMeans = enough ? [a.squares / (a.n - 1) / a.n, b.squares / (b.n - 1) / b.n] as const : [NaN, NaN] as const;
  const variance = varianceOfMeans[0] + varianceOfMeans[1];
  // As shares of the variance, whose squares neither vanish nor overflow.
  const share = variance === 0 ? 0.5 : varianceOfMeans[0] / variance;
  return {
    method: 'welch',
    means: [a.mean, b.mean],
    n: a.n,
    m: b.n,
    dropped,
    scale,
    difference: differenceOfMeans(a, b),
    deviation: Math.sqrt((a.squares / (a.n - 1) + b.squares / (b.n - 1)) / 2),
    standardError: Math.sqrt(variance),
    df: enough ? 1 / (share ** 2 / (a.n - 1) + (1 - share) ** 2 / (b.n - 1)) : 0,
  };
}
