import * as z from 'zod/mini';
import { ValidationError } from '../../core/errors.ts';
import { check } from '../../core/schema.ts';
import type { TableInput } from '../../core/table.ts';
import { benjaminiHochberg } from '../tests/benjamini-hochberg.ts';
import { rowCountsOf, weighColumn, type BinShift, type ColumnEvidence, type DriftEffect, type DriftTest, type UnseenCategories } from './column-evidence.ts';
import { mergeColumns, type ColumnKind, type RowCounts } from './column-profile.ts';
import { checkProfile, isProfile, prepareReference, readOnBins, type ColumnSide, type CurrentColumn, type DataProfile, type ProfileOptions } from './data-profile.ts';
import { explainColumn, summarise } from './drift-summary.ts';

/**
 * What became of a column or a data set: `drifted` when the change is both significant and large, `stable` when it is not, `insufficient` when there was not enough to
 * judge by. `stable` does not prove that nothing changed: no more was found than the rows can show.
 */
export type DriftStatus = 'drifted' | 'stable' | 'insufficient';

/** When a column counts as drifted. */
export interface DriftOptions {
  /** Chance of a false alarm over all columns when nothing has changed. @default 0.05 */
  alpha?: number | undefined;
  /**
   * The stability index that a change must surely exceed to matter: the lower end of its interval is compared. About 0.1 is a moderate and 0.25 a large
   * change. @default 0.1
   */
  minEffect?: number | undefined;
  /** With fewer rows than this on either side a column is not judged. @default 30 */
  minRows?: number | undefined;
}

/** How {@link compareData} reads and judges. */
export interface CompareOptions extends DriftOptions, ProfileOptions {}

/** The verdict on one column. */
export interface ColumnDrift {
  /** The column. */
  readonly name: string;
  /** Whether it holds the prediction, as the reference says. */
  readonly role: 'feature' | 'prediction';
  /** How it was compared; `unknown` when the reference lacks it. */
  readonly kind: ColumnKind | 'unknown';
  /** The verdict. */
  readonly status: DriftStatus;
  /** The verdict in words. */
  readonly reason: string;
  /** Of this column alone, all its tests taken together; absent when nothing was tested. */
  readonly pValue?: number | undefined;
  /** Adjusted for the number of columns (Benjamini–Hochberg); compared with alpha. */
  readonly adjustedPValue?: number | undefined;
  /** How far the column moved; absent when nothing was compared. */
  readonly effect?: DriftEffect | undefined;
  /** The tests behind `pValue`; none when nothing was tested. */
  readonly tests: readonly DriftTest[];
  /** The bins that add most to the effect, at most five. */
  readonly moved: readonly BinShift[];
  /** Categories that the reference does not have. */
  readonly unseen?: UnseenCategories | undefined;
  /** What the reference's rows of the column held; absent when it lacks the column. */
  readonly reference?: RowCounts | undefined;
  /** What the current rows of the column held; absent when they lack it. */
  readonly current?: RowCounts | undefined;
}

/** The verdict on a data set. */
export interface DataDrift {
  /** `drifted` when any column is, `insufficient` when no column could be judged. */
  readonly status: DriftStatus;
  /** Whether any column drifted. */
  readonly drifted: boolean;
  /** The columns that drifted, the most changed first. */
  readonly driftedColumns: readonly string[];
  /** The verdict in words. */
  readonly summary: string;
  /** Rows of the reference. */
  readonly referenceRows: number;
  /** Rows that were compared with it. */
  readonly currentRows: number;
  /** The `alpha` that it was judged by. */
  readonly alpha: number;
  /** The `minEffect` that it was judged by. */
  readonly minEffect: number;
  /** The `minRows` that it was judged by. */
  readonly minRows: number;
  /** Every column, in the order of the reference; then those that it does not have. */
  readonly columns: readonly ColumnDrift[];
}

/** {@link DriftOptions} with the defaults filled in. */
export interface DriftSettings {
  readonly alpha: number;
  readonly minEffect: number;
  readonly minRows: number;
}

const settingsSchema = /* @__PURE__ */ z.strictObject({
  alpha: z.optional(z.number().check(z.gt(0), z.lt(1))),
  minEffect: z.optional(z.number().check(z.minimum(0))),
  minRows: z.optional(z.int().check(z.minimum(1))),
});

/** Checks the options and fills in the defaults. */
export function driftSettings(options: DriftOptions | undefined, path: string): DriftSettings {
  const { alpha = 0.05, minEffect = 0.1, minRows = 30 } = check(settingsSchema, options ?? {}, path);
  return { alpha, minEffect, minRows };
}

/**
 * Compares current data with a reference, column by column, and says what drifted. Pure: data in, a verdict as plain JSON out.
 *
 * A column has `drifted` when the change is significant (its p-value, adjusted over the columns, is at most `alpha`) *and* large (the 95 % interval of its
 * stability index lies above `minEffect`): with half a million rows everything is significant, with fifty any index is large. It is `insufficient` when there
 * are fewer than `minRows` rows, no value to compare, or nothing to compare it with (the reason says which); everything else is `stable`. When nothing has
 * changed and rows are independent, the chance that any column is called drifted is at most `alpha`.
 *
 * Numbers are tested by Kolmogorov and Smirnov's two-sample test (exact with ties up to n·m = 2,000,000, then asymptotic; on the frozen bins of the reference
 * when either side is a profile), categories by the chi-squared test of both samples, so that a category which the reference does not have gives a finite,
 * honest p-value. Whether values are missing (or not numbers) is tested beside the numbers, and counts as a category beside categories. The effect is the
 * population stability index over the reference's deciles or over the categories, missing rows being a bin of their own, half a row added to every bin. The
 * result names method, bins, zero rule, rows, missing, NaN, infinite and unseen values.
 *
 * What can be in a column never throws and never gives NaN: empty, constant, all missing, mixed, one side without the column each have their status. Throws
 * `ValidationError` for wrong options, columns of different lengths, values that no column can hold (functions, class instances, invalid dates, integers beyond
 * 64 bits), and profiles that were counted in different bins.
 *
 * @param reference - Rows, columns or an Arrow table of when all was well, or its {@link profileData}.
 * @param current - Rows, columns or an Arrow table of now, or their profile in the bins of the reference.
 *
 * @example
 * ```ts
 * import { compareData } from 'modelkeep';
 *
 * const january = { delay: Float64Array.from({ length: 1000 }, (_, i) => i % 60), origin: Array.from({ length: 1000 }, (_, i) => 'AB'[i % 2]) };
 * const february = { delay: Float64Array.from({ length: 1000 }, (_, i) => (i % 60) + 30), origin: january.origin };
 * const report = compareData(january, february, { alpha: 0.05, minEffect: 0.1 });
 * console.log(report.driftedColumns, report.summary); // ['delay'] '1 of 2 columns drifted: delay …'
 * ```
 */
export function compareData(reference: TableInput | DataProfile, current: TableInput | DataProfile, options: CompareOptions = {}): DataDrift {
  const { alpha, minEffect, minRows, ...reading } = options;
  const settings = driftSettings({ alpha, minEffect, minRows }, 'options');
  if (!isProfile(reference)) {
    const { profile, sides } = prepareReference(reference, reading);
    return judge(profile, sides, currentSide(current, profile, true), settings);
  }
  if (Object.values(reading).some((value) => value !== undefined)) {
    throw new ValidationError('With a profile as reference, how columns are read was decided by profileData(); give prediction, kinds and maxCategories there.', {
      path: 'options',
    });
  }
  const profile = checkProfile(reference, 'reference');
  return judge(profile, sidesOf(profile), currentSide(current, profile, false), settings);
}

/** Compares two profiles that were counted in the same bins. */
export function compareProfiles(reference: DataProfile, current: DataProfile, settings: DriftSettings): DataDrift {
  return judge(reference, sidesOf(reference), currentSide(current, reference, false), settings);
}

interface CurrentSide {
  readonly columns: readonly CurrentColumn[];
  readonly unknown: readonly string[];
  readonly rows: number;
}

function sidesOf(profile: DataProfile): ColumnSide[] {
  return profile.columns.map((column) => ({ profile: column }));
}

function currentSide(current: TableInput | DataProfile, reference: DataProfile, sort: boolean): CurrentSide {
  if (!isProfile(current)) return readOnBins(current, reference, 'current', sort);
  const profile = checkProfile(current, 'current');
  const byName = new Map(profile.columns.map((column) => [column.name, column]));
  const columns = reference.columns.map((column) => {
    const other = byName.get(column.name);
    byName.delete(column.name);
    // Merging checks that both were counted in the same bins.
    if (other !== undefined) mergeColumns(column, other);
    return { name: column.name, side: other && { profile: other } };
  });
  return { columns, unknown: [...byName.keys()], rows: profile.rows };
}

function judge(profile: DataProfile, sides: readonly ColumnSide[], current: CurrentSide, settings: DriftSettings): DataDrift {
  const evidence = sides.map((side, i) => weighColumn(side, current.columns[i]!.side, settings.minRows));
  const tested = evidence.filter(({ pValue }) => pValue !== undefined);
  const adjusted = benjaminiHochberg(tested.map(({ pValue }) => pValue!));
  const columns = sides.map((side, i): ColumnDrift => {
    const { name, kind } = side.profile;
    const found = evidence[i]!;
    const adjustedPValue = found.pValue === undefined ? undefined : adjusted[tested.indexOf(found)]!;
    const status = statusOf(found, adjustedPValue, settings);
    return {
      name,
      role: name === profile.prediction ? 'prediction' : 'feature',
      kind,
      status,
      reason: explainColumn(found, status, adjustedPValue, settings),
      ...(adjustedPValue === undefined ? {} : { pValue: found.pValue, adjustedPValue }),
      ...(found.effect && { effect: found.effect }),
      tests: found.tests,
      moved: found.moved,
      ...(found.unseen && { unseen: found.unseen }),
      reference: rowCountsOf(side.profile),
      ...(current.columns[i]!.side && { current: rowCountsOf(current.columns[i]!.side.profile) }),
    };
  });
  for (const name of current.unknown) {
    columns.push({ name, role: 'feature', kind: 'unknown', status: 'insufficient', reason: 'the reference has no such column', tests: [], moved: [] });
  }
  return verdictOf(columns, profile.rows, current.rows, settings);
}

function statusOf(evidence: ColumnEvidence, adjustedPValue: number | undefined, { alpha, minEffect }: DriftSettings): DriftStatus {
  if (adjustedPValue !== undefined && adjustedPValue <= alpha && evidence.effect!.low >= minEffect) return 'drifted';
  return evidence.unjudged === undefined ? 'stable' : 'insufficient';
}

function verdictOf(columns: readonly ColumnDrift[], referenceRows: number, currentRows: number, settings: DriftSettings): DataDrift {
  const drifted = columns.filter(({ status }) => status === 'drifted').sort((a, b) => b.effect!.value - a.effect!.value);
  const status = drifted.length > 0 ? 'drifted' : columns.some((column) => column.status === 'stable') ? 'stable' : 'insufficient';
  return {
    status,
    drifted: drifted.length > 0,
    driftedColumns: drifted.map(({ name }) => name),
    summary: summarise(columns, drifted),
    referenceRows,
    currentRows,
    ...settings,
    columns,
  };
}
