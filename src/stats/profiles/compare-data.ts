import { ValidationError } from '../../core/errors.ts';
import { shown } from '../../core/shown.ts';
import type { Table, TableInput } from '../../core/table.ts';
import { demandOneOf, demandOptions } from '../arguments.ts';
import { comparisonMethods, scoreByMethod, type ComparisonMethod, type MethodScore } from '../compatibility/comparison-method.ts';
import type { ColumnKind } from './column-profile.ts';
import { compareTables } from './compare-tables.ts';
import type { DataDrift } from './data-drift.ts';
import { isProfile, type DataProfile, type ProfileOptions } from './data-profile.ts';
import type { DriftOptions } from './drift-settings.ts';
import { readPlain } from './read-column.ts';

/** How {@link compareData} reads and judges. */
export interface CompareOptions extends DriftOptions, ProfileOptions {
  /**
   * Columns that are judged by the rule of another system, such as `{ delay: 'evidently:psi', origin: 'nannyml:jensen_shannon' }`, to compare numbers while a team migrates. Needs rows on both
   * sides. @default none
   */
  methods?: Readonly<Record<string, ComparisonMethod>> | undefined;
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
 * A column in `methods` is judged by that system's rule alone: its score, bins, threshold and direction, reproduced as published, whatever the number of rows; `alpha`, `minEffect`, `minRows` and the
 * guarantee above are not for it. What these rules get wrong is told at `evidently` and `nannyml` of `modelkeep/stats`.
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
  const { methods, ...others } = demandOptions(options);
  const wanted = checkMethods(methods);
  if (wanted.size === 0) return compareTables(reference, current, others);
  for (const [path, side] of [['reference', reference], ['current', current]] as const) if (isProfile(side)) refuseMethods(wanted, path);
  return compareTables(reference, current, others, (before, after, profile) => scoresOf(wanted, before, after, profile));
}

function checkMethods(methods: unknown = {}): ReadonlyMap<string, ComparisonMethod> {
  if (typeof methods !== 'object' || methods === null || Array.isArray(methods)) {
    throw new ValidationError(`options.methods is ${shown(methods, 60)}; it must be an object of methods by column, such as { delay: 'evidently:psi' }.`, { path: 'options.methods' });
  }
  for (const [name, method] of Object.entries(methods)) demandOneOf(`options.methods.${name}`, method, comparisonMethods);
  return new Map(Object.entries(methods));
}

function refuseMethods(wanted: ReadonlyMap<string, ComparisonMethod>, path: string): never {
  const [name, method] = [...wanted][0]!;
  throw new ValidationError(`The ${path} is a profile, and the method '${method}' of column '${name}' needs the rows of both sides; give rows, or leave out methods.`, { path });
}

function scoresOf(wanted: ReadonlyMap<string, ComparisonMethod>, before: Table, after: Table, profile: DataProfile): ReadonlyMap<string, MethodScore> {
  const kinds = new Map(profile.columns.map(({ name, kind }) => [name, kind]));
  const scores = new Map<string, MethodScore>();
  for (const [name, method] of wanted) {
    const kind: ColumnKind | undefined = kinds.get(name);
    if (kind === undefined) throw new ValidationError(`The options name column '${name}', which the reference does not have.`, { path: `options.methods.${name}` });
    // What the current side lacks, and points in time, are insufficient by themselves.
    if (kind === 'timestamp' || !Object.hasOwn(after.columns, name)) continue;
    const sides = [before, after].map(({ columns }) => readPlain(columns[name]!, kind));
    scores.set(name, scoreByMethod(method, sides[0]!, sides[1]!, kind === 'number' ? 'num' : 'cat'));
  }
  return scores;
}
