import { ValidationError } from '../../core/errors.ts';
import { shown } from '../../core/shown.ts';
import type { Table, TableInput } from '../../core/table.ts';
import { demandOneOf, demandOptions } from '../arguments.ts';
import type { ComparisonMethod, MethodRules, MethodScore } from '../compatibility/comparison-method.ts';
import { blockPermutationTest } from './block-permutation.ts';
import type { DriftTest } from './drift-evidence.ts';
import type { ColumnKind } from './column-profile.ts';
import { compareTables } from './compare-tables.ts';
import type { DataDrift } from './data-drift.ts';
import { isProfile } from './check-profile.ts';
import type { DataProfile, ProfileOptions } from './data-profile.ts';
import type { DriftOptions } from './drift-settings.ts';
import { checkMultivariate, runMultivariate, type MultivariateTest } from './multivariate-tests.ts';
import { readPlain } from './read-column.ts';
import { categoryBins, embeddingBins, numberBins, textBins } from './row-bins.ts';
import { blocksOf, checkBlocks, type BlockOptions } from './row-blocks.ts';

/** How {@link compareData} reads and judges. */
export interface CompareOptions extends DriftOptions, ProfileOptions {
  /**
   * Columns that are judged by the rule of another system, such as `{ delay: 'evidently:psi', origin: 'nannyml:jensen_shannon' }`, to compare numbers while a team migrates. Needs `rules`, and rows on
   * both sides. @default none
   */
  methods?: Readonly<Record<string, ComparisonMethod>> | undefined;
  /** The rules that `methods` names: `evidentlyRules`, `nannymlRules` or both, from `modelkeep/stats`; given, so that their code is loaded only where it is used. @default none */
  rules?: readonly MethodRules[] | undefined;
  /** Which rows belong together, when they are not independent: single rows of a time series or of a user make every test cry wolf. Needs rows on both sides. @default every row is independent */
  blocks?: BlockOptions | undefined;
  /**
   * Tests of all columns at once by names of their own, such as `{ domainClassifier, reconstructionTest }` of `modelkeep/stats`; given, so that their code is loaded only where it is used. They share an `alpha` of their own, beside that
   * of the columns. Needs rows on both sides. @default none
   */
  multivariate?: Readonly<Record<string, MultivariateTest>> | undefined;
}

/** The methods that are wanted by column, and what reckons them. */
type WantedMethods = ReadonlyMap<string, { readonly method: ComparisonMethod; readonly rules: MethodRules; readonly name: string }>;

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
 * honest p-value; free text by its length, on a grid of the reference, and by one word that is drawn of each; vectors by their norm and
 * eight random projections, on such grids; times by the hour, the weekday and their unit where both sides span a week, or four. Whether values are missing (or not numbers) is tested beside the numbers, and counts as a category beside categories. The effect is the
 * population stability index over the reference's deciles or over the categories, missing rows being a bin of their own, half a row added to every bin. The
 * result names method, bins, zero rule, rows, missing, NaN, infinite and unseen values.
 *
 * A column in `methods` is judged by that system's rule alone: its score, bins, threshold and direction, reproduced as published, whatever the number of rows; `alpha`, `minEffect`, `minRows` and the
 * guarantee above are not for it. What these rules get wrong is told at `evidently` and `nannyml` of `modelkeep/stats`.
 *
 * With `blocks` nothing is assumed of rows within a block, only that blocks are independent: all columns are tested by chi-squared on the deciles of both sides together, or on categories, held against what it is when whole blocks
 * change sides at random, and intervals are as much wider as blocks differ more than independent rows would (the design effect). At least ten blocks are needed on either side.
 *
 * What can be in a column never throws and never gives NaN: empty, constant, all missing, mixed, one side without the column each have their status. Throws
 * `ValidationError` for wrong options, columns of different lengths, values that no column can hold (functions, symbols, class instances, invalid dates, integers beyond
 * 64 bits, half a surrogate pair beside values that are no texts), and profiles that were counted in different bins.
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
  const { methods, rules, blocks: given, multivariate, ...others } = demandOptions(options);
  if (multivariate !== undefined) return withMultivariate(reference, current, multivariate, { ...others, methods, rules, blocks: given });
  const wanted = checkMethods(methods, rules);
  const blocks = given === undefined ? undefined : checkBlocks(given);
  if (wanted.size === 0 && blocks === undefined) return compareTables(reference, current, others);
  for (const [path, side] of [['reference', reference], ['current', current]] as const) if (isProfile(side)) refuseProfile(wanted, path);
  return compareTables(reference, current, others, (before, after, profile) => ({
    scores: scoresOf(wanted, before, after, profile),
    ...(blocks && { blockTest: blockTestOf(blocks, before, after, profile, others.alpha) }),
  }));
}

function withMultivariate(reference: TableInput | DataProfile, current: TableInput | DataProfile, tests: unknown, options: CompareOptions): DataDrift {
  const checked = checkMultivariate(tests);
  for (const [path, side] of [['reference', reference], ['current', current]] as const) if (isProfile(side)) refuse(path, 'tests of all columns at once need', 'multivariate');
  const report = compareData(reference, current, options);
  return { ...report, multivariate: runMultivariate(checked, reference as TableInput, current as TableInput, report.alpha) };
}

const binsByKind = { number: numberBins, category: categoryBins, text: textBins, embedding: embeddingBins, timestamp: categoryBins } as const;

function blockTestOf(blocks: BlockOptions, before: Table, after: Table, { columns }: DataProfile, alpha = 0.05): (column: string) => DriftTest {
  const sides = [blocksOf(before, blocks, 'reference'), blocksOf(after, blocks, 'current data')] as const;
  const kinds = new Map(columns.map(({ name, kind }) => [name, kind]));
  // So many that the smallest p-value can be significant after the adjustment for all columns.
  const { resamples = Math.max(999, Math.ceil((2 * columns.length) / alpha)), seed = 1 } = blocks;
  return (column) => {
    const bin = binsByKind[kinds.get(column)!];
    return blockPermutationTest(bin(before.columns[column]!, after.columns[column]!), ...sides, { resamples, seed });
  };
}

function checkMethods(methods: unknown = {}, given: unknown = []): WantedMethods {
  if (typeof methods !== 'object' || methods === null || Array.isArray(methods)) {
    throw new ValidationError(`options.methods is ${shown(methods, 60)}; it must be an object of methods by column, such as { delay: 'evidently:psi' }.`, { path: 'options.methods' });
  }
  const rules = checkRules(given);
  return new Map(Object.entries(methods).map(([column, method]) => [column, methodOf(`options.methods.${column}`, method, rules)]));
}

function checkRules(rules: unknown): readonly MethodRules[] {
  if (Array.isArray(rules) && rules.every(isRules)) return rules;
  throw new ValidationError(`options.rules is ${shown(rules, 60)}; it must be a list of rules, such as [evidentlyRules, nannymlRules] of 'modelkeep/stats'.`, { path: 'options.rules' });
}

function isRules(value: unknown): value is MethodRules {
  const { system, methods, score } = (value ?? {}) as Partial<MethodRules>;
  return typeof system === 'string' && Array.isArray(methods) && typeof score === 'function';
}

function methodOf(path: string, method: unknown, given: readonly MethodRules[]): { method: ComparisonMethod; rules: MethodRules; name: string } {
  const system = typeof method === 'string' && /^(evidently|nannyml):/.exec(method)?.[1];
  const rules = given.find((each) => each.system === system);
  if (system && rules === undefined) {
    throw new ValidationError(`${path} is ${shown(method, 60)}, and options.rules has no rules of ${system}; import { ${system}Rules } from 'modelkeep/stats' and give rules: [${system}Rules].`, { path });
  }
  demandOneOf(path, method, (rules === undefined ? given : [rules]).flatMap((each) => each.methods.map((name) => `${each.system}:${name}`)));
  return { method: method as ComparisonMethod, rules: rules!, name: (method as string).slice(rules!.system.length + 1) };
}

function refuseProfile(wanted: WantedMethods, path: string): never {
  const [first] = wanted;
  const [what, option] = first === undefined ? ['blocks of rows need', 'blocks'] : [`the method '${first[1].method}' of column '${first[0]}' needs`, 'methods'];
  refuse(path, what, option);
}

function refuse(path: string, what: string, option: string): never {
  throw new ValidationError(`The ${path} is a profile, and ${what} the rows of both sides; give rows, or leave out ${option}.`, { path });
}

function scoresOf(wanted: WantedMethods, before: Table, after: Table, profile: DataProfile): ReadonlyMap<string, MethodScore> {
  const kinds = new Map(profile.columns.map(({ name, kind }) => [name, kind]));
  const scores = new Map<string, MethodScore>();
  for (const [column, { rules, name }] of wanted) {
    const kind: ColumnKind | undefined = kinds.get(column);
    if (kind === undefined) throw new ValidationError(`The options name column '${column}', which the reference does not have.`, { path: `options.methods.${column}` });
    // What the current side lacks is insufficient by itself.
    if (!Object.hasOwn(after.columns, column)) continue;
    // These rules know neither points in time nor vectors: to them there is nothing in the column.
    const known = kind !== 'timestamp' && kind !== 'embedding';
    const sides = [before, after].map(({ columns }) => (known ? readPlain(columns[column]!, kind === 'number' ? kind : 'category') : []));
    scores.set(column, rules.score(name, sides[0]!, sides[1]!, kind === 'number' ? 'num' : 'cat'));
  }
  return scores;
}
