import { demandLevel, demandOneOf, demandOptions } from '../arguments.ts';
import { conditionalOdds } from './conditional-odds.ts';
import { fourCounts } from './contingency-table.ts';
import { hypergeometricLaw } from './hypergeometric-law.ts';
import type { Alternative, TestResult } from './test-result.ts';
import { exactPValue } from './unimodal-law.ts';

/** How {@link fisherExactTest} computes its p-value and interval. */
export interface FisherExactOptions {
  /** `greater` when only an odds ratio above 1 is evidence, `less` when only one below. @default 'two-sided' */
  alternative?: Alternative | undefined;
  /** Confidence of the interval, above 0 and below 1. @default 0.95 */
  confidence?: number | undefined;
}

/** What {@link fisherExactTest} found. */
export interface FisherExactResult extends TestResult {
  /** The odds ratio of the sample; 0 when a margin is empty. */
  readonly statistic: number;
  /** The law of the table given its margins. */
  readonly method: 'exact';
  /** The odds ratio of the sample, a·d / (b·c): 0 to Infinity, NaN when a margin is empty. */
  readonly oddsRatio: number;
  /** The odds ratio that makes the table most likely given its margins, which the interval is about: 0 to Infinity, NaN when a margin is empty. */
  readonly conditionalOddsRatio: number;
  /** Lower end of the exact interval for the odds ratio; 0 for the alternative `less`. */
  readonly low: number;
  /** Upper end of the exact interval for the odds ratio; Infinity for the alternative `greater`. */
  readonly high: number;
}

/**
 * Fisher's (1935) exact test of a 2×2 table [[a, b], [c, d]]: is the odds ratio 1? Given both margins `a` is hypergeometric; `greater` is P(X ≥ a), `less` P(X ≤ a), and the
 * two-sided p-value the probability of all tables that are at most as likely as this one (within 1e-7 of its probability, which is rounding). Summed term
 * by term in the tail, to a relative error of about 1e-12 down to 1e-300.
 *
 * The interval is the exact one of Cornfield (1956): the odds ratios at which the one-sided p-value is (1 - confidence) / 2, or 1 - confidence with a one-sided alternative,
 * which leaves the other end open. It may hold 1 where the two-sided p-value is just under 1 - confidence, and the other way round, as in R.
 *
 * With an empty margin nothing can be learned: statistic 0, p 1, odds ratios NaN, and the interval from 0 to Infinity. Takes some tens of standard deviations of `a`
 * in steps, O(√n) for n counts: about two milliseconds for margins of a million.
 *
 * @throws ValidationError for a table that is not 2×2, counts that are not whole, an unknown alternative, and a confidence outside (0, 1).
 *
 * @example
 * ```ts
 * import { fisherExactTest } from 'modelkeep/stats';
 *
 * const { pValue, oddsRatio, low, high } = fisherExactTest([
 *   [3, 1],
 *   [1, 3],
 * ]);
 * console.log(pValue.toFixed(4), oddsRatio); // 0.4857 9
 * console.log(low.toFixed(2), high.toFixed(1)); // 0.21 626.2
 * ```
 */
export function fisherExactTest(table: readonly ArrayLike<number>[], options: FisherExactOptions = {}): FisherExactResult {
  const { alternative = 'two-sided', confidence = 0.95 } = demandOptions(options);
  demandOneOf('alternative', alternative, ['two-sided', 'greater', 'less']);
  demandLevel('confidence', confidence);
  const [a, b, c, d] = fourCounts(table);
  const law = hypergeometricLaw(a + b, a + c, a + b + c + d);
  if (law.low === law.high) {
    return { statistic: 0, pValue: 1, method: 'exact', oddsRatio: NaN, conditionalOddsRatio: NaN, low: 0, high: Infinity };
  }
  // No margin is empty, so a zero product has no zero beside it.
  const oddsRatio = b === 0 || c === 0 ? Infinity : (a / b) * (d / c);
  const tail = alternative === 'two-sided' ? (1 - confidence) / 2 : 1 - confidence;
  const odds = conditionalOdds(law, a, Math.log(((a + 0.5) / (b + 0.5)) * ((d + 0.5) / (c + 0.5))), tail);
  return {
    statistic: oddsRatio,
    pValue: exactPValue(law, a, alternative),
    method: 'exact',
    oddsRatio,
    conditionalOddsRatio: odds.estimate,
    low: alternative === 'less' ? 0 : odds.low,
    high: alternative === 'greater' ? Infinity : odds.high,
  };
}
