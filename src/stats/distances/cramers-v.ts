import { demandOneOf, demandOptions } from '../arguments.ts';
import { marginsOf, pearsonPart, sumOverCells } from '../tests/contingency-table.ts';

/** How {@link cramersV} is computed. */
export interface CramersVOptions {
  /** `bergsma` takes off what chance alone gives, which is much when counts are few and categories many (Bergsma 2013). @default 'none' */
  correction?: 'none' | 'bergsma' | undefined;
}

/**
 * Cramér's V of a table of counts (rows × columns): √(χ² / (n · min(rows - 1, columns - 1))), how strongly rows and columns go together, from 0 (one distribution in
 * every row) to 1 (one follows from the other) (Cramér 1946). With two rows, a reference and a current sample, it is a distance of their distributions
 * that does not grow with the sample sizes.
 *
 * `bergsma` replaces φ² = χ² / n by max(0, φ² - (r - 1)(c - 1) / (n - 1)) and each size r by r - (r - 1)² / (n - 1).
 *
 * Rows and columns without any count are left out; with fewer than two of either left it is not defined: NaN. Where the correction leaves no size to divide by
 * (as many categories as counts) it is 0. Costs O(rows · columns).
 *
 * @throws ValidationError for rows of different lengths, counts that are negative or not finite, and an unknown correction.
 *
 * @example
 * ```ts
 * import { cramersV } from 'modelkeep/stats';
 *
 * console.log(cramersV([[500, 300, 200], [700, 300, 0]]).toFixed(3)); // 0.342
 * console.log(cramersV([[500, 300, 200], [500, 300, 200]])); // 0
 * ```
 */
export function cramersV(table: readonly ArrayLike<number>[], options: CramersVOptions = {}): number {
  const { correction = 'none' } = demandOptions(options);
  demandOneOf('correction', correction, ['none', 'bergsma']);
  const margins = marginsOf(table);
  const { total, filledRows: r, filledColumns: c } = margins;
  if (r < 2 || c < 2) return NaN;
  const squared = sumOverCells(table, margins, pearsonPart).statistic / total;
  if (correction === 'none') return Math.min(1, Math.sqrt(squared / Math.min(r - 1, c - 1)));
  const corrected = Math.max(0, squared - ((r - 1) * (c - 1)) / (total - 1));
  const size = Math.min(r - 1 - (r - 1) ** 2 / (total - 1), c - 1 - (c - 1) ** 2 / (total - 1));
  return size > 0 ? Math.min(1, Math.sqrt(corrected / size)) : 0;
}
