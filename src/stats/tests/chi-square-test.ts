import { demandOneOf, demandOptions } from '../arguments.ts';
import { upperGamma } from '../special/incomplete-gamma.ts';
import { marginsOf, pearsonPart, sumOverCells } from './contingency-table.ts';
import type { TestResult } from './test-result.ts';

/** How {@link chiSquareTest} computes its p-value. */
export interface ChiSquareOptions {
  /** `yates` moves each count of a 2×2 table by up to a half towards its expectation, and takes the asymptotic law; it changes no other table. @default 'none' */
  correction?: 'none' | 'yates' | undefined;
  /**
   * Under which law the p-value is taken: the chi-squared of the usual degrees of freedom (`asymptotic`), or the gamma with the exact mean and variance that the
   * statistic has given both margins (`moments`: Haldane 1940, Lewontin & Felsenstein 1965), which holds when many cells are nearly empty. @default 'asymptotic'
   */
  law?: 'asymptotic' | 'moments' | undefined;
}

/** What {@link chiSquareTest} found. */
export interface ChiSquareResult extends TestResult {
  /** Degrees of freedom of the table without its empty rows and columns. */
  readonly df: number;
  /** The smallest expected count; under 5 the asymptotic law is unreliable. */
  readonly smallestExpected: number;
  /** Pearson's test as it is, with Yates' correction, or under the law with the exact moments. */
  readonly method: 'chi-square' | 'chi-square-yates' | 'chi-square-moments';
}

/**
 * Pearson's chi-squared test of independence on a table of counts (rows × columns): do the rows have one distribution over the columns? The statistic is
 * Σ (O - E)² / E with E = row sum · column sum / total (Pearson 1900), its law chi-squared with (rows - 1)(columns - 1) degrees of freedom. Both margins are taken
 * from the table, so a category that only one row has gives a finite statistic.
 *
 * Rows and columns without any count are left out; with fewer than two of either left the statistic is 0 and p is 1. Costs O(rows · columns).
 *
 * @throws ValidationError for rows of different lengths, counts that are negative or not finite, and unknown words in the options.
 *
 * @example
 * ```ts
 * import { chiSquareTest } from 'modelkeep/stats';
 *
 * // Three categories, counted in a reference and in the current window.
 * const { statistic, df, pValue } = chiSquareTest([
 *   [120, 90, 40],
 *   [110, 65, 75],
 * ]);
 * console.log(statistic.toFixed(2), df, pValue < 0.01); // 15.12 2 true
 * ```
 */
export function chiSquareTest(table: readonly ArrayLike<number>[], options: ChiSquareOptions = {}): ChiSquareResult {
  const { correction = 'none', law = 'asymptotic' } = demandOptions(options);
  demandOneOf('correction', correction, ['none', 'yates']);
  demandOneOf('law', law, ['asymptotic', 'moments']);
  const margins = marginsOf(table);
  const { filledRows: r, filledColumns: c } = margins;
  if (r < 2 || c < 2) return { statistic: 0, pValue: 1, method: 'chi-square', df: 0, smallestExpected: 0 };
  const yates = correction === 'yates' && r === 2 && c === 2;
  const { statistic, smallestExpected } = sumOverCells(table, margins, yates ? yatesPart : pearsonPart);
  const df = (r - 1) * (c - 1);
  if (law === 'moments' && !yates) {
    const pValue = momentSurvival(statistic, margins.rows, margins.columns, margins.total);
    return { statistic, pValue, method: 'chi-square-moments', df, smallestExpected };
  }
  return { statistic, pValue: chiSquaredTail(statistic, df), method: yates ? 'chi-square-yates' : 'chi-square', df, smallestExpected };
}

function yatesPart(observed: number, expected: number): number {
  const difference = Math.abs(observed - expected);
  return (difference - Math.min(0.5, difference)) ** 2 / expected;
}

/** P(X² ≥ statistic) under the gamma law with the conditional mean and variance of X² given both margins. */
function momentSurvival(statistic: number, rows: readonly number[], columns: readonly number[], total: number): number {
  const [v1, w1, r] = part(rows, total);
  const [v2, w2, c] = part(columns, total);
  const mean = (total / (total - 1)) * (r - 1) * (c - 1);
  const variance = ((2 * total) / (total - 3)) * (v1 - w1) * (v2 - w2) + (total ** 2 / (total - 1)) * w1 * w2;
  // When every category occurs once the statistic cannot vary; rounding leaves almost nothing of its variance.
  if (!(variance > 1e-9 * mean)) return 1;
  return chiSquaredTail((statistic * 2 * mean) / variance, (2 * mean * mean) / variance);
}

function part(sums: readonly number[], total: number): [v: number, w: number, size: number] {
  let size = 0;
  let inverse = 0;
  for (const sum of sums) {
    if (sum === 0) continue;
    size++;
    inverse += 1 / sum;
  }
  return [((size - 1) * (total - size)) / (total - 1), (total * inverse - size * size) / (total - 2), size];
}

/** P(X > x) of a chi-squared variable, without the quantile that the distribution would bring along. */
function chiSquaredTail(x: number, df: number): number {
  return upperGamma(df / 2, x / 2);
}
