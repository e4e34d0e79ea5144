import { demandLevel, demandOptions } from '../arguments.ts';
import { cramersV, type CramersVOptions } from '../distances/cramers-v.ts';
import { marginsOf, pearsonPart, sumOverCells } from '../tests/contingency-table.ts';
import { noncentralChiSquaredInterval } from './noncentral-chi-squared.ts';

/** Which estimate {@link cramersVInterval} gives and how sure its interval is. */
export interface CramersVIntervalOptions extends CramersVOptions {
  /** How often the interval covers V in the population, above 0 and below 1. @default 0.95 */
  confidence?: number | undefined;
}

/** Cramér's V of a table and how sure it is. */
export interface CramersVInterval {
  /** V, 0 to 1; NaN where it is not defined. */
  readonly value: number;
  /** Lower end of the interval, at least 0; NaN where the value is. */
  readonly low: number;
  /** Upper end of the interval, at most 1; NaN where the value is. */
  readonly high: number;
  /** How often the interval covers V in the population, above 0 and below 1. */
  readonly confidence: number;
  /** How the interval was found. */
  readonly method: string;
  /** Counts in the table. */
  readonly n: number;
}

/**
 * Cramér's V of a table of counts, as `cramersV` gives it, with an interval for V in the population.
 *
 * The interval is that of Smithson (2003): the noncentralities λ under which the χ² of the table lies at the ends of its noncentral χ² law, as
 * √(λ / (n · min(r - 1, c - 1))).
 * Chance alone is taken off in it, so it begins at 0 when rows and columns may be independent, and the uncorrected value can lie above it when counts are few; `bergsma` is
 * the estimate that goes with it. It is approximate: meant for expected counts of 5 and more, and rough when V is above about 0.7.
 *
 * Fewer than two rows or columns with a count give NaN. Costs O(rows · columns), and for the interval some O(√λ), bounded.
 *
 * @throws {ValidationError} for rows of different lengths, counts that are negative or not finite, an unknown correction or a confidence that is none.
 *
 * @example
 * ```ts
 * import { cramersVInterval } from 'modelkeep/stats';
 *
 * const { value, low, high } = cramersVInterval([[50, 30, 20], [30, 30, 40]], { correction: 'bergsma' });
 * console.log(value.toFixed(2), low.toFixed(2), high.toFixed(2)); // 0.22 0.09 0.37
 * ```
 */
export function cramersVInterval(table: readonly ArrayLike<number>[], options: CramersVIntervalOptions = {}): CramersVInterval {
  const { confidence = 0.95, ...rest } = demandOptions(options);
  demandLevel('confidence', confidence);
  const value = cramersV(table, rest);
  const margins = marginsOf(table);
  const { total: n, filledRows: r, filledColumns: c } = margins;
  const method = 'noncentral chi-squared';
  if (Number.isNaN(value)) return { value, low: NaN, high: NaN, confidence, method, n };
  const { statistic } = sumOverCells(table, margins, pearsonPart);
  const { low, high } = noncentralChiSquaredInterval(statistic, (r - 1) * (c - 1), confidence);
  const scale = n * Math.min(r - 1, c - 1);
  return { value, low: Math.min(1, Math.sqrt(low / scale)), high: Math.min(1, Math.sqrt(high / scale)), confidence, method, n };
}
