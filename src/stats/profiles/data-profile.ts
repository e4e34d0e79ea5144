import * as z from 'zod/mini';
import type { Column } from '../../core/column.ts';
import { ValidationError } from '../../core/errors.ts';
import { check } from '../../core/schema.ts';
import type { Table, TableInput } from '../../core/table.ts';
import { demandNumber, demandOptions } from '../arguments.ts';
import { finitePart } from '../samples/finite-part.ts';
import { addToBins, countsQuickly, countSortedInBins } from '../samples/count-in-bins.ts';
import { edgesOfSorted } from '../samples/quantile-edges.ts';
import { SortedSample, type Sample } from '../samples/sorted-sample.ts';
import { checkProfile } from './check-profile.ts';
import { listCategories, mergeColumns, type ColumnKind, type ColumnProfile, type NumberProfile } from './column-profile.ts';
import { countEmbeddings, EmbeddingCounter, embeddingReference, isEmbedding } from './embedding/embedding-counter.ts';
import { formatOf } from './profile-format.ts';
import { kindOf, readCategories, readNumbers, type NumberValues } from './read-column.ts';
import { sideTable } from './side-table.ts';
import { countTimestamps, TimestampCounter, timestampReference } from './timestamp/timestamp-counter.ts';
import { countTexts, isFreeText, TextCounter, textReference } from './text/text-counter.ts';
import { keepValues } from './value-sample.ts';

/** Into how many bins of about equal counts the reference cuts a column of numbers, and which of the cuts bound the bins of the stability index. */
const fineBins = 200;
const coarseBins = 10;

/** Fewer values than this are sorted sooner than a grid of the reference is made. */
const fewValues = 10_000;

/**
 * What a data set looks like, column by column, as plain data that can be stored and sent: a few kilobytes per column however many rows it had. Counts are
 * exact; the bins of numbers are frozen from the quantiles of the data, so that other data can be counted in the same ones.
 */
export interface DataProfile {
  /** Names this form of the data: the second where a column is of a kind that the first does not have. */
  readonly format: 'modelkeep.profile/1' | 'modelkeep.profile/2';
  /** Rows that were counted. */
  readonly rows: number;
  /** The column that holds the model's prediction. */
  readonly prediction?: string | undefined;
  /** In the order of the data. */
  readonly columns: readonly ColumnProfile[];
}

/** How columns are read. */
export interface ProfileOptions {
  /** The column that holds the model's prediction; verdicts tell it from the features. @default none */
  prediction?: string | undefined;
  /**
   * How columns are compared where their type does not say it, such as `{ zip: 'category' }` for codes that are numbers. By type numbers are numbers, dates timestamps, vectors of one length embeddings (typed arrays, or arrays of 8 numbers or more), and texts are free text where more than `maxCategories` or more
   * than half as many as rows are different, and most are of three words or more; everything else is categories. @default by type
   */
  kinds?: Readonly<Record<string, ColumnKind>> | undefined;
  /** With more different categories than this a column counts as identifiers and is not compared, unless it is free text. @default 1000 */
  maxCategories?: number | undefined;
  /**
   * Columns of at most so many numbers keep them all in the profile, in order, so that it gives the same Kolmogorov–Smirnov test as the rows: exact, where the bins of a profile are conservative. 1 to 1,000,000. @default none is kept
   */
  sample?: number | undefined;
}

/** How {@link profileData} reads its columns: on bins of its own, or on those of another profile. */
export interface ProfileDataOptions extends ProfileOptions {
  /** Counts in the bins of this profile instead of freezing new ones; only its columns are taken, and the other options are its own. @default none */
  bins?: DataProfile | undefined;
  /** What time it is, epoch milliseconds: times that are later count as in the future. With `bins` too. @default none, and nothing is said of the future */
  now?: number | undefined;
}

const kindSchema = /* @__PURE__ */ z.enum(['number', 'category', 'text', 'timestamp', 'embedding']);
const optionsSchema = /* @__PURE__ */ z.strictObject({
  prediction: /* @__PURE__ */ z.optional(/* @__PURE__ */ z.string()),
  kinds: /* @__PURE__ */ z.optional(/* @__PURE__ */ z.custom<object>((value) => typeof value === 'object' && value !== null, 'must be an object of kinds by column')),
  maxCategories: /* @__PURE__ */ z.optional(/* @__PURE__ */ z.int().check(/* @__PURE__ */ z.minimum(1), /* @__PURE__ */ z.maximum(100_000))),
  sample: /* @__PURE__ */ z.optional(/* @__PURE__ */ z.int().check(/* @__PURE__ */ z.minimum(1), /* @__PURE__ */ z.maximum(1_000_000))),
  bins: /* @__PURE__ */ z.optional(/* @__PURE__ */ z.unknown()),
});

/**
 * Prepares a reference once: exact counts of every column in bins frozen from its own quantiles (200 for numbers, with a bin of its own for every value that is
 * frequent), categories with their counts, and how many rows were missing, NaN or infinite. The profile is small plain data: store it, send it, give it to
 * {@link compareData} or to a {@link DriftMonitor} instead of the rows.
 *
 * Numbers and bigints are compared as numbers, truth values, texts and plain data as categories, and texts that hardly ever recur by their length and words. Time always moves on: of dates the
 * hour of the day, the day of the week and the unit that they are whole in are compared, in UTC, where both sides span 7 days, or 28 for the day of the week, and how many are missing or, counted with `now`, in the future. Vectors are compared
 * by their norm and by projections on eight random directions. Odd contents (empty, constant, all missing, mixed) make a profile all the same. With `bins` the rows are counted in the bins of another
 * profile, and such profiles are merged by {@link mergeProfiles}.
 *
 * Sorts a copy of each column of numbers. Throws `ValidationError` for columns of different lengths, values that are not plain data, and a `prediction` that
 * is no column.
 *
 * @example
 * ```ts
 * import { compareData, profileData } from 'modelkeep';
 *
 * const training = { distance: Float64Array.from({ length: 500 }, (_, i) => i), carrier: Array.from({ length: 500 }, (_, i) => 'ABC'[i % 3]) };
 * const reference = profileData(training);
 * const report = compareData(JSON.parse(JSON.stringify(reference)), training);
 * console.log(report.status); // 'stable'
 * ```
 */
export function profileData(data: TableInput, options: ProfileDataOptions = {}): DataProfile {
  const { bins, now, ...own } = demandOptions(options);
  if (now !== undefined) demandNumber('options.now', now);
  if (bins === undefined) return prepareReference(sideTable(data, 'reference'), own, now).profile;
  if (Object.values(own).some((value) => value !== undefined)) {
    throw new ValidationError('With bins, the options but now are those of that profile; leave them out.', { path: 'options' });
  }
  const reference = checkProfile(bins, 'bins');
  const { columns, rows } = readOnBins(sideTable(data, 'data'), reference, undefined, now);
  return { ...reference, rows, columns: columns.flatMap(({ side }) => (side === undefined ? [] : [side.profile])) };
}

/**
 * The profile of all the data of several, which must have been counted in the same bins (`profileData(rows, { bins })`): the same whatever the order, so that
 * processes, workers and pages can each count their part. A column that a part lacks counts as missing in all its rows. Throws `ValidationError` when the bins
 * differ.
 *
 * @example
 * ```ts
 * import { compareData, mergeProfiles, profileData } from 'modelkeep';
 *
 * const reference = profileData({ x: Float64Array.from({ length: 1000 }, (_, i) => i % 100) });
 * const parts = [0, 1].map((worker) => profileData({ x: Float64Array.from({ length: 500 }, (_, i) => (2 * i + worker) % 100) }, { bins: reference }));
 * console.log(compareData(reference, mergeProfiles(parts)).status); // 'stable'
 * ```
 */
export function mergeProfiles(profiles: readonly DataProfile[]): DataProfile {
  const [first, ...rest] = profiles.map((profile, i) => checkProfile(profile, `profiles[${i}]`));
  if (first === undefined) throw new ValidationError('There is no profile to merge.', { path: 'profiles' });
  return rest.reduce(mergeTwo, first);
}

function mergeTwo(a: DataProfile, b: DataProfile): DataProfile {
  const inB = new Map(b.columns.map((column) => [column.name, column]));
  const columns = a.columns.map((column) => mergeColumns(column, inB.get(column.name) ?? emptyLike(column, b.rows)));
  for (const column of b.columns) {
    if (!a.columns.some(({ name }) => name === column.name)) columns.push(mergeColumns(emptyLike(column, a.rows), column));
  }
  return { ...a, format: formatOf(columns), rows: a.rows + b.rows, columns };
}

function emptyLike(column: ColumnProfile, rows: number): ColumnProfile {
  const counts = { rows, missing: rows, nan: 0, infinite: 0, mistyped: 0 };
  if (column.kind === 'timestamp') return { ...new TimestampCounter(column).take(), ...counts };
  if (column.kind === 'text') return { ...new TextCounter(column).take(), ...counts };
  if (column.kind === 'embedding') return { ...new EmbeddingCounter(column).take(), ...counts };
  if (column.kind === 'category') return { ...column, ...counts, categories: [], tooMany: false };
  return { ...column, ...counts, counts: column.counts.map(() => 0), negativeInfinite: 0, min: null, max: null, ...(column.sample && { sample: { ...column.sample, values: [] } }) };
}

/** One side of a comparison: a profile and, when the rows are at hand, the numbers themselves without NaN, in order or not. */
export interface ColumnSide {
  readonly profile: ColumnProfile;
  readonly numbers?: Sample | undefined;
}

/** The sides of a reference that is given as rows. */
export function prepareReference(table: Table, options: ProfileOptions, now?: number): { profile: DataProfile; sides: readonly ColumnSide[] } {
  const { prediction, maxCategories = 1000, sample } = check(optionsSchema, options, 'options');
  const kinds = checkKinds(options.kinds ?? {});
  for (const name of [...kinds.keys(), ...(prediction === undefined ? [] : [prediction])]) {
    if (!Object.hasOwn(table.columns, name)) throw new ValidationError(`The options name column '${name}', which the data does not have.`, { path: name });
  }
  const sides = Object.entries(table.columns).map(([name, column]): ColumnSide => {
    const kind = kinds.get(name) ?? inferKind(column, maxCategories);
    if (kind === 'number') return numberReference(name, readNumbers(column), sample);
    if (kind === 'text') return { profile: textReference(name, column) };
    if (kind === 'embedding') return { profile: embeddingReference(name, column) };
    if (kind === 'timestamp') return { profile: timestampReference(name, column, now) };
    const { sums, counts } = readCategories(column);
    return { profile: { name, kind, ...counts, ...listCategories(sums, maxCategories), maxCategories } };
  });
  const columns = sides.map((side) => side.profile);
  const profile: DataProfile = { format: formatOf(columns), rows: table.rowCount, ...(prediction === undefined ? {} : { prediction }), columns };
  return { profile, sides };
}

function inferKind(column: Column, maxCategories: number): ColumnKind {
  if (isEmbedding(column)) return 'embedding';
  return isFreeText(column, maxCategories) ? 'text' : kindOf(column);
}

/** By hand, since zod leaves out a column called __proto__. */
function checkKinds(kinds: Readonly<Record<string, ColumnKind>>): ReadonlyMap<string, ColumnKind> {
  for (const [name, kind] of Object.entries(kinds)) check(kindSchema, kind, `options.kinds.${name}`);
  return new Map(Object.entries(kinds));
}

function numberReference(name: string, { values, counts, negativeInfinite }: NumberValues, most: number | undefined): ColumnSide {
  const numbers = SortedSample.of(values);
  const finite = finitePart(numbers.sorted);
  const edges = edgesOfSorted(finite, fineBins);
  const cuts = edgesOfSorted(finite, coarseBins);
  const bins = countSortedInBins(edges, finite);
  const profile: NumberProfile = { name, kind: 'number', ...counts, edges: [...edges], cuts: [...cuts], counts: [...bins], negativeInfinite, ...rangeOf(finite), ...(most !== undefined && { sample: keepValues(most, finite) }) };
  return { profile, numbers };
}

function rangeOf(finite: Float64Array): { min: number | null; max: number | null } {
  return finite.length === 0 ? { min: null, max: null } : { min: finite[0]! + 0, max: finite[finite.length - 1]! + 0 };
}

/** A column of the current data on the bins of its reference; `side` is absent when the data has no such column. */
export interface CurrentColumn {
  readonly name: string;
  readonly side: ColumnSide | undefined;
}

/** Counts rows in the bins of a reference; where its own rows are at hand, as `sides`, the numbers are kept too. Columns that the reference lacks come under `unknown`. */
export function readOnBins(
  table: Table,
  reference: DataProfile,
  sides: readonly ColumnSide[] | undefined,
  now?: number,
): { columns: readonly CurrentColumn[]; unknown: readonly string[]; rows: number } {
  const columns = reference.columns.map((profile, i) => {
    const column = Object.hasOwn(table.columns, profile.name) ? table.columns[profile.name] : undefined;
    return { name: profile.name, side: column && onBins(profile, column, sides?.[i]!.numbers, now) };
  });
  const known = new Set(reference.columns.map(({ name }) => name));
  return { columns, unknown: Object.keys(table.columns).filter((name) => !known.has(name)), rows: table.rowCount };
}

function onBins(reference: ColumnProfile, column: Column, against: Sample | undefined, now: number | undefined): ColumnSide {
  if (reference.kind === 'timestamp') return { profile: countTimestamps(reference, column, now) };
  if (reference.kind === 'embedding') return { profile: countEmbeddings(reference, column) };
  if (reference.kind === 'text') return { profile: countTexts(reference, column) };
  if (reference.kind === 'category') {
    const { sums, counts } = readCategories(column);
    return { profile: { ...reference, ...counts, ...listCategories(sums, reference.maxCategories) } };
  }
  return numbersOnBins(reference, readNumbers(column), against);
}

/** Sorts only what is few, is to be kept in order, or cannot be held against the reference as it comes. */
function numbersOnBins(reference: NumberProfile, { values, counts, negativeInfinite }: NumberValues, against: Sample | undefined): ColumnSide {
  const edges = Float64Array.from(reference.edges);
  const { sample } = reference;
  if (sample !== undefined || (against !== undefined && !isQuick(values, against, edges))) {
    const numbers = SortedSample.of(values);
    const finite = finitePart(numbers.sorted);
    return { profile: { ...reference, ...counts, counts: [...countSortedInBins(edges, finite)], negativeInfinite, ...rangeOf(finite), ...(sample && { sample: keepValues(sample.most, finite) }) }, numbers };
  }
  const bins = new Float64Array(edges.length + 1);
  addToBins(edges, values, bins);
  bins[0]! -= negativeInfinite;
  bins[edges.length]! -= counts.infinite - negativeInfinite;
  return { profile: { ...reference, ...counts, counts: [...bins], negativeInfinite, ...rangeOfValues(values) }, ...(against && { numbers: values }) };
}

/** Whether values are sooner counted between the edges, and compared with a sample in the cells of its grid, than put in order. */
function isQuick(values: Float64Array, against: Sample, edges: Float64Array): boolean {
  return values.length >= fewValues && against instanceof SortedSample && against.grid !== undefined && countsQuickly(edges);
}

function rangeOfValues(values: Float64Array): { min: number | null; max: number | null } {
  let min = Infinity;
  let max = -Infinity;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (value < min && value !== -Infinity) min = value;
    if (value > max && value !== Infinity) max = value;
  }
  return min <= max ? { min: min + 0, max: max + 0 } : { min: null, max: null };
}
