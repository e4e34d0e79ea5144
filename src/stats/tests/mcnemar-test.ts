import { demandFlag, demandLevel, demandOneOf, demandOptions } from '../arguments.ts';
import { chiSquared } from '../distributions/chi-squared.ts';
import { binomialLaw } from './binomial-law.ts';
import { clopperPearsonInterval } from './clopper-pearson-interval.ts';
import { fourCounts } from './contingency-table.ts';
import type { TestResult } from './test-result.ts';
import { exactPValue } from './unimodal-law.ts';

/** How {@link mcNemarTest} computes its p-value. */
export interface McNemarOptions {
  /** The exact binomial law of the discordant pairs, or the chi-squared law that it tends to. @default 'exact' */
  method?: 'exact' | 'asymptotic' | undefined;
  /** Whether the asymptotic statistic is corrected for continuity (Edwards 1948); the exact method needs no correction. @default true */
  continuity?: boolean | undefined;
  /** Confidence of the interval, above 0 and below 1. @default 0.95 */
  confidence?: number | undefined;
}

/** What {@link mcNemarTest} found. */
export interface McNemarResult extends TestResult {
  /** The smaller of b and c (exact), or chi-squared; 0 without discordant pairs. */
  readonly statistic: number;
  /** The law the p-value is taken from. */
  readonly method: 'exact' | 'asymptotic' | 'asymptotic-corrected';
  /** Pairs that differ, b + c: all that the test looks at. */
  readonly discordant: number;
  /** The odds ratio of the pairs, b / c: above 1 when the first is right more often; NaN without discordant pairs. */
  readonly oddsRatio: number;
  /** Lower end of the exact (Clopper–Pearson) interval for the odds ratio. */
  readonly low: number;
  /** Upper end of the exact (Clopper–Pearson) interval for the odds ratio. */
  readonly high: number;
}

/**
 * McNemar's (1947) test on pairs of yes/no answers, counted in a table [[a, b], [c, d]] with the first answer in the rows and the second in the columns: are both as often
 * yes? Say two models on the same examples: b are those that only the first gets right, c those that only the second does. Given b + c, b is binomial with
 * p = ½; the exact two-sided p-value is twice the smaller tail. The asymptotic statistic is (b - c)² / (b + c), or max(0, |b - c| - 1)² / (b + c) corrected, with one
 * degree of freedom.
 *
 * Without discordant pairs the statistic is 0 and p is 1. Costs O(√(b + c)) at most.
 *
 * @throws ValidationError for a table that is not 2×2, counts that are not whole, an unknown method, and a confidence outside (0, 1).
 *
 * @example
 * ```ts
 * import { mcNemarTest } from 'modelkeep/stats';
 *
 * // Both right 812, only A right 41, only B right 19, both wrong 128.
 * const { pValue, oddsRatio } = mcNemarTest([
 *   [812, 41],
 *   [19, 128],
 * ]);
 * console.log(pValue.toFixed(4), oddsRatio.toFixed(2)); // 0.0062 2.16
 * ```
 */
export function mcNemarTest(table: readonly ArrayLike<number>[], options: McNemarOptions = {}): McNemarResult {
  const { method = 'exact', continuity = true, confidence = 0.95 } = demandOptions(options);
  demandOneOf('method', method, ['exact', 'asymptotic']);
  demandFlag('continuity', continuity);
  demandLevel('confidence', confidence);
  const [, b, c] = fourCounts(table);
  const discordant = b + c;
  const named = method === 'exact' ? 'exact' : continuity ? 'asymptotic-corrected' : 'asymptotic';
  if (discordant === 0) return { statistic: 0, pValue: 1, method: named, discordant, oddsRatio: NaN, low: 0, high: Infinity };
  const tail = (1 - confidence) / 2;
  // Each end from the share that is small there: 1 less one near 1 has lost its digits.
  const first = clopperPearsonInterval(b, discordant, tail).low;
  const second = clopperPearsonInterval(c, discordant, tail).low;
  const odds = { discordant, oddsRatio: b / c, low: first / (1 - first), high: (1 - second) / second };
  if (method === 'exact') {
    const statistic = Math.min(b, c);
    return { statistic, pValue: Math.min(1, 2 * exactPValue(binomialLaw(discordant, 0.5), statistic, 'less')), method: named, ...odds };
  }
  const distance = continuity ? Math.max(0, Math.abs(b - c) - 1) : Math.abs(b - c);
  const statistic = (distance / discordant) * distance;
  return { statistic, pValue: chiSquared.sf(statistic, 1), method: named, ...odds };
}
