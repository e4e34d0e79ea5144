import { isPresent, type Column } from '../../core/column.ts';
import { quantileSorted } from './quantile-sorted.ts';
import { Moments } from '../sketches/moments.ts';

/** What the values of a column of a dataset are like. */
export interface DatasetColumnProfile {
  /** Rows without a value. */
  readonly missing: number;
  /** Of columns of numbers, integers and timestamps. */
  readonly numbers?: NumberSummary | undefined;
  /** Of columns of texts. */
  readonly texts?: TextSummary | undefined;
  /** Of columns of truth values: how many are true. */
  readonly trues?: number | undefined;
}

/** What numbers are like; timestamps are numbers of milliseconds. What is said of finite ones is NaN where there are none. */
export interface NumberSummary {
  /** Values that are NaN. */
  readonly nan: number;
  /** Values that are ±Infinity. */
  readonly infinite: number;
  /** The least finite value. */
  readonly min: number;
  /** The greatest finite value. */
  readonly max: number;
  /** The mean of the finite values. */
  readonly mean: number;
  /** The standard deviation of the finite values as a sample; NaN of fewer than two. */
  readonly standardDeviation: number;
  /** The quantiles 0.05, 0.25, 0.5, 0.75 and 0.95 of the finite values, of 100,000 rows in even steps where there are more. */
  readonly quantiles: readonly number[];
}

/** What texts are like. */
export interface TextSummary {
  /** Different texts. */
  readonly distinct: number;
  /** The most frequent ones, ten at most and the first 100 characters of each; none where more than 100 are different, which are names or sentences and not categories. */
  readonly top: readonly TextCount[];
  /** UTF-16 code units of the shortest; 0 where there is none. */
  readonly minLength: number;
  /** UTF-16 code units of the longest; 0 where there is none. */
  readonly maxLength: number;
}

/** How often a text is there. */
export interface TextCount {
  /** The text, or its beginning. */
  readonly value: string;
  /** In how many rows. */
  readonly count: number;
}

const quantiles = [0.05, 0.25, 0.5, 0.75, 0.95];
const sampledRows = 100_000;
const mostCategories = 100;
const topCategories = 10;
const shownCharacters = 100;

/** What a column is like, in one pass and a sort of 100,000 values at most. */
export function profileColumn(column: Column): DatasetColumnProfile {
  const missing = missingIn(column);
  switch (column.type) {
    case 'float64':
    case 'timestamp':
      return { missing, numbers: summaryOfNumbers(column.values, missing) };
    case 'int64':
      return { missing, numbers: summaryOfNumbers(Float64Array.from(column.values, (value, i) => (isPresent(column, i) ? Number(value) : NaN)), missing) };
    case 'bool':
      return { missing, trues: column.values.reduce((count, value, i) => (isPresent(column, i) ? count + value : count), 0) };
    case 'string':
      return { missing, texts: summaryOfTexts(column) };
    default:
      return { missing };
  }
}

function missingIn({ valid }: Column): number {
  return valid === undefined ? 0 : valid.reduce((count, isThere) => (isThere === 1 ? count : count + 1), 0);
}

/** Missing values are NaN here. */
function summaryOfNumbers(values: Float64Array, missing: number): NumberSummary {
  const moments = new Moments().updateAll(values);
  const { count, min, max, mean, standardDeviation } = moments;
  const stride = Math.ceil(values.length / sampledRows) || 1;
  const sample = new Float64Array(Math.ceil(values.length / stride));
  let size = 0;
  for (let i = 0; i < values.length; i += stride) if (Number.isFinite(values[i])) sample[size++] = values[i]!;
  const sorted = sample.subarray(0, size).sort();
  return {
    nan: moments.nan - missing,
    infinite: moments.positiveInfinity + moments.negativeInfinity,
    min: count > 0 ? min : NaN,
    max: count > 0 ? max : NaN,
    mean,
    standardDeviation,
    quantiles: quantiles.map((q) => quantileSorted(sorted, q)),
  };
}

function summaryOfTexts(column: Extract<Column, { type: 'string' }>): TextSummary {
  const counts = new Uint32Array(column.dictionary.length);
  for (let i = 0; i < column.values.length; i++) if (isPresent(column, i)) counts[column.values[i]!]!++;
  const present = column.dictionary.flatMap((value, code) => (counts[code]! > 0 ? [{ value, count: counts[code]! }] : []));
  const lengths = present.map(({ value }) => value.length);
  const byCount = (a: TextCount, b: TextCount): number => b.count - a.count || (a.value < b.value ? -1 : 1);
  return {
    distinct: present.length,
    top: present.length > mostCategories ? [] : present.sort(byCount).slice(0, topCategories).map(({ value, count }) => ({ value: beginning(value), count })),
    minLength: lengths.reduce((least, length) => Math.min(least, length), lengths[0] ?? 0),
    maxLength: lengths.reduce((greatest, length) => Math.max(greatest, length), 0),
  };
}

/** A character that is two code units is not cut in two. */
function beginning(text: string): string {
  const cut = text.slice(0, shownCharacters);
  return cut.length < text.length && /[\uD800-\uDBFF]$/.test(cut) ? cut.slice(0, -1) : cut;
}
