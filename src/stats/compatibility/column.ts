import { demandList, demandOneOf } from '../arguments.ts';
import { finiteValues } from '../samples/finite-values.ts';

/** A value of a column of a table: a number or a category. `null`, `undefined`, NaN and ±Infinity are missing. */
export type ColumnValue = number | string | boolean | null | undefined;

/** A column of a table. */
export type Column = ArrayLike<ColumnValue>;

/** What a column holds: numbers to be binned, or categories. */
export type ColumnKind = 'num' | 'cat';

/** A value that is there. */
export type Category = number | string | boolean;

/** How a column was cut into bins: one per value, or of equal width by a rule over what it names. */
export type BinRule = 'by-value' | 'sturges-both-sides' | 'sturges-different-values' | 'doane-reference';

/** Both sides of a column, counted in the same bins. */
export interface BinnedColumn {
  readonly rule: BinRule;
  readonly reference: Float64Array;
  readonly current: Float64Array;
}

/** How often each category comes on both sides. */
export interface CategoryCounts extends BinnedColumn {
  readonly keys: readonly Category[];
  /** Values of the reference that are there. */
  readonly n: number;
  /** Values of the current side that are there. */
  readonly m: number;
}

/** Throws `ValidationError` unless both sides of a column are lists. */
export function demandColumns(reference: Column, current: Column, nameOfCurrent = 'current'): void {
  demandList('reference', reference);
  demandList(nameOfCurrent, current);
}

/** The finite numbers of a column. */
export function numbersOf(column: Column): Float64Array {
  return finiteValues(column as ArrayLike<number>).values;
}

/** The kind that was given, or else `num` where all that is there on both sides is numbers. */
export function kindOf(reference: Column, current: Column, given: ColumnKind | undefined): ColumnKind {
  if (given !== undefined) demandOneOf('kind', given, ['num', 'cat']);
  return given ?? (holdsNumbers(reference) && holdsNumbers(current) ? 'num' : 'cat');
}

function holdsNumbers(column: Column): boolean {
  if (ArrayBuffer.isView(column)) return true;
  for (let i = 0; i < column.length; i++) {
    const value = column[i];
    if (isThere(value) && typeof value !== 'number') return false;
  }
  return true;
}

/** Counts the categories of both sides, in the order in which they come first. */
export function countCategories(reference: Column, current: Column): CategoryCounts {
  const before = countsOf(reference);
  const after = countsOf(current);
  const keys = [...new Set([...before.keys(), ...after.keys()])];
  const sides = [before, after].map((counts) => Float64Array.from(keys, (key) => counts.get(key) ?? 0));
  return { rule: 'by-value', keys, reference: sides[0]!, current: sides[1]!, n: sumOf(sides[0]!), m: sumOf(sides[1]!) };
}

function countsOf(column: Column): Map<Category, number> {
  const counts = new Map<Category, number>();
  for (let i = 0; i < column.length; i++) {
    const value = column[i];
    if (isThere(value)) counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  return counts;
}

/** Whether a value is not missing. */
export function isThere(value: ColumnValue): value is Category {
  return value !== null && value !== undefined && (typeof value !== 'number' || Number.isFinite(value));
}

/** The sum of counts. */
export function sumOf(counts: Float64Array): number {
  return counts.reduce((total, count) => total + count, 0);
}

/** All values of both sides. */
export function joined(before: Float64Array, after: Float64Array): Float64Array {
  const both = new Float64Array(before.length + after.length);
  both.set(before);
  both.set(after, before.length);
  return both;
}

/** How many different numbers there are; no more than `most` are counted. */
export function distinctUpTo(most: number, values: Float64Array): number {
  const seen = new Set<number>();
  for (let i = 0; i < values.length && seen.size < most; i++) seen.add(values[i]!);
  return seen.size;
}
