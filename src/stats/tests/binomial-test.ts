import { demandLevel, demandOneOf, demandOptions, demandProbability, demandWhole } from '../arguments.ts';
import { normal } from '../distributions/normal.ts';
import { binomialLaw } from './binomial-law.ts';
import { clopperPearsonInterval } from './clopper-pearson-interval.ts';
import type { Alternative, TestResult } from './test-result.ts';
import { exactPValue } from './unimodal-law.ts';
import { wilsonInterval } from './wilson-interval.ts';

/** How {@link binomialTest} computes its p-value and interval. */
export interface BinomialTestOptions {
  /** The share of successes under the null hypothesis, 0 to 1. @default 0.5 */
  p?: number | undefined;
  /** `greater` when only more successes than expected are evidence, `less` when only fewer. @default 'two-sided' */
  alternative?: Alternative | undefined;
  /** Confidence of the interval, above 0 and below 1. @default 0.95 */
  confidence?: number | undefined;
  /** The exact interval (Clopper & Pearson 1934), which covers at least as often as it says, or Wilson's (1927), which is shorter and covers about as often. @default 'clopper-pearson' */
  interval?: 'clopper-pearson' | 'wilson' | undefined;
}

/** What {@link binomialTest} found. */
export interface BinomialTestResult extends TestResult {
  /** The number of successes. */
  readonly statistic: number;
  /** The binomial law itself. */
  readonly method: 'exact';
  /** The share of successes, 0 to 1; NaN without trials. */
  readonly share: number;
  /** Lower end of the interval for the share; 0 for the alternative `less`. */
  readonly low: number;
  /** Upper end of the interval for the share; 1 for the alternative `greater`. */
  readonly high: number;
}

/**
 * The exact binomial test: do `successes` in `trials` suit a probability of `p`? `greater` is P(X ≥ k), `less` P(X ≤ k), and the two-sided p-value the probability of all
 * numbers of successes that are at most as likely as k (within 1e-7 of its probability, which is rounding), as in R and scipy. Summed term by term in the
 * tail, to a relative error of about 1e-12 down to 1e-300.
 *
 * With a one-sided alternative the interval is open to the other side. Without trials: p 1, the share NaN, the interval from 0 to 1. Takes some ten standard
 * deviations of steps at most, O(√trials): a few milliseconds for 1e9 trials.
 *
 * @throws ValidationError for numbers that are not whole, more successes than trials, a probability outside [0, 1], a confidence outside (0, 1), and unknown words.
 *
 * @example
 * ```ts
 * import { binomialTest } from 'modelkeep/stats';
 *
 * const { pValue, low, high } = binomialTest(60, 100);
 * console.log(pValue.toFixed(4), low.toFixed(3), high.toFixed(3)); // 0.0569 0.497 0.697
 * console.log(binomialTest(60, 100, { alternative: 'greater' }).pValue.toFixed(4)); // 0.0284
 * ```
 */
export function binomialTest(successes: number, trials: number, options: BinomialTestOptions = {}): BinomialTestResult {
  const { p = 0.5, alternative = 'two-sided', confidence = 0.95, interval = 'clopper-pearson' } = demandOptions(options);
  demandWhole('trials', trials);
  demandWhole('successes', successes, 0, trials);
  demandProbability('p', p);
  demandLevel('confidence', confidence);
  demandOneOf('alternative', alternative, ['two-sided', 'greater', 'less']);
  demandOneOf('interval', interval, ['clopper-pearson', 'wilson']);
  if (trials === 0) return { statistic: 0, pValue: 1, method: 'exact', share: NaN, low: 0, high: 1 };
  const tail = alternative === 'two-sided' ? (1 - confidence) / 2 : 1 - confidence;
  const ends = interval === 'wilson' ? wilsonInterval(successes, trials, -normal.quantile(tail)) : clopperPearsonInterval(successes, trials, tail);
  return {
    statistic: successes,
    pValue: exactPValue(binomialLaw(trials, p), successes, alternative),
    method: 'exact',
    share: successes / trials,
    low: alternative === 'less' ? 0 : ends.low,
    high: alternative === 'greater' ? 1 : ends.high,
  };
}
