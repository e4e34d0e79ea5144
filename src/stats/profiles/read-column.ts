import { isWellFormed } from '../../core/bytes.ts';
import { canonicalJson } from '../../core/codec.ts';
import { isPresent, valueAt, type BoolColumn, type Column } from '../../core/column.ts';
import type { ColumnKind, RowCounts } from './column-profile.ts';

/** The values of a column as numbers. */
export interface NumberValues {
  /** Every number of the column, ±Infinity included, NaN and other rows left out. It may be the caller's array, and is only to be read. */
  readonly values: Float64Array;
  readonly counts: RowCounts;
  readonly negativeInfinite: number;
}

/** How a column is compared unless the caller says otherwise. */
export function kindOf(column: Column): ColumnKind {
  switch (column.type) {
    case 'float64':
    case 'int64':
      return 'number';
    case 'timestamp':
      return 'timestamp';
    default:
      return 'category';
  }
}

/** Takes the numbers out of a column of any type. */
export function readNumbers(column: Column): NumberValues {
  const plain = column.type === 'float64' && column.valid === undefined ? readPlainNumbers(column.values) : undefined;
  return plain ?? readAnyNumbers(column);
}

/** Doubles none of which is missing or NaN are taken as they are; `undefined` where one is. */
function readPlainNumbers(values: Float64Array): NumberValues | undefined {
  let infinite = 0;
  let negativeInfinite = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (value - value === 0) continue;
    if (value !== value) return undefined;
    infinite++;
    if (value < 0) negativeInfinite++;
  }
  return { values, counts: { rows: values.length, missing: 0, nan: 0, infinite, mistyped: 0 }, negativeInfinite };
}

function readAnyNumbers(column: Column): NumberValues {
  const rows = column.values.length;
  const values = new Float64Array(rows);
  let kept = 0;
  let missing = 0;
  let nan = 0;
  let infinite = 0;
  let negativeInfinite = 0;
  let mistyped = 0;
  const numbers = column.type === 'float64' || column.type === 'timestamp' ? column.values : undefined;
  for (let i = 0; i < rows; i++) {
    if (column.valid !== undefined && !isPresent(column, i)) {
      missing++;
      continue;
    }
    const value = numbers === undefined ? numberOf(valueAt(column, i)) : numbers[i]!;
    if (value === undefined) {
      mistyped++;
    } else if (value !== value) {
      nan++;
    } else {
      if (value - value !== 0) {
        infinite++;
        if (value < 0) negativeInfinite++;
      }
      values[kept++] = value;
    }
  }
  return { values: values.subarray(0, kept), counts: { rows, missing, nan, infinite, mistyped }, negativeInfinite };
}

/** Counts the categories of a column of any type. */
export function readCategories(column: Column): { sums: Map<string, number>; counts: RowCounts } {
  if (column.type === 'bool') return readTruth(column);
  const rows = column.values.length;
  const sums = new Map<string, number>();
  let missing = 0;
  let nan = 0;
  if (column.type === 'string') {
    const byCode = new Float64Array(column.dictionary.length);
    for (let i = 0; i < rows; i++) {
      if (isPresent(column, i)) byCode[column.values[i]!]!++;
      else missing++;
    }
    byCode.forEach((count, code) => {
      if (count === 0) return;
      const category = categoryOf(column.dictionary[code]!);
      sums.set(category, (sums.get(category) ?? 0) + count);
    });
  } else {
    for (let i = 0; i < rows; i++) {
      const value = valueAt(column, i);
      if (value === null) missing++;
      else if (value !== value) nan++;
      else {
        const category = categoryOf(value);
        sums.set(category, (sums.get(category) ?? 0) + 1);
      }
    }
  }
  return { sums, counts: { rows, missing, nan, infinite: 0, mistyped: 0 } };
}

function readTruth({ values, valid }: BoolColumn): { sums: Map<string, number>; counts: RowCounts } {
  const rows = values.length;
  let present = 0;
  let truths = 0;
  for (let i = 0; i < rows; i++) {
    const there = valid === undefined ? 1 : valid[i]!;
    present += there;
    truths += there & values[i]!;
  }
  const sums = new Map<string, number>();
  for (const [category, count] of [['true', truths], ['false', present - truths]] as const) if (count > 0) sums.set(category, count);
  return { sums, counts: { rows, missing: rows - present, nan: 0, infinite: 0, mistyped: 0 } };
}

/** A column row by row: numbers, NaN where there is none; or categories, `null` where there is none. */
export function readPlain(column: Column, kind: 'number' | 'category'): Float64Array | (string | number | boolean | null)[] {
  if (kind === 'number') {
    // What is missing is NaN already.
    if (column.type === 'float64') return column.values;
    return Float64Array.from(column.values, (_, i) => numberOf(valueAt(column, i)) ?? NaN);
  }
  return Array.from(column.values, (_, i) => {
    const value = valueAt(column, i);
    return value === null || typeof value === 'number' || typeof value === 'boolean' ? value : categoryOf(value);
  });
}

/** A value as a number: numbers, truth values as 0 and 1, bigints rounded; `undefined` for anything else. */
export function numberOf(value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value === 'bigint') return Number(value);
  return value instanceof Date ? value.getTime() : undefined;
}

const longestCategory = 200;

/** The name of a value's category: a text is itself, a number or truth value its text, plain data its canonical JSON; anything else its type. */
export function categoryOf(value: unknown): string {
  let text: string;
  if (typeof value === 'string') text = value;
  else if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') text = String(value);
  else if (value instanceof Date) text = String(value.getTime());
  else text = jsonOf(value);
  const cut = text.length > longestCategory ? text.slice(0, longestCategory) : text;
  return isWellFormed(cut) ? cut : cut.replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, '\ufffd');
}

function jsonOf(value: unknown): string {
  try {
    return canonicalJson(value);
  } catch {
    return Object.prototype.toString.call(value);
  }
}
