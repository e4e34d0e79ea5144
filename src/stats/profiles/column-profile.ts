import { ValidationError } from '../../core/errors.ts';
import { mergeEmbeddings, type EmbeddingProfile } from './embedding/embedding-profile.ts';
import { addCounts, larger, sameNumbers, smaller } from './grid-counts.ts';
import { mergeCalendars, type CalendarCounts } from './timestamp/calendar-counts.ts';
import { mergeTexts, type TextProfile } from './text/text-profile.ts';
import { mergeSamples, type ValueSample } from './value-sample.ts';

/** How a column is compared: by size (`number`), by kind (`category`), by the length and words of free `text`, by what does not move on in a `timestamp`, or by norm and random projections of vectors (`embedding`). */
export type ColumnKind = 'number' | 'category' | 'text' | 'timestamp' | 'embedding';

/** What every profile of a column counts. */
export interface RowCounts {
  /** All rows. */
  readonly rows: number;
  /** Rows with `null`, `undefined` or no such key. */
  readonly missing: number;
  /** Rows with NaN, which are treated as missing too. */
  readonly nan: number;
  /** Rows with ±Infinity; they take part as the smallest and largest values, in bins of their own. */
  readonly infinite: number;
  /** Rows whose value is not of the column's kind: no number in a column of numbers, no text in one of texts, no vector of finite numbers of the right length in one of embeddings. */
  readonly mistyped: number;
}

/** A column of numbers, counted in the bins that its reference froze. */
export interface NumberProfile extends RowCounts {
  /** The column. */
  readonly name: string;
  /** How the column is compared. */
  readonly kind: 'number';
  /** Ascending: bin 0 is below the first edge, bin i begins at edge i - 1, which belongs to it. */
  readonly edges: readonly number[];
  /** The edges among them that bound the ten or so bins of the stability index. */
  readonly cuts: readonly number[];
  /** Rows with a finite number per bin, one more than there are edges. */
  readonly counts: readonly number[];
  /** How many of the infinite rows are -Infinity; the others are +Infinity. */
  readonly negativeInfinite: number;
  /** Smallest finite value; `null` when there is none. */
  readonly min: number | null;
  /** Largest finite value; `null` when there is none. */
  readonly max: number | null;
  /** Its numbers themselves, where `sample` asked for them; absent otherwise. */
  readonly sample?: ValueSample | undefined;
}

/** A column of categories: texts, truth values, or plain data by its canonical JSON; what is longer than 200 characters is told apart by its beginning. */
export interface CategoryProfile extends RowCounts {
  /** The column. */
  readonly name: string;
  /** How the column is compared. */
  readonly kind: 'category';
  /** Rows per category, most frequent first; empty when there are too many. */
  readonly categories: readonly (readonly [category: string, rows: number])[];
  /** How many categories are kept before the column counts as identifiers or free text. */
  readonly maxCategories: number;
  /** Whether more were seen; the column cannot be compared then. */
  readonly tooMany: boolean;
}

/** A column of points in time. */
export interface TimestampProfile extends RowCounts {
  /** The column. */
  readonly name: string;
  /** How the column is compared. */
  readonly kind: 'timestamp';
  /** How its times lie; absent in profiles of the first format, and in those that were counted in their bins. */
  readonly calendar?: CalendarCounts | undefined;
}

/** One column of a profile. */
export type ColumnProfile = NumberProfile | CategoryProfile | TextProfile | TimestampProfile | EmbeddingProfile;

/** Rows that have a value of the column's kind. */
export function valueRows(profile: RowCounts): number {
  return profile.rows - profile.missing - profile.nan - profile.mistyped;
}

/** The sum of two profiles of one column on the same bins; associative and commutative. */
export function mergeColumns(a: ColumnProfile, b: ColumnProfile): ColumnProfile {
  const counts = {
    rows: a.rows + b.rows,
    missing: a.missing + b.missing,
    nan: a.nan + b.nan,
    infinite: a.infinite + b.infinite,
    mistyped: a.mistyped + b.mistyped,
  };
  const merged = mergeKinds(a, b, counts);
  if (merged !== undefined) return merged;
  throw new ValidationError(
    `The two profiles of column '${a.name}' were not counted in the same bins; make both with profileData(rows, { bins: reference }).`,
    { path: a.name },
  );
}

function mergeKinds(a: ColumnProfile, b: ColumnProfile, counts: RowCounts): ColumnProfile | undefined {
  if (a.kind === 'number' && b.kind === 'number') return mergeNumbers(a, b, counts);
  if (a.kind === 'category' && b.kind === 'category') return mergeCategories(a, b, counts);
  if (a.kind === 'text' && b.kind === 'text') return mergeTexts(a, b, counts);
  if (a.kind === 'embedding' && b.kind === 'embedding') return mergeEmbeddings(a, b, counts);
  if (a.kind === 'timestamp' && b.kind === 'timestamp') return mergeTimestamps(a, b, counts);
  return undefined;
}

function mergeTimestamps(a: TimestampProfile, b: TimestampProfile, counts: RowCounts): TimestampProfile | undefined {
  if ((a.calendar === undefined) !== (b.calendar === undefined)) return undefined;
  return { ...a, ...counts, ...(a.calendar && b.calendar && { calendar: mergeCalendars(a.calendar, b.calendar) }) };
}

function mergeNumbers(a: NumberProfile, b: NumberProfile, counts: RowCounts): NumberProfile | undefined {
  if (!sameNumbers(a.edges, b.edges)) return undefined;
  const { sample: first, ...bins } = a;
  const sample = mergeSamples(first, b.sample);
  const range = { min: smaller(a.min, b.min), max: larger(a.max, b.max) };
  return { ...bins, ...counts, counts: addCounts(a.counts, b.counts), negativeInfinite: a.negativeInfinite + b.negativeInfinite, ...range, ...(sample && { sample }) };
}

function mergeCategories(a: CategoryProfile, b: CategoryProfile, counts: RowCounts): CategoryProfile | undefined {
  if (a.maxCategories !== b.maxCategories) return undefined;
  const sums = new Map(a.categories);
  for (const [category, rows] of b.categories) sums.set(category, (sums.get(category) ?? 0) + rows);
  return { ...a, ...counts, ...listCategories(sums, a.maxCategories, a.tooMany || b.tooMany) };
}

/** The categories of a profile, most frequent first, or none when there are more than it keeps. */
export function listCategories(
  counts: ReadonlyMap<string, number>,
  maxCategories: number,
  tooMany = false,
): Pick<CategoryProfile, 'categories' | 'tooMany'> {
  if (tooMany || counts.size > maxCategories) return { categories: [], tooMany: true };
  return { categories: [...counts].sort(([a, rowsA], [b, rowsB]) => rowsB - rowsA || (a < b ? -1 : 1)), tooMany: false };
}
