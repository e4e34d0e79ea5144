import { demandLevel, demandOneOf, demandOptions } from '../arguments.ts';
import { studentT } from '../distributions/student-t.ts';
import type { Alternative, TestResult } from './test-result.ts';

/** How a t-test computes its p-value and interval. */
export interface TTestOptions {
  /** `greater` when only a larger first mean is evidence, `less` when only a smaller one. @default 'two-sided' */
  alternative?: Alternative | undefined;
  /** Confidence of the interval, above 0 and below 1. @default 0.95 */
  confidence?: number | undefined;
}

/** What a t-test found. */
export interface TTestResult extends TestResult {
  /** t, the difference in standard errors: positive when the first mean is larger, ±Infinity when the means differ and no value varies. */
  readonly statistic: number;
  /** Welch's test, Student's with one variance, or Student's on the differences of pairs. */
  readonly method: 'welch' | 'student' | 'paired';
  /** Degrees of freedom, not whole for Welch; 0 when there was too little to compare. */
  readonly df: number;
  /** Mean of the first sample and of the second; NaN of an empty one. */
  readonly means: readonly [first: number, second: number];
  /** First mean less second mean; NaN when a sample is empty. */
  readonly difference: number;
  /** Lower end of the interval for the difference; -Infinity for the alternative `less`, or when there was too little to compare. */
  readonly low: number;
  /** Upper end of the interval for the difference; Infinity for the alternative `greater`, or when there was too little to compare. */
  readonly high: number;
  /**
   * The difference in standard deviations: for `welch` the root of the mean of both variances, for `student` the pooled one (Cohen's d), for `paired` that of the differences.
   * ±Infinity when the means differ and no value varies, 0 when they do not differ, NaN when there was too little to compare.
   */
  readonly effect: number;
  /** Values of the first sample that took part. */
  readonly n: number;
  /** Values of the second sample that took part. */
  readonly m: number;
  /** Values of each sample that were left out, being NaN, infinite or no number; for `paired` the pairs, on both sides alike. */
  readonly dropped: readonly [number, number];
}

/** What two samples say, on a common scale by which it is divided again. */
export interface Comparison extends Pick<TTestResult, 'method' | 'means' | 'n' | 'm' | 'dropped'> {
  readonly scale: number;
  readonly difference: number;
  /** Standard deviation the effect is measured in; NaN when there is too little for one. */
  readonly deviation: number;
  readonly standardError: number;
  readonly df: number;
}

/** Throws `ValidationError` for options that are none. */
export function demandTTestOptions(options: TTestOptions): { alternative: Alternative; confidence: number } {
  const { alternative = 'two-sided', confidence = 0.95 } = demandOptions(options);
  demandOneOf('alternative', alternative, ['two-sided', 'greater', 'less']);
  demandLevel('confidence', confidence);
  return { alternative, confidence };
}

/** Judges a difference by its standard error. */
export function tTestOf(compared: Comparison, { alternative, confidence }: { alternative: Alternative; confidence: number }): TTestResult {
  const { method, means, n, m, dropped, scale, difference, deviation, standardError, df } = compared;
  const known = { method, means: [means[0] / scale, means[1] / scale] as const, difference: difference / scale, n, m, dropped };
  if (!(df > 0)) return { statistic: 0, pValue: 1, ...known, df: 0, low: -Infinity, high: Infinity, effect: NaN };
  const t = difference === 0 ? 0 : difference / standardError;
  const still = difference === 0 && standardError === 0;
  const tail = alternative === 'two-sided' ? (1 - confidence) / 2 : 1 - confidence;
  const reach = standardError === 0 ? 0 : -studentT.quantile(tail, df) * standardError;
  return {
    statistic: t,
    pValue: still ? 1 : pValueOf(t, df, alternative),
    ...known,
    df,
    low: alternative === 'less' ? -Infinity : (difference - reach) / scale,
    high: alternative === 'greater' ? Infinity : (difference + reach) / scale,
    effect: difference === 0 ? 0 : difference / deviation,
  };
}

function pValueOf(t: number, df: number, alternative: Alternative): number {
  if (Math.abs(t) === Infinity) return alternative === 'two-sided' || (alternative === 'greater') === (t > 0) ? 0 : 1;
  if (alternative === 'two-sided') return Math.min(1, 2 * studentT.sf(Math.abs(t), df));
  return studentT.sf(alternative === 'greater' ? t : -t, df);
}
