import { valueAt, type Column } from '../../core/column.ts';
import { categoryOf, kindOf, numberOf, readCategories } from '../profiles/read-column.ts';
import { binOf } from '../samples/count-in-bins.ts';
import { finitePart } from '../samples/finite-part.ts';
import { edgesOfSorted } from '../samples/quantile-edges.ts';
import { sortDoubles } from '../samples/sort-doubles.ts';

/** What one column of a slice holds; of `gte` and `lt` either may be absent, where the slice has no end. */
export interface SliceCondition {
  /** Equal to it: a number, a truth value, a text, or the canonical JSON of plain data. @default not asked */
  readonly eq?: string | number | boolean | undefined;
  /** A number of at least this. @default not asked */
  readonly gte?: number | undefined;
  /** A number below this. @default not asked */
  readonly lt?: number | undefined;
  /** No value, or NaN. @default not asked */
  readonly missing?: true | undefined;
}

/** Which rows are in a slice, as data: all conditions hold, each of its column. */
export type SliceWhere = Readonly<Record<string, SliceCondition>>;

/** How columns are cut. */
export interface SliceSettings {
  /** Parts of about equal counts that numbers are cut into. */
  readonly bins: number;
  /** The most frequent values of a column that each make a slice. */
  readonly maxValues: number;
}

/** A column cut into slices that no row is in twice. */
export interface SlicedColumn {
  readonly name: string;
  readonly conditions: readonly SliceCondition[];
  /** Which of the conditions each row of a column fulfils; {@link noSlice} for none. */
  readonly placesOf: (column: Column) => Uint8Array;
}

/** The place of a row that is in no slice. */
export const noSlice = 255;

/** With so few different numbers a column is cut by each of them. */
const fewNumbers = 12;

/** Cuts a column by its values: each of few numbers, ranges of many, the most frequent categories; what is missing makes a slice of its own. */
export function sliceColumn(name: string, column: Column, settings: SliceSettings): SlicedColumn {
  return kindOf(column) === 'category' ? byCategory(name, column, settings) : byNumber(name, column, settings);
}

function byCategory(name: string, column: Column, { maxValues }: SliceSettings): SlicedColumn {
  const { sums } = readCategories(column);
  const kept = [...sums].sort(([a, rowsA], [b, rowsB]) => rowsB - rowsA || (a < b ? -1 : 1)).slice(0, maxValues);
  const places = new Map(kept.map(([category], i) => [category, i]));
  const conditions = kept.map(([category]): SliceCondition => ({ eq: column.type === 'bool' ? category === 'true' : category }));
  return withMissing(name, conditions, (value) => places.get(categoryOf(value)) ?? noSlice);
}

function byNumber(name: string, column: Column, { bins }: SliceSettings): SlicedColumn {
  const sorted = sortDoubles(Float64Array.from(column.values, (_, i) => numberAt(column, i)));
  const distinct = new Set<number>();
  for (let i = 0; i < sorted.length && distinct.size <= fewNumbers; i++) distinct.add(sorted[i]! + 0);
  if (distinct.size <= fewNumbers) {
    const places = new Map([...distinct].map((value, i) => [value, i]));
    return withMissing(name, [...distinct].map((eq) => ({ eq })), (value) => places.get((numberOf(value) ?? NaN) + 0) ?? noSlice);
  }
  const edges = edgesOfSorted(finitePart(sorted), bins);
  const ranges = Array.from({ length: edges.length + 1 }, (_, i): SliceCondition => ({ ...(i > 0 && { gte: edges[i - 1]! }), ...(i < edges.length && { lt: edges[i]! }) }));
  return withMissing(name, ranges, (value) => {
    const number = numberOf(value);
    return number === undefined || Number.isNaN(number) ? noSlice : binOf(edges, number);
  });
}

function withMissing(name: string, conditions: readonly SliceCondition[], placeOf: (value: unknown) => number): SlicedColumn {
  return {
    name,
    conditions: [...conditions, { missing: true }],
    placesOf: (column) =>
      Uint8Array.from(column.values, (_, i) => {
        const value = valueAt(column, i);
        return value === null || Number.isNaN(value) ? conditions.length : placeOf(value);
      }),
  };
}

function numberAt(column: Column, i: number): number {
  const value = valueAt(column, i);
  return value === null ? NaN : (numberOf(value) ?? NaN);
}

/** The slice in words, such as `carrier is AA and distance is from 100 to below 200`. */
export function sliceText(where: SliceWhere): string {
  return Object.entries(where).map(([column, condition]) => `${column} ${conditionText(condition)}`).join(' and ');
}

function conditionText({ eq, gte, lt, missing }: SliceCondition): string {
  if (missing) return 'is missing';
  if (eq !== undefined) return `is ${eq}`;
  if (gte === undefined) return `is below ${shortNumber(lt!)}`;
  return lt === undefined ? `is at least ${shortNumber(gte)}` : `is from ${shortNumber(gte)} to below ${shortNumber(lt)}`;
}

function shortNumber(value: number): string {
  return String(Number(value.toPrecision(6)));
}
