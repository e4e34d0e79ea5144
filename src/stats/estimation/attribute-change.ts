import { ValidationError } from '../../core/errors.ts';
import { shown } from '../../core/shown.ts';
import { valueAt } from '../../core/column.ts';
import { toTable, type Table, type TableInput } from '../../core/table.ts';
import { demandLevel, demandList, demandOptions, demandWhole } from '../arguments.ts';
import { numberOf } from '../profiles/read-column.ts';
import { noSlice, sliceColumn } from '../slices/slice-column.ts';
import { attributeCells, type AttributedColumn, type AttributedPart, type CelledColumn, type ScoreCell } from './attribute-cells.ts';

/** What {@link attributeChange} compares. */
export interface AttributeChangeOptions {
  /** The column that says how well each row went, on both sides: its loss, its error, or 1 where the prediction was wrong. */
  score: string;
  /** The columns that the change is attributed to. @default all that both sides have, but the score and points in time */
  columns?: readonly string[] | undefined;
  /** How probable it is that the intervals of all columns cover, together. @default 0.95 */
  confidence?: number | undefined;
  /** With fewer rows on either side nothing is attributed, at least 10. @default 100 */
  minRows?: number | undefined;
  /** Parts of about equal counts of the reference that numbers are cut into, 2 to 100. @default 10 */
  bins?: number | undefined;
  /** The most frequent values of the reference that are told apart, 1 to 200; all others are one. @default 50 */
  maxValues?: number | undefined;
}

/** What {@link attributeChange} found. */
export interface ChangeAttribution {
  /** `insufficient` with too few rows that have a score; nothing is attributed then. */
  readonly status: 'attributed' | 'insufficient';
  /** The mean score of the current rows less that of the reference; `null` when it is not known. */
  readonly change: AttributedPart | null;
  /** The columns, that first with whose values most of the change came, up or down. */
  readonly columns: readonly AttributedColumn[];
  /** Rows of the reference that have a score. */
  readonly referenceRows: number;
  /** Current rows that have one. */
  readonly currentRows: number;
}

interface Side {
  readonly table: Table;
  readonly rows: Uint32Array;
  readonly scores: Float64Array;
}

/**
 * Says of each column how much of a change of the mean score, such as a model's loss, comes with its values having moved, and how much has come about among rows of the same value: the decomposition of a difference between two rates (Kitagawa 1955) into
 * composition, Σ (c - r)·(m + l) / 2, and rate, Σ (c + r) / 2·(m - l), over the bins of the column, with r and c the shares of the reference's and of the current rows in a bin and l and m their mean scores.
 *
 * A column with a large `composition` names where the model got more of what it is bad at (or less): look at its feed, or retrain on such rows. Where `rate` stays large for every column the world has changed (concept drift), or something that
 * is not among the columns has.
 *
 * Each column is looked at by itself. Columns that go together tell the same change each, so that their parts do not add up, and neither is a cause: a column may have moved because of another. Current scores need
 * labels, or may be estimated ones.
 *
 * Numbers are cut at quantiles of the reference, what is missing is a value of its own, and a value that only one side has counts with the mean of that side. The intervals are normal, by the delta method, and adjusted for the number of columns (Bonferroni); bins are taken as given.
 *
 * Rows whose score is no finite number are left out. Throws `ValidationError` for options out of range, and for a `score` or `columns` that a side does not have. O(rows × columns).
 *
 * @example
 * ```ts
 * import { attributeChange } from 'modelkeep/stats';
 *
 * const flights = (share: number) => Array.from({ length: 1000 }, (_, i) => {
 *   const storm = (i % 100) / 100 < share;
 *   return { weather: storm ? 'storm' : 'calm', weekday: i % 7, wrong: (i * 7919) % 1000 < (storm ? 400 : 100) ? 1 : 0 };
 * });
 * const { change, columns } = attributeChange(flights(0.1), flights(0.5), { score: 'wrong' });
 * console.log(change!.value.toFixed(2), columns[0]!.name, columns[0]!.composition.value.toFixed(2)); // 0.12 weather 0.12
 * ```
 */
export function attributeChange(reference: TableInput, current: TableInput, options: AttributeChangeOptions): ChangeAttribution {
  const { score, columns, confidence = 0.95, minRows = 100, bins = 10, maxValues = 50 } = demandOptions(options);
  demandLevel('confidence', confidence);
  demandWhole('minRows', minRows, 10);
  demandWhole('bins', bins, 2, 100);
  demandWhole('maxValues', maxValues, 1, 200);
  const tables = [toTable(reference, { path: 'reference' }), toTable(current, { path: 'current' })] as const;
  demandColumn('score', score, tables);
  const names = namesOf(columns, score, tables);
  const [before, after] = [sideOf(tables[0], score), sideOf(tables[1], score)];
  const counts = { referenceRows: before.rows.length, currentRows: after.rows.length };
  if (Math.min(before.rows.length, after.rows.length) < minRows) return { status: 'insufficient', change: null, columns: [], ...counts };
  const celled = names.map((name): CelledColumn => {
    const { conditions, placesOf } = sliceColumn(name, before.table.columns[name]!, { bins, maxValues });
    const [old, now] = [before, after].map((side) => cellsOf(side, placesOf(side.table.columns[name]!), conditions.length + 1)) as [ScoreCell[], ScoreCell[]];
    return { name, before: old, after: now };
  });
  const whole = { before: cellsOf(before, undefined, 1), after: cellsOf(after, undefined, 1) };
  return { status: 'attributed', ...attributeCells(celled, whole, confidence), ...counts };
}

function demandColumn(path: string, name: unknown, tables: readonly [Table, Table]): void {
  const lacking = tables.findIndex(({ columns }) => typeof name !== 'string' || !Object.hasOwn(columns, name));
  if (lacking >= 0) throw new ValidationError(`${path} is ${shown(name, 80)}, and the ${lacking === 0 ? 'reference' : 'current data'} has no such column.`, { path });
}

function namesOf(wanted: readonly string[] | undefined, score: string, tables: readonly [Table, Table]): string[] {
  if (wanted !== undefined) {
    demandList('columns', wanted);
    Array.from(wanted).forEach((name, i) => demandColumn(`columns[${i}]`, name, tables));
    return [...new Set(Array.from(wanted))].filter((name) => name !== score);
  }
  const isFixed = (table: Table, name: string): boolean => Object.hasOwn(table.columns, name) && table.columns[name]!.type !== 'timestamp';
  return Object.keys(tables[0].columns).filter((name) => name !== score && tables.every((table) => isFixed(table, name)));
}

function sideOf(table: Table, score: string): Side {
  const column = table.columns[score]!;
  const read = Float64Array.from({ length: table.rowCount }, (_, row) => numberOf(valueAt(column, row)) ?? NaN);
  const rows = Uint32Array.from(read.keys()).filter((row) => Number.isFinite(read[row]));
  return { table, rows, scores: Float64Array.from(rows, (row) => read[row]!) };
}

function cellsOf({ rows, scores }: Side, places: Uint8Array | undefined, count: number): ScoreCell[] {
  const placeOf = (i: number): number => (places === undefined ? 0 : places[rows[i]!] === noSlice ? count - 1 : places[rows[i]!]!);
  const [n, sums, squares] = [new Float64Array(count), new Float64Array(count), new Float64Array(count)];
  for (let i = 0; i < rows.length; i++) {
    n[placeOf(i)]!++;
    sums[placeOf(i)]! += scores[i]!;
  }
  for (let i = 0; i < rows.length; i++) squares[placeOf(i)]! += (scores[i]! - sums[placeOf(i)]! / n[placeOf(i)]!) ** 2;
  return Array.from(n, (own, place) => ({ n: own, mean: sums[place]! / own, squares: squares[place]! }));
}
