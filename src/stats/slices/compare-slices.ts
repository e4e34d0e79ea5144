import { ValidationError } from '../../core/errors.ts';
import { shown } from '../../core/shown.ts';
import { takeRows } from '../../core/column.ts';
import type { Table, TableInput } from '../../core/table.ts';
import { demandList, demandOptions, demandWhole } from '../arguments.ts';
import type { DataDrift, DriftStatus } from '../profiles/data-drift.ts';
import { prepareReference, readOnBins, type ProfileOptions } from '../profiles/data-profile.ts';
import { sideTable } from '../profiles/side-table.ts';
import { driftSettings, type DriftOptions, type DriftSettings } from '../profiles/drift-settings.ts';
import { judge } from '../profiles/judge-columns.ts';
import { sliceColumn, sliceText, type SliceCondition, type SliceSettings, type SliceWhere } from './slice-column.ts';

/** How {@link compareSlices} cuts, reads and judges. */
export interface CompareSlicesOptions extends DriftOptions, ProfileOptions {
  /** The columns whose values make the slices, each by itself. */
  by: readonly string[];
  /** Parts of about equal counts of the reference that numbers are cut into, 2 to 100. @default 5 */
  bins?: number | undefined;
  /** The most frequent values of the reference that each make a slice, 1 to 200. @default 20 */
  maxValues?: number | undefined;
}

/** The verdict on one slice. */
export interface SliceDrift {
  /** Which rows are in it. */
  readonly where: SliceWhere;
  /** The same in words. */
  readonly text: string;
  /** Its rows of both sides, compared; the column that cuts the slice is left out. */
  readonly drift: DataDrift;
}

/** The verdict on all slices. */
export interface SlicesDrift {
  /** `drifted` when any slice is, `insufficient` when none could be judged. */
  readonly status: DriftStatus;
  /** The verdict in words. */
  readonly summary: string;
  /** The slices that drifted in words, the most changed first. */
  readonly driftedSlices: readonly string[];
  /** Every slice of the reference, column by column. */
  readonly slices: readonly SliceDrift[];
  /** Slices with enough rows on both sides, over which `alpha` is divided. */
  readonly judged: number;
}

interface Slice {
  readonly where: SliceWhere;
  readonly column: string;
  readonly sides: readonly [Table, Table];
}

/**
 * Compares current data with a reference slice by slice, as {@link compareData} does as a whole: for each value of the columns `by`, the reference's rows that have it with the current ones that do. What happens to one carrier or one
 * country only is lost in the whole.
 *
 * The slices are made by the reference: each of few different numbers, ranges of many, the most frequent categories, and what is missing. That the slices themselves grow or shrink is for the comparison of the whole.
 * Each slice is judged at `alpha` over the number of slices that have `minRows` rows on both sides (Bonferroni 1936), so that the chance of a false alarm over all slices and columns is at most `alpha`, for rows that are independent.
 *
 * Throws `ValidationError` for options out of range, columns of different lengths, and names in `by` that a side does not have.
 *
 * @example
 * ```ts
 * import { compareSlices } from 'modelkeep';
 *
 * const flights = (moved: number) => Array.from({ length: 1500 }, (_, i) => ({ carrier: 'ABC'[i % 3], delay: ((i * 37) % 60) + (i % 3 === 1 ? moved : 0) }));
 * const report = compareSlices(flights(0), flights(25), { by: ['carrier'] });
 * console.log(report.driftedSlices, report.summary); // ['carrier is B'] …
 * ```
 */
export function compareSlices(reference: TableInput, current: TableInput, options: CompareSlicesOptions): SlicesDrift {
  const { by, bins = 5, maxValues = 20, alpha, minEffect, minRows, ...reading } = demandOptions(options);
  demandWhole('bins', bins, 2, 100);
  demandWhole('maxValues', maxValues, 1, 200);
  const settings = driftSettings({ alpha, minEffect, minRows }, 'options');
  const sides = [sideTable(reference, 'reference'), sideTable(current, 'current')] as const;
  const slices = columnsOf(by, sides).flatMap((column) => slicesBy(column, sides, { bins, maxValues }));
  const judged = slices.filter((slice) => slice.sides.every(({ rowCount }) => rowCount >= settings.minRows)).length;
  const perSlice = { ...settings, alpha: settings.alpha / Math.max(1, judged) };
  const compared = slices.map(({ where, ...slice }): SliceDrift => ({ where, text: sliceText(where), drift: compareSlice(slice, reading, perSlice) }));
  const drifted = compared.filter(({ drift }) => drift.drifted).sort((a, b) => largestEffect(b.drift) - largestEffect(a.drift));
  const status = drifted.length > 0 ? 'drifted' : compared.some(({ drift }) => drift.status === 'stable') ? 'stable' : 'insufficient';
  return { status, summary: explain(drifted, compared.length, judged), driftedSlices: drifted.map(({ text }) => text), slices: compared, judged };
}

function columnsOf(by: readonly string[], sides: readonly [Table, Table]): string[] {
  demandList('by', by);
  const names = [...new Set(Array.from(by))];
  if (names.length === 0) throw new ValidationError('by names no column; name the columns whose values make the slices.', { path: 'by' });
  names.forEach((name, i) => {
    const lacking = sides.findIndex(({ columns }) => typeof name !== 'string' || !Object.hasOwn(columns, name));
    if (lacking >= 0) throw new ValidationError(`by[${i}] is ${shown(name, 80)}, and the ${lacking === 0 ? 'reference' : 'current data'} has no such column.`, { path: `by[${i}]` });
  });
  return names;
}

function slicesBy(column: string, sides: readonly [Table, Table], settings: SliceSettings): Slice[] {
  const { conditions, placesOf } = sliceColumn(column, sides[0].columns[column]!, settings);
  const places = sides.map(({ columns }) => placesOf(columns[column]!));
  return conditions.flatMap((condition: SliceCondition, place): Slice[] => {
    const parts = sides.map((side, i) => rowsAt(side, places[i]!, place, column)) as [Table, Table];
    return parts[0].rowCount === 0 ? [] : [{ where: Object.fromEntries([[column, condition]]), column, sides: parts }];
  });
}

function rowsAt({ columns }: Table, places: Uint8Array, place: number, column: string): Table {
  const rows: number[] = [];
  places.forEach((at, row) => at === place && rows.push(row));
  const indices = Int32Array.from(rows);
  return { rowCount: rows.length, columns: Object.fromEntries(Object.entries(columns).filter(([name]) => name !== column).map(([name, values]) => [name, takeRows(values, indices)])) };
}

function compareSlice({ sides, column }: Omit<Slice, 'where'>, { prediction, kinds, maxCategories }: ProfileOptions, settings: DriftSettings): DataDrift {
  const others = kinds && Object.fromEntries(Object.entries(kinds).filter(([name]) => name !== column));
  const { profile, sides: before } = prepareReference(sides[0], { prediction: prediction === column ? undefined : prediction, kinds: others, maxCategories });
  return judge({ profile, sides: before, current: readOnBins(sides[1], profile, before), settings });
}

function largestEffect({ columns }: DataDrift): number {
  return Math.max(0, ...columns.filter(({ status }) => status === 'drifted').map(({ effect }) => effect?.value ?? 0));
}

function explain(drifted: readonly SliceDrift[], slices: number, judged: number): string {
  if (judged === 0) return `None of ${slices} slices has enough rows on both sides to be judged.`;
  const [worst] = drifted;
  if (worst === undefined) return `None of ${judged} slices drifted.`;
  return `${drifted.length} of ${judged} slices drifted: ${drifted.slice(0, 5).map(({ text }) => text).join('; ')}${drifted.length > 5 ? ' …' : ''}. Most changed: where ${worst.text}, ${worst.drift.summary}`;
}
