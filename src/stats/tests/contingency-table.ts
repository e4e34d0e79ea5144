import { ValidationError } from '../../core/errors.ts';
import { shown } from '../../core/shown.ts';
import { demandList } from '../arguments.ts';

/** The sums of a table of counts. */
export interface Margins {
  readonly rows: readonly number[];
  readonly columns: readonly number[];
  readonly total: number;
  /** Rows that hold a count. */
  readonly filledRows: number;
  /** Columns that hold a count. */
  readonly filledColumns: number;
}

/** Throws `ValidationError` for a total whose square leaves the range of doubles. */
export function demandTotal(name: string, total: number): void {
  if (!(total < 1e150)) throw new ValidationError(`The counts sum to ${total}; no more than 1e150 can be compared.`, { path: name });
}

/** Throws `ValidationError` unless the table is a list of lists. */
function demandRows(table: readonly ArrayLike<number>[]): void {
  const rows: unknown = table;
  if (!Array.isArray(rows)) throw new ValidationError(`table is ${shown(rows, 60)}; it must be a list of rows of counts, such as [[12, 5], [3, 14]].`, { path: 'table' });
  for (let i = 0; i < table.length; i++) demandList(`table[${i}]`, table[i]!);
}

/** Sums a table (rows × columns). Throws `ValidationError` for rows of different lengths and for counts that are negative or not finite. */
export function marginsOf(table: readonly ArrayLike<number>[]): Margins {
  demandRows(table);
  const width = table[0]?.length ?? 0;
  const rows = table.map(() => 0);
  const columns = Array.from({ length: width }, () => 0);
  let total = 0;
  table.forEach((row, i) => {
    if (row.length !== width) throw new ValidationError(`table[${i}] has ${row.length} counts where the first row has ${width}.`, { path: `table[${i}]` });
    for (let j = 0; j < width; j++) {
      const count = row[j]!;
      if (!(typeof count === 'number' && count >= 0 && count < Infinity)) {
        throw new ValidationError(`table[${i}][${j}] is ${shown(count, 60)}; a count is finite and not negative.`, { path: `table[${i}][${j}]` });
      }
      rows[i]! += count;
      columns[j]! += count;
      total += count;
    }
  });
  demandTotal('table', total);
  const filled = (sums: readonly number[]): number => sums.reduce((size, sum) => size + Number(sum > 0), 0);
  return { rows, columns, total, filledRows: filled(rows), filledColumns: filled(columns) };
}

/** Sums what `part` gives for each cell of the rows and columns that hold a count; tells the smallest expected count as well. */
export function sumOverCells(
  table: readonly ArrayLike<number>[],
  { rows, columns, total }: Margins,
  part: (observed: number, expected: number) => number,
): { statistic: number; smallestExpected: number } {
  let statistic = 0;
  let smallestExpected = Infinity;
  rows.forEach((rowSum, i) => {
    columns.forEach((columnSum, j) => {
      if (rowSum === 0 || columnSum === 0) return;
      const product = rowSum * columnSum;
      // Exact where the counts are whole; divided first where the product of tiny weights would vanish.
      const expected = product > 1e-290 ? product / total : (rowSum / total) * columnSum;
      smallestExpected = Math.min(smallestExpected, expected);
      statistic += part(table[i]![j]!, expected);
    });
  });
  return { statistic, smallestExpected };
}

/** What Pearson's statistic sums over the cells. */
export function pearsonPart(observed: number, expected: number): number {
  const difference = observed - expected;
  return (difference * difference) / expected;
}

/** The four counts of a 2×2 table. Throws `ValidationError` when it has another shape or something that is no whole number of at least 0. */
export function fourCounts(table: readonly ArrayLike<number>[]): [a: number, b: number, c: number, d: number] {
  demandRows(table);
  if (table.length !== 2 || table[0]?.length !== 2 || table[1]?.length !== 2) {
    throw new ValidationError(`The table has rows of ${table.map((row) => row.length).join(' and ') || 'nothing'}; it must be 2×2: [[a, b], [c, d]].`, { path: 'table' });
  }
  const counts = [table[0][0]!, table[0][1]!, table[1][0]!, table[1][1]!] as const;
  counts.forEach((count, i) => {
    const path = `table[${i >> 1}][${i & 1}]`;
    if (!Number.isSafeInteger(count) || count < 0) throw new ValidationError(`${path} is ${shown(count, 60)}; this test is exact and takes whole counts of at least 0.`, { path });
  });
  return [...counts];
}
