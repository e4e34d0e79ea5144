import { ValidationError } from '../../core/errors.ts';
import { shown } from '../../core/shown.ts';
import { demandFunction, demandLevel, demandList, demandOptions, demandSameLength, demandWhole } from '../arguments.ts';
import { studentT } from '../distributions/student-t.ts';
import { numbersOf } from '../samples/sorted-sample.ts';
import { SeededGenerator } from '../seeded-generator.ts';

/** How {@link permutationImportance} is done. */
export interface PermutationImportanceOptions {
  /** How often each column is shuffled. @default 5 */
  repeats?: number | undefined;
  /** How often the interval covers the mean drop over all shuffles, above 0 and below 1. @default 0.95 */
  confidence?: number | undefined;
  /** Seed of the shuffles, a whole number of 0 to 2^32 - 1. @default 1 */
  seed?: number | undefined;
  /** Ends the work between two scores, with the signal's reason thrown. @default undefined */
  signal?: AbortSignal | undefined;
}

/** How much a score owes to one column. */
export interface ColumnImportance {
  /** The mean drop of the score when the column is shuffled: above 0 where the model uses it, in units of the score. */
  readonly value: number;
  /** Lower end of the interval for the mean over all shuffles; NaN with one repeat. */
  readonly low: number;
  /** Upper end of the interval; NaN with one repeat. */
  readonly high: number;
  /** Standard deviation of the drops; NaN with one repeat. */
  readonly standardDeviation: number;
  /** The drop of each repeat. */
  readonly drops: readonly number[];
}

/** What {@link permutationImportance} found. */
export interface PermutationImportanceResult {
  /** The score of the columns as they are. */
  readonly baseline: number;
  /** One per column, in their order. */
  readonly columns: readonly ColumnImportance[];
}

/**
 * Permutation importance: how far the score of a model falls when the values of one column are shuffled over the rows, which cuts its tie to the target and to the other
 * columns and leaves its own distribution as it is (Breiman 2001; model-agnostic in Fisher, Rudin & Dominici 2019).
 *
 * `score` gets all columns, one of them shuffled, and gives a number where larger is better (take the negative of a loss), or a promise of one. It is called once with the
 * columns as they are and `repeats` times for each, one call after the other. The columns are copies and the same ones on every call: it must neither change nor keep them.
 *
 * The interval is Student's for the mean over shuffles of these rows; it does not tell how the importance would differ on other rows. Columns that say the same share
 * their importance, each standing in for the other. Values are taken as they are, NaN among them. No column gives an empty list; no rows what `score` makes of
 * them. Costs 1 + columns · repeats scores.
 *
 * @throws {ValidationError} when the columns differ in length, `repeats` is under 1, or a level or seed is none. What `score` throws passes through.
 *
 * @example
 * ```ts
 * import { permutationImportance } from 'modelkeep/stats';
 *
 * const used = [1, 2, 3, 4, 5, 6, 7, 8];
 * const unused = [3, 1, 4, 1, 5, 9, 2, 6];
 * const target = used.map((value) => 2 * value);
 * const { columns } = await permutationImportance([used, unused], ([x]) => -target.reduce((sum, t, i) => sum + (t - 2 * x![i]!) ** 2, 0));
 * console.log(columns[0]!.value > 0, columns[1]!.value); // true 0
 * ```
 */
export async function permutationImportance(
  columns: readonly ArrayLike<number>[],
  score: (columns: readonly Float64Array[]) => number | Promise<number>,
  options: PermutationImportanceOptions = {},
): Promise<PermutationImportanceResult> {
  const { repeats = 5, confidence = 0.95, seed = 1, signal } = demandOptions(options);
  demandWhole('repeats', repeats, 1);
  demandLevel('confidence', confidence);
  demandList('columns', columns);
  demandFunction('score', score);
  const given = Array.from(columns);
  given.forEach((column, i) => demandSameLength('columns[0]', given[0]!, `columns[${i}]`, column));
  if (signal !== undefined && typeof (signal as Partial<AbortSignal> | null)?.throwIfAborted !== 'function') {
    throw new ValidationError(`signal is ${shown(signal, 60)}; it must be the signal of an AbortController.`, { path: 'signal' });
  }
  const generator = new SeededGenerator(seed);
  const own = given.map((column) => numbersOf(column).slice());
  signal?.throwIfAborted();
  const baseline = await score(own);
  const results: ColumnImportance[] = [];
  for (let c = 0; c < own.length; c++) {
    const shuffled = own[c]!.slice();
    const changed = own.map((column, i) => (i === c ? shuffled : column));
    const drops: number[] = [];
    for (let repeat = 0; repeat < repeats; repeat++) {
      signal?.throwIfAborted();
      shuffle(shuffled, generator);
      drops.push(baseline - (await score(changed)));
    }
    results.push(summary(drops, confidence));
  }
  return { baseline, columns: results };
}

function shuffle(values: Float64Array, generator: SeededGenerator): void {
  for (let i = values.length - 1; i > 0; i--) {
    const j = generator.below(i + 1);
    const value = values[i]!;
    values[i] = values[j]!;
    values[j] = value;
  }
}

function summary(drops: readonly number[], confidence: number): ColumnImportance {
  const n = drops.length;
  const value = drops.reduce((sum, drop) => sum + drop, 0) / n;
  const standardDeviation = n > 1 ? Math.sqrt(drops.reduce((sum, drop) => sum + (drop - value) ** 2, 0) / (n - 1)) : NaN;
  const reach = n > 1 ? (studentT.quantile((1 + confidence) / 2, n - 1) * standardDeviation) / Math.sqrt(n) : NaN;
  return { value, low: value - reach, high: value + reach, standardDeviation, drops };
}
