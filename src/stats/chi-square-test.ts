import { ValidationError } from '../core/errors.ts';
import { chiSquaredSurvival } from './gamma.ts';

/** How {@link chiSquareTest} computes its p-value. */
export interface ChiSquareOptions {
  /** `yates` moves each count of a 2×2 table by up to a half towards its expectation; it changes no other table. @default 'none' */
  correction?: 'none' | 'yates' | undefined;
  /**
   * Under which law the p-value is taken: the chi-squared of the usual degrees of freedom (`asymptotic`), or the gamma with the exact mean and variance that the
   * statistic has given both margins (`moments`: Haldane 1940, Lewontin & Felsenstein 1965), which holds when many cells are nearly empty. @default 'asymptotic'
   */
  law?: 'asymptotic' | 'moments' | undefined;
}

/** What {@link chiSquareTest} found. */
export interface ChiSquareResult {
  readonly statistic: number;
  readonly pValue: number;
  /** Degrees of freedom of the table without its empty rows and columns. */
  readonly df: number;
  /** The smallest expected count; under 5 the asymptotic law is unreliable. */
  readonly smallestExpected: number;
  readonly method: 'chi-square' | 'chi-square-yates' | 'chi-square-moments';
}

/**
 * Pearson's chi-squared test of independence on a table of counts (rows × columns): do the rows have one distribution over the columns? Both margins are taken
 * from the table, so a category that only one row has gives a finite statistic.
 *
 * Rows and columns without any count are left out; with fewer than two of either left the statistic is 0 and p is 1. Throws `ValidationError` for rows of
 * different lengths and for counts that are negative or not finite.
 */
export function chiSquareTest(table: readonly ArrayLike<number>[], options: ChiSquareOptions = {}): ChiSquareResult {
  const { rows, columns, total } = margins(table);
  const r = rows.filter((sum) => sum > 0).length;
  const c = columns.filter((sum) => sum > 0).length;
  if (r < 2 || c < 2) return { statistic: 0, pValue: 1, df: 0, smallestExpected: 0, method: 'chi-square' };
  const yates = options.correction === 'yates' && r === 2 && c === 2;
  let statistic = 0;
  let smallestExpected = Infinity;
  rows.forEach((rowSum, i) => {
    columns.forEach((columnSum, j) => {
      if (rowSum === 0 || columnSum === 0) return;
      const expected = (rowSum * columnSum) / total;
      smallestExpected = Math.min(smallestExpected, expected);
      const difference = Math.abs(table[i]![j]! - expected);
      const corrected = yates ? difference - Math.min(0.5, difference) : difference;
      statistic += (corrected * corrected) / expected;
    });
  });
  const df = (r - 1) * (c - 1);
  if (options.law === 'moments' && !yates) {
    return { statistic, pValue: momentSurvival(statistic, rows, columns, total), df, smallestExpected, method: 'chi-square-moments' };
  }
  return { statistic, pValue: chiSquaredSurvival(statistic, df), df, smallestExpected, method: yates ? 'chi-square-yates' : 'chi-square' };
}

function margins(table: readonly ArrayLike<number>[]): { rows: number[]; columns: number[]; total: number } {
  const width = table[0]?.length ?? 0;
  const rows = table.map(() => 0);
  const columns = Array.from({ length: width }, () => 0);
  let total = 0;
  table.forEach((row, i) => {
    if (row.length !== width) throw new ValidationError(`table[${i}] has ${row.length} counts where the first row has ${width}.`, { path: `table[${i}]` });
    for (let j = 0; j < width; j++) {
      const count = row[j]!;
      if (!(count >= 0 && count < Infinity)) {
        throw new ValidationError(`table[${i}][${j}] is ${count}; a count is finite and not negative.`, { path: `table[${i}][${j}]` });
      }
      rows[i]! += count;
      columns[j]! += count;
      total += count;
    }
  });
  return { rows, columns, total };
}

/** P(X² ≥ statistic) under the gamma law with the conditional mean and variance of X² given both margins. */
function momentSurvival(statistic: number, rows: readonly number[], columns: readonly number[], total: number): number {
  const [v1, w1, r] = part(rows, total);
  const [v2, w2, c] = part(columns, total);
  const mean = (total / (total - 1)) * (r - 1) * (c - 1);
  const variance = ((2 * total) / (total - 3)) * (v1 - w1) * (v2 - w2) + (total ** 2 / (total - 1)) * w1 * w2;
  // When every category occurs once the statistic cannot vary; rounding leaves almost nothing of its variance.
  if (!(variance > 1e-9 * mean)) return 1;
  return chiSquaredSurvival((statistic * 2 * mean) / variance, (2 * mean * mean) / variance);
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
