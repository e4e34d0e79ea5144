import { ValidationError } from '../../core/errors.ts';
import { shown } from '../../core/shown.ts';
import { toTable, type Table, type TableInput } from '../../core/table.ts';
import { demandLevel, demandList, demandNotNegative, demandOneOf, demandOptions, demandWhole } from '../arguments.ts';
import { readPlain } from '../profiles/read-column.ts';
import { safeScale, sampleMoments } from '../samples/sample-moments.ts';
import { holm } from '../tests/holm.ts';
import { tTestOf, type TTestResult } from '../tests/t-test-result.ts';
import { welchComparison } from '../tests/welch-t-test.ts';
import { MomentsByPlace, sampleOf, without, type ScoreMoments } from './score-moments.ts';
import { noSlice, sliceColumn, sliceText, type SlicedColumn, type SliceWhere } from './slice-column.ts';

/** What {@link worstSlices} looks for. */
export interface WorstSlicesOptions {
  /** The column that says how well each row went, such as its loss, its error or 1 where the prediction was wrong. */
  score: string;
  /** Whether higher or lower scores are worse. @default 'higher' */
  worse?: 'higher' | 'lower' | undefined;
  /** The columns that slices are cut by. @default all but the score and points in time */
  columns?: readonly string[] | undefined;
  /** With 2 slices of two columns are looked at too. @default 2 */
  depth?: 1 | 2 | undefined;
  /** A slice has at least so many rows, and leaves as many, at least 2. @default 30 */
  minRows?: number | undefined;
  /** How much worse a slice must be to be told, in standard deviations of the scores. @default 0.2 */
  minEffect?: number | undefined;
  /** The chance that any slice is told when all are alike. @default 0.05 */
  alpha?: number | undefined;
  /** Parts of about equal counts that numbers are cut into, 2 to 100. @default 5 */
  bins?: number | undefined;
  /** The most frequent values of a column that each make a slice, 1 to 200. @default 20 */
  maxValues?: number | undefined;
  /** So many slices are told at most. @default 20 */
  limit?: number | undefined;
}

/** A slice whose rows went worse than the others. */
export interface WorstSlice {
  /** Which rows are in it. */
  readonly where: SliceWhere;
  /** The same in words. */
  readonly text: string;
  /** Rows in it that have a score. */
  readonly rows: number;
  /** Their mean score. */
  readonly mean: number;
  /** The mean score of all other rows. */
  readonly restMean: number;
  /** The one mean less the other. */
  readonly difference: number;
  /** The lower end of the 95 % interval of the difference. */
  readonly low: number;
  /** The upper end of that interval. */
  readonly high: number;
  /** How much worse it is in standard deviations (Welch's: the root of the mean of both variances), above 0; `null` when no score varies on either side. */
  readonly effect: number | null;
  /** Of Welch's one-sided test alone. */
  readonly pValue: number;
  /** Adjusted for all slices that were looked at (Holm). */
  readonly adjustedPValue: number;
}

/** What {@link worstSlices} found. */
export interface WorstSlices {
  /** The worst first; none when no slice is surely worse. */
  readonly slices: readonly WorstSlice[];
  /** What was found, in words. */
  readonly summary: string;
  /** How many slices were looked at, all of which the p-values are adjusted for. */
  readonly tested: number;
  /** Rows with a score. */
  readonly rows: number;
  /** Rows without one: missing, NaN, infinite or no number. */
  readonly dropped: number;
  /** The mean score of all rows; `null` when there are none. */
  readonly mean: number | null;
}

type Settings = Required<{ [Name in Exclude<keyof WorstSlicesOptions, 'columns'>]: NonNullable<WorstSlicesOptions[Name]> }>;

/** Where each row is in each column. */
type Places = readonly Uint8Array[];

/** A slice that was looked at: its places by column, and what its rows' scores sum up to. */
interface Candidate {
  readonly places: readonly (readonly [column: number, place: number])[];
  readonly moments: ScoreMoments;
}

interface Tested extends Candidate {
  readonly test: TTestResult;
  readonly adjustedPValue: number;
}

/**
 * Searches for the slices of a data set on which a model does worst: by one column or two, such as `carrier is AA and distance is below 200`, each against all other rows (SliceFinder, Chung et al. 2019).
 *
 * Every slice with enough rows is tested by Welch's one-sided test of its mean score, and the p-values are adjusted over *all* of them, whatever is told (Holm 1979): when no slice is worse, the chance that one is told is at most
 * `alpha`, for rows that are independent. A slice is told when it is significant and at least `minEffect` worse. Of slices that overlap only those are told that say something of their own: the surest first, then what
 * is still worse without the rows of those before it, or, within one of them, worse than the rest of that.
 *
 * Numbers are cut at their quantiles, or by each value where they have at most twelve; a missing value makes a slice of its own. Takes rows × columns² / 2 steps with `depth` 2. Throws `ValidationError` for options out of range, columns
 * that the data does not have, and columns of different lengths.
 *
 * @example
 * ```ts
 * import { worstSlices } from 'modelkeep/stats';
 *
 * const flights = Array.from({ length: 2000 }, (_, i) => {
 *   const [carrier, month] = ['ABC'[i % 3]!, 1 + (i % 12)];
 *   return { carrier, month, error: (carrier === 'B' && month === 2 ? 30 : 10) + ((i * 37) % 11) };
 * });
 * const { slices, summary } = worstSlices(flights, { score: 'error' });
 * console.log(slices[0]?.text, summary); // 'carrier is B and month is 2' …
 * ```
 */
export function worstSlices(data: TableInput, options: WorstSlicesOptions): WorstSlices {
  const settings = checkSettings(options);
  const table = toTable(data, { path: 'data' });
  const columns = slicingColumns(table, options.columns, settings);
  const { scores, kept, scale, mean } = readScores(table, settings);
  const dropped = table.rowCount - kept.length;
  const places = columns.map(({ name, placesOf }) => placesOf(table.columns[name]!));
  const candidates = candidatesOf(columns, places, scores, kept, settings);
  const tested = testAll(candidates, total(scores, kept), scale);
  const slices = distinctSlices(tested, places, scores, kept, settings)
    .map((slice): WorstSlice => told(slice, columns, settings, scale, mean))
    .sort((a, b) => Math.abs(b.difference) - Math.abs(a.difference));
  return { slices, summary: explain(slices, candidates.length, kept.length), tested: candidates.length, rows: kept.length, dropped, mean: kept.length === 0 ? null : mean };
}

function checkSettings(options: WorstSlicesOptions): Settings {
  const { score, worse = 'higher', depth = 2, minRows = 30, minEffect = 0.2, alpha = 0.05, bins = 5, maxValues = 20, limit = 20 } = demandOptions(options);
  demandOneOf('worse', worse, ['higher', 'lower']);
  demandWhole('depth', depth, 1, 2);
  demandWhole('minRows', minRows, 2);
  demandNotNegative('minEffect', minEffect);
  demandLevel('alpha', alpha);
  demandWhole('bins', bins, 2, 100);
  demandWhole('maxValues', maxValues, 1, 200);
  demandWhole('limit', limit, 1);
  return { score, worse, depth, minRows, minEffect, alpha, bins, maxValues, limit };
}

function slicingColumns({ columns }: Table, wanted: readonly string[] | undefined, settings: Settings): SlicedColumn[] {
  if (typeof settings.score !== 'string' || !Object.hasOwn(columns, settings.score)) {
    throw new ValidationError(`score is ${shown(settings.score, 80)}, and the data has no such column; name the column that holds each row's loss or error.`, { path: 'score' });
  }
  if (wanted !== undefined) demandList('columns', wanted);
  const names = wanted === undefined ? Object.keys(columns).filter((name) => name !== settings.score && columns[name]!.type !== 'timestamp') : [...new Set(Array.from(wanted))];
  return names.map((name, i) => {
    if (typeof name !== 'string' || !Object.hasOwn(columns, name)) throw new ValidationError(`columns[${i}] is ${shown(name, 80)}, and the data has no such column.`, { path: `columns[${i}]` });
    return sliceColumn(name, columns[name]!, settings);
  });
}

interface Scores {
  /** By row, the worse the higher, less their mean and times `scale`; of rows that are not kept it says nothing. */
  readonly scores: Float64Array;
  /** The rows that have a score. */
  readonly kept: Uint32Array;
  readonly scale: number;
  readonly mean: number;
}

function readScores(table: Table, { score, worse }: Settings): Scores {
  const values = readPlain(table.columns[score]!, 'number') as Float64Array;
  const kept = Uint32Array.from(values.keys()).filter((row) => Number.isFinite(values[row]!));
  const some = Float64Array.from(kept, (row) => values[row]!);
  const scale = safeScale(some);
  const { mean } = sampleMoments(some, scale);
  const sign = worse === 'higher' ? 1 : -1;
  return { scores: values.map((value) => sign * (value * scale - mean)), kept, scale, mean: mean / scale };
}

function total(scores: Float64Array, kept: Uint32Array): ScoreMoments {
  const moments = new MomentsByPlace(1);
  for (const row of kept) moments.add(0, scores[row]!);
  return moments.at(0);
}

function candidatesOf(columns: readonly SlicedColumn[], places: Places, scores: Float64Array, kept: Uint32Array, { depth, minRows }: Settings): Candidate[] {
  const enough = ({ n }: ScoreMoments): boolean => n >= minRows && kept.length - n >= minRows;
  const found: Candidate[] = [];
  columns.forEach(({ conditions }, i) => {
    const single = new MomentsByPlace(conditions.length);
    for (const row of kept) if (places[i]![row] !== noSlice) single.add(places[i]![row]!, scores[row]!);
    conditions.forEach((_, place) => {
      const moments = single.at(place);
      if (enough(moments)) found.push({ places: [[i, place]], moments });
    });
    if (depth === 1) return;
    columns.slice(0, i).forEach((second, k) => {
      const width = second.conditions.length;
      const both = new MomentsByPlace(conditions.length * width);
      for (const row of kept) {
        const [a, b] = [places[i]![row]!, places[k]![row]!];
        if (a !== noSlice && b !== noSlice) both.add(a * width + b, scores[row]!);
      }
      for (let at = 0; at < conditions.length * width; at++) {
        const moments = both.at(at);
        if (enough(moments)) found.push({ places: [[k, at % width], [i, Math.floor(at / width)]], moments });
      }
    });
  });
  return found;
}

function testAll(candidates: readonly Candidate[], all: ScoreMoments, scale: number): Tested[] {
  const tests = candidates.map(({ moments }) => worseThan(moments, without(all, moments), scale));
  const adjusted = holm(tests.map(({ pValue }) => pValue));
  return candidates.map((candidate, i) => ({ ...candidate, test: tests[i]!, adjustedPValue: adjusted[i]! }));
}

function worseThan(slice: ScoreMoments, rest: ScoreMoments, scale = 1): TTestResult {
  const compared = welchComparison(sampleOf(slice), sampleOf(rest), scale, [0, 0]);
  const { low, high } = tTestOf(compared, { alternative: 'two-sided', confidence: 0.95 });
  return { ...tTestOf(compared, { alternative: 'greater', confidence: 0.95 }), low, high };
}

/** The slices that are surely worse, the surest first, and each only if it is so without the rows of those before it, or among the rows of one that it lies in. */
function distinctSlices(tested: readonly Tested[], places: Places, scores: Float64Array, kept: Uint32Array, { alpha, minEffect, limit }: Settings): Tested[] {
  const worse = tested.filter(({ test, adjustedPValue }) => adjustedPValue <= alpha && test.effect >= minEffect).sort((a, b) => b.test.statistic - a.test.statistic);
  const taken: Tested[] = [];
  for (const slice of worse) {
    if (taken.length === limit) break;
    const around = taken.filter((other) => liesIn(slice, other));
    const beside = taken.filter((other) => !around.includes(other));
    const rows = kept.filter((row) => !beside.some((other) => holds(other, places, row)));
    const adds = (within: Uint32Array): boolean => {
      const [inside, outside] = [true, false].map((side) => total(scores, within.filter((row) => holds(slice, places, row) === side))) as [ScoreMoments, ScoreMoments];
      // All that are left are tried, and some would pass by chance.
      return worseThan(inside, outside).pValue <= alpha / worse.length;
    };
    if (around.length === 0 ? taken.length === 0 || adds(rows) : around.every((other) => adds(rows.filter((row) => holds(other, places, row))))) taken.push(slice);
  }
  return taken;
}

function holds(slice: Candidate, places: Places, row: number): boolean {
  return slice.places.every(([column, place]) => places[column]![row] === place);
}

function liesIn(slice: Candidate, other: Candidate): boolean {
  return other.places.every(([column, place]) => slice.places.some((own) => own[0] === column && own[1] === place));
}

function told({ places, test, adjustedPValue }: Tested, columns: readonly SlicedColumn[], { worse }: Settings, scale: number, mean: number): WorstSlice {
  const where: SliceWhere = Object.fromEntries(places.map(([column, place]) => [columns[column]!.name, columns[column]!.conditions[place]!]));
  const sign = worse === 'higher' ? 1 : -1;
  const ends = [sign * test.low, sign * test.high].sort((a, b) => a - b) as [number, number];
  return {
    where,
    text: sliceText(where),
    rows: test.n,
    mean: inRange(mean + sign * test.means[0]),
    restMean: inRange(mean + sign * test.means[1]),
    difference: inRange(sign * test.difference),
    low: inRange(ends[0]),
    high: inRange(ends[1]),
    effect: Number.isFinite(test.effect) ? test.effect : null,
    pValue: test.pValue,
    adjustedPValue,
  };
}

/** JSON has no Infinity, which the difference of two of the largest doubles would be. */
function inRange(value: number): number {
  return Math.max(-Number.MAX_VALUE, Math.min(Number.MAX_VALUE, value));
}

function explain(slices: readonly WorstSlice[], tested: number, rows: number): string {
  if (tested === 0) return `No slice of ${rows} rows is large enough to be looked at.`;
  const [worst] = slices;
  if (worst === undefined) return `None of ${tested} slices of ${rows} rows is surely worse than the other rows.`;
  const means = `mean ${Number(worst.mean.toPrecision(4))} against ${Number(worst.restMean.toPrecision(4))}`;
  return `${slices.length} of ${tested} slices ${slices.length === 1 ? 'is' : 'are'} surely worse than the other rows; worst: ${worst.text} (${worst.rows} rows, ${means}).`;
}
