import { studentT } from '../distributions/student-t.ts';
import { completePairs } from './complete-pairs.ts';
import { checkedCorrelation, fisherInterval, symmetricP, type CorrelationOptions, type CorrelationResult } from './correlation-result.ts';
import { linearCorrelation, type LinearCorrelation } from './linear-correlation.ts';

/**
 * Pearson's coefficient of linear correlation r = Σ(x - x̄)(y - ȳ) / √(Σ(x - x̄)² Σ(y - ȳ)²) and the test that it is 0 in the population.
 *
 * The p-value is that of t = r √((n - 2) / (1 - r²)) under Student's law with n - 2 degrees of freedom, exact for normal data; it keeps its relative precision in
 * the tail, for 1 - r is computed without cancellation. Points on one straight line give r = ±1 and p = 0. The interval is Fisher's (1921), tanh(artanh r ± z / √(n - 3)).
 *
 * Pairs with a member that is NaN or infinite are left out and counted. Fewer than two pairs or a constant side give statistic 0, p-value 1 and the interval
 * [-1, 1]; two pairs give ±1 with p-value 1, and up to three the interval [-1, 1]. Costs O(n).
 *
 * @throws {ValidationError} when the lengths differ or an option is none of its words or levels.
 *
 * @example
 * ```ts
 * import { pearsonCorrelation } from 'modelkeep/stats';
 *
 * const { statistic, pValue, low, high } = pearsonCorrelation([1, 2, 3, 4, 5, 6], [2, 1, 4, 3, 6, 5]);
 * console.log(statistic.toFixed(3), pValue.toFixed(3), low.toFixed(2), high.toFixed(2)); // 0.829 0.042 0.05 0.98
 * ```
 */
export function pearsonCorrelation(x: ArrayLike<number>, y: ArrayLike<number>, options: CorrelationOptions = {}): CorrelationResult {
  const { alternative, confidence } = checkedCorrelation(options);
  const pairs = completePairs(x, y, false);
  const n = pairs.x.length;
  const correlation = linearCorrelation(pairs.x, pairs.y);
  if (correlation === undefined) return { statistic: 0, pValue: 1, method: 'student-t', low: -1, high: 1, n, dropped: pairs.dropped };
  const interval = fisherInterval(correlation.r, n > 3 ? 1 / Math.sqrt(n - 3) : Infinity, confidence);
  return { statistic: correlation.r, pValue: studentP(correlation, n, alternative), method: 'student-t', ...interval, n, dropped: pairs.dropped };
}

/** The p-value of a coefficient of n pairs by Student's law. */
export function studentP({ r, belowOne, aboveMinusOne }: LinearCorrelation, n: number, alternative: 'two-sided' | 'greater' | 'less'): number {
  if (n < 3) return 1;
  const t = r * Math.sqrt((n - 2) / (belowOne * aboveMinusOne));
  if (Math.abs(t) === Infinity) return alternative === 'two-sided' || (t > 0) === (alternative === 'greater') ? 0 : 1;
  return symmetricP(t, alternative, (value) => studentT.sf(value, n - 2));
}
