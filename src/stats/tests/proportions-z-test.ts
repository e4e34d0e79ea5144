import { demandLevel, demandOneOf, demandOptions, demandWhole } from '../arguments.ts';
import { normal } from '../distributions/normal.ts';
import type { Alternative, TestResult } from './test-result.ts';
import { wilsonInterval } from './wilson-interval.ts';

/** How many of a number of trials succeeded. */
export interface Proportion {
  /** Trials that succeeded, a whole number from 0 to `trials`. */
  readonly successes: number;
  /** All trials. */
  readonly trials: number;
}

/** How {@link proportionsZTest} computes its p-value and interval. */
export interface ProportionsZTestOptions {
  /** `greater` when only a larger first share is evidence, `less` when only a smaller one. @default 'two-sided' */
  alternative?: Alternative | undefined;
  /** Confidence of the interval, above 0 and below 1. @default 0.95 */
  confidence?: number | undefined;
}

/** What {@link proportionsZTest} found. */
export interface ProportionsZTestResult extends TestResult {
  /** z, the difference in standard errors: positive when the first share is larger. */
  readonly statistic: number;
  /** The variance is that of both samples taken together, as it is when the shares are equal. */
  readonly method: 'pooled';
  /** First share less second share, -1 to 1; NaN when a side has no trials. */
  readonly difference: number;
  /** Lower end of the interval for the difference; -1 for the alternative `less`. */
  readonly low: number;
  /** Upper end of the interval for the difference; 1 for the alternative `greater`. */
  readonly high: number;
}

/**
 * The z-test of two shares: z = (p₁ - p₂) / √(p(1 - p)(1/n₁ + 1/n₂)) with the pooled share p, against the normal law. Without continuity correction z² is the
 * chi-squared of the 2×2 table. It wants some five successes and failures expected on each side; `fisherExactTest` does with fewer.
 *
 * The interval for the difference is Newcombe's (1998, method 10) from the Wilson intervals of both shares; it does not leave [-1, 1] and holds where the normal
 * one fails. It may include 0 where p is just under 1 - confidence, and the other way round.
 *
 * When both samples are all successes or all failures, or one has no trials, z is 0 and p is 1. Costs O(1).
 *
 * @throws ValidationError for numbers that are not whole, more successes than trials, an unknown alternative, and a confidence outside (0, 1).
 *
 * @example
 * ```ts
 * import { proportionsZTest } from 'modelkeep/stats';
 *
 * const { statistic, pValue, difference, low, high } = proportionsZTest({ successes: 420, trials: 1100 }, { successes: 300, trials: 1000 });
 * console.log(statistic.toFixed(3), pValue < 0.001); // 3.945 true
 * console.log(difference.toFixed(3), low.toFixed(3), high.toFixed(3)); // 0.082 0.041 0.122
 * ```
 */
export function proportionsZTest(first: Proportion, second: Proportion, options: ProportionsZTestOptions = {}): ProportionsZTestResult {
  const { alternative = 'two-sided', confidence = 0.95 } = demandOptions(options);
  demandOneOf('alternative', alternative, ['two-sided', 'greater', 'less']);
  demandLevel('confidence', confidence);
  demandProportion('first', first);
  demandProportion('second', second);
  const { successes: k, trials: n } = first;
  const { successes: l, trials: m } = second;
  if (n === 0 || m === 0) return { statistic: 0, pValue: 1, method: 'pooled', difference: NaN, low: -1, high: 1 };
  const successes = k + l;
  const failures = n + m - successes;
  // Over a common denominator, which is exact for whole numbers and so does not cancel.
  const difference = k * m - l * n;
  const constant = successes === 0 || failures === 0;
  const z = constant ? 0 : difference * Math.sqrt((n + m) / (n * m) / (successes * failures));
  const p = alternative === 'two-sided' ? Math.min(1, 2 * normal.sf(Math.abs(z))) : normal.sf(alternative === 'greater' ? z : -z);
  const width = -normal.quantile(alternative === 'two-sided' ? (1 - confidence) / 2 : 1 - confidence);
  const [a, b] = [wilsonInterval(k, n, width), wilsonInterval(l, m, width)];
  const shift = difference / (n * m);
  return {
    statistic: z,
    pValue: constant ? 1 : p,
    method: 'pooled',
    difference: shift,
    low: alternative === 'less' ? -1 : Math.max(-1, shift - Math.hypot(k / n - a.low, b.high - l / m)),
    high: alternative === 'greater' ? 1 : Math.min(1, shift + Math.hypot(a.high - k / n, l / m - b.low)),
  };
}

function demandProportion(name: string, proportion: Proportion): void {
  const { successes, trials } = demandOptions(proportion, name);
  demandWhole(`${name}.trials`, trials);
  demandWhole(`${name}.successes`, successes, 0, trials);
}
