import { embeddingSize, valueAt, type Column } from '../../../core/column.ts';
import type { Table } from '../../../core/table.ts';
import { kindOf, categoryOf, numberOf } from '../../profiles/read-column.ts';
import { binOf } from '../../samples/count-in-bins.ts';
import { finitePart } from '../../samples/finite-part.ts';
import { edgesOfSorted } from '../../samples/quantile-edges.ts';
import { sortDoubles } from '../../samples/sort-doubles.ts';
import { frequentWords, wordsOf } from './words.ts';

/** What a tree can ask of every row of both sides: one number of few, made without regard to the side that a row is of. */
export interface PooledFeature {
  /** The column that it was read from; a column of vectors gives one feature for each component. */
  readonly column: string;
  /** Whether larger bins hold larger numbers; bins of categories have no order. */
  readonly ordered: boolean;
  /** The rows of the reference, then the current ones. */
  readonly bins: Uint8Array;
  /** How many bins there are. */
  readonly count: number;
}

/** Why a column has no part. */
export type LeftOutReason = 'not in the reference' | 'not in the current data' | 'a point in time' | 'not vectors of one length';

/** About as many bins as numbers are cut into, and the most categories that are told apart. */
const numberParts = 32;
const mostCategories = 60;

/** The most words of a column of texts that are asked about. */
const mostWords = 100;

/** Longer vectors are plain data. */
const longestVector = 4096;

/** What is missing, and what is no number in a column of numbers. */
const missingBin = 0;

/** The features of the rows taken of both sides, column by column, and the columns that give none. */
export function poolFeatures(tables: readonly [Table, Table], taken: readonly [Uint32Array, Uint32Array], columns: readonly string[]): { features: PooledFeature[]; leftOut: Map<string, LeftOutReason> } {
  const features: PooledFeature[] = [];
  const leftOut = new Map<string, LeftOutReason>();
  for (const name of columns) {
    const [before, after] = tables.map((table) => (Object.hasOwn(table.columns, name) ? table.columns[name] : undefined));
    if (before === undefined) leftOut.set(name, 'not in the reference');
    else if (after === undefined) leftOut.set(name, 'not in the current data');
    else if (before.type === 'timestamp' || after.type === 'timestamp') leftOut.set(name, 'a point in time');
    else {
      const found = featuresOf(name, [before, after], taken);
      if (found === undefined) leftOut.set(name, 'not vectors of one length');
      else features.push(...found);
    }
  }
  return { features, leftOut };
}

function featuresOf(column: string, sides: readonly [Column, Column], taken: readonly [Uint32Array, Uint32Array]): PooledFeature[] | undefined {
  const values = sides.flatMap((side, i) => Array.from(taken[i]!, (row) => valueAt(side, row)));
  if (sides.every((side) => kindOf(side) === 'number')) return [numberFeature(column, Float64Array.from(values, plainNumber))];
  const width = commonWidth(values);
  if (width === undefined) return sides.some(({ type }) => embeddingSize(type) !== undefined) ? undefined : [categoryFeature(column, values), ...textFeatures(column, values)];
  return Array.from({ length: width }, (_, k) => numberFeature(column, Float64Array.from(values, (vector) => (vector === null ? NaN : plainNumber((vector as ArrayLike<unknown>)[k])))));
}

function plainNumber(value: unknown): number {
  return value === null ? NaN : (numberOf(value) ?? NaN);
}

/** The length of all values, when they are vectors of numbers of one length, and some are there. */
function commonWidth(values: readonly unknown[]): number | undefined {
  let width: number | undefined;
  for (const value of values) {
    if (value === null) continue;
    if (!Array.isArray(value) && !(value instanceof Float32Array)) return undefined;
    const vector: ArrayLike<unknown> = value;
    if (vector.length === 0 || vector.length > longestVector || vector.length !== (width ??= vector.length)) return undefined;
    for (let k = 0; k < width; k++) if (typeof vector[k] !== 'number') return undefined;
  }
  return width;
}

/** In bins of about equal counts over both sides; ±Infinity lie in the first and the last of them. */
function numberFeature(column: string, values: Float64Array): PooledFeature {
  const edges = edgesOfSorted(finitePart(sortDoubles(values)), numberParts);
  const bins = Uint8Array.from(values, (value) => (Number.isNaN(value) ? missingBin : 1 + binOf(edges, value)));
  return { column, ordered: true, bins, count: edges.length + 2 };
}

/** The most frequent categories over both sides; all others share one bin. */
function categoryFeature(column: string, values: readonly unknown[]): PooledFeature {
  const names = values.map((value) => (value === null || Number.isNaN(value) ? undefined : categoryOf(value)));
  const rows = new Map<string, number>();
  for (const name of names) if (name !== undefined) rows.set(name, (rows.get(name) ?? 0) + 1);
  const kept = [...rows].sort(([a, rowsA], [b, rowsB]) => rowsB - rowsA || (a < b ? -1 : 1)).slice(0, mostCategories);
  const binOfName = new Map(kept.map(([name], i) => [name, i + 1]));
  const others = kept.length + 1;
  return { column, ordered: false, bins: Uint8Array.from(names, (name) => (name === undefined ? missingBin : (binOfName.get(name) ?? others))), count: others + 1 };
}

/** Of texts of several words that hardly ever recur: how long each is, and which of the words that are frequent on both sides together it has. */
function textFeatures(column: string, values: readonly unknown[]): PooledFeature[] {
  const texts = values.filter((value) => typeof value === 'string');
  if (new Set(texts).size <= mostCategories) return [];
  const words = values.map((value) => (typeof value === 'string' ? wordsOf(value) : undefined));
  const frequent = frequentWords(words, mostWords);
  if (frequent.length === 0) return [];
  const lengths = numberFeature(column, Float64Array.from(values, (value) => (typeof value === 'string' ? value.length : NaN)));
  return [lengths, ...frequent.map((word) => ({ column, ordered: true, bins: Uint8Array.from(words, (own) => (own === undefined ? missingBin : own.has(word) ? 2 : 1)), count: 3 }))];
}
