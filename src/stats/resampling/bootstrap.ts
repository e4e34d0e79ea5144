import { ValidationError } from '../../core/errors.ts';
import { demandFlag, demandFunction, demandLevel, demandList, demandOneOf, demandOptions, demandSameLength, demandWhole } from '../arguments.ts';
import { normal } from '../distributions/normal.ts';
import { SeededGenerator } from '../seeded-generator.ts';
import { drawIndex } from './draw-index.ts';
import { acceleration } from './jackknife.ts';
import { quantileSorted } from '../samples/quantile-sorted.ts';
import { safeScale, sampleMoments } from '../samples/sample-moments.ts';

/** How {@link bootstrap} draws and what it makes of the draws. */
export interface BootstrapOptions {
  /** How many times the samples are drawn anew. @default 2000 */
  resamples?: number | undefined;
  /** How often the interval covers the statistic of the population, above 0 and below 1. @default 0.95 */
  confidence?: number | undefined;
  /** `bca` corrects the interval for bias and for a spread that changes with the value (Efron 1987); `percentile` takes the quantiles of the draws as they are. @default 'bca' */
  method?: 'bca' | 'percentile' | undefined;
  /** Whether the samples are columns of one table, whose rows are drawn together. @default false */
  paired?: boolean | undefined;
  /** One label per row of a single sample or of paired ones: rows are drawn within each label, so that its share stays as it is. @default undefined */
  strata?: ArrayLike<unknown> | undefined;
  /** Seed of the draws, a whole number of 0 to 2^32 - 1. @default 1 */
  seed?: number | undefined;
}

/** What {@link bootstrap} found. */
export interface BootstrapResult {
  /** The statistic of the samples themselves. */
  readonly value: number;
  /** Lower end of the interval; NaN where the statistic is. */
  readonly low: number;
  /** Upper end of the interval; NaN where the statistic is. */
  readonly high: number;
  /** Standard deviation of the statistic over the draws. */
  readonly standardError: number;
  /** Mean over the draws less `value`. */
  readonly bias: number;
  /** How often the interval covers the statistic of the population, above 0 and below 1. */
  readonly confidence: number;
  /** Draws whose statistic is finite: those that count. */
  readonly resamples: number;
  /** Draws whose statistic is NaN or infinite, which were left out. */
  readonly failed: number;
  /** How many values, or rows of paired samples, were left out. */
  readonly dropped: number;
  /** How the interval was found; `percentile` also where `bca` was asked for and fewer than three values leave nothing to correct by. */
  readonly method: 'bca' | 'percentile';
}

/**
 * An interval for any statistic of one sample, of several independent samples, or of the rows of paired ones, from samples drawn anew with replacement (Efron 1979).
 *
 * `bca` shifts the quantiles by z₀, from the share of draws below the value (ties count half), and by the acceleration, from the jackknife (up to 1000 values each
 * in turn, more in 500 groups): Efron (1987). Its error falls as 1/n, that of `percentile` as 1/√n. Neither is to be trusted for a maximum or for under about ten values.
 *
 * The statistic gets a `Float64Array` per sample, the same ones on every call, filled anew: it may change them and must not keep them. NaN and infinite values (rows, where
 * paired) are left out and counted. Draws whose statistic is not finite are left out and counted; where the statistic of the samples themselves is not, the interval is
 * NaN. A statistic that is the same in every draw gives an interval of that one value. Costs `resamples` statistics and at most 1000 more per sample.
 *
 * @throws {ValidationError} when `resamples` is under 1, paired samples or `strata` differ in length, `strata` go with independent samples, or a word, level or seed is none.
 *
 * @example
 * ```ts
 * import { bootstrap } from 'modelkeep/stats';
 *
 * const mean = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0) / values.length;
 * const { value, low, high } = bootstrap([2, 3, 5, 7, 11, 13, 17, 19, 23, 29], mean, { seed: 7 });
 * console.log(value, low < value && value < high); // 12.9 true
 *
 * const difference = bootstrap([[5, 6, 7, 8, 9], [1, 2, 3, 4, 5]], (x, y) => mean(x) - mean(y));
 * console.log(difference.value); // 4
 * ```
 */
export function bootstrap(samples: ArrayLike<number>, statistic: (values: Float64Array) => number, options?: BootstrapOptions): BootstrapResult;
export function bootstrap(samples: readonly ArrayLike<number>[], statistic: (...samples: Float64Array[]) => number, options?: BootstrapOptions): BootstrapResult;
export function bootstrap(samples: ArrayLike<number> | readonly ArrayLike<number>[], statistic: (...samples: never[]) => number, options: BootstrapOptions = {}): BootstrapResult {
  const { resamples = 2000, confidence = 0.95, method = 'bca', paired = false, strata, seed = 1 } = demandOptions(options);
  demandWhole('resamples', resamples, 1, 2 ** 31);
  demandLevel('confidence', confidence);
  demandOneOf('method', method, ['bca', 'percentile']);
  demandFlag('paired', paired);
  demandList('samples', samples);
  demandFunction('statistic', statistic);
  const generator = new SeededGenerator(seed);
  const given = isListOfSamples(samples) ? samples : [samples];
  const together = paired || given.length === 1;
  if (strata !== undefined && !together) throw new ValidationError('strata go with one sample or with paired ones; draw each of several samples by itself.', { path: 'strata' });
  if (strata !== undefined) demandSameLength('samples', given[0] ?? [], 'strata', strata);
  if (together) given.forEach((sample, i) => demandSameLength('samples[0]', given[0]!, `samples[${i}]`, sample));
  const { columns, groups, dropped } = together ? completeRows(given, strata) : finiteSamples(given);
  const buffers = columns.map((column) => new Float64Array(column.length));
  const evaluate = (sizes: readonly number[]): number => {
    return (statistic as unknown as (...samples: Float64Array[]) => number)(...buffers.map((buffer, i) => (buffer.length === sizes[i] ? buffer : buffer.subarray(0, sizes[i]))));
  };
  const sizes = columns.map((column) => column.length);
  columns.forEach((column, i) => buffers[i]!.set(column));
  const value = evaluate(sizes);
  const draws = new Float64Array(resamples);
  let kept = 0;
  for (let b = 0; b < resamples; b++) {
    if (together) drawRows(columns, buffers, groups, generator);
    else for (let i = 0; i < columns.length; i++) drawRows([columns[i]!], [buffers[i]!], [], generator);
    const draw = evaluate(sizes);
    if (Number.isFinite(draw)) draws[kept++] = draw;
  }
  const sorted = draws.subarray(0, kept).sort();
  const spread = spreadOf(sorted);
  const counted = { confidence, resamples: kept, failed: resamples - kept, dropped };
  if (!Number.isFinite(value) || kept === 0) return { value, low: NaN, high: NaN, standardError: spread.sd, bias: spread.mean - value, ...counted, method: 'percentile' };
  const a = method === 'bca' ? acceleration(columns, buffers, together, evaluate, generator) : NaN;
  const corrected = Number.isFinite(a);
  const z0 = corrected ? normal.quantile(shareBelow(sorted, value)) : 0;
  const level = (tail: number): number => {
    const z = z0 + normal.quantile(tail);
    const divisor = 1 - a * z;
    if (divisor <= 0) return tail < 0.5 ? 0 : 1;
    return normal.cdf(z0 + z / divisor);
  };
  const tail = (1 - confidence) / 2;
  const [low, high] = [tail, 1 - tail].map((t) => quantileSorted(sorted, corrected ? level(t) : t)) as [number, number];
  return { value, low, high, standardError: spread.sd, bias: spread.mean - value, ...counted, method: corrected ? 'bca' : 'percentile' };
}

function isListOfSamples(samples: ArrayLike<number> | readonly ArrayLike<number>[]): samples is readonly ArrayLike<number>[] {
  return Array.isArray(samples) && typeof samples[0] === 'object' && samples[0] !== null;
}

interface Columns {
  readonly columns: Float64Array[];
  /** The rows of each stratum; none when all rows are drawn from one pool. */
  readonly groups: Uint32Array[];
  readonly dropped: number;
}

function completeRows(samples: readonly ArrayLike<number>[], strata: ArrayLike<unknown> | undefined): Columns {
  const length = samples[0]?.length ?? 0;
  const rows: number[] = [];
  for (let row = 0; row < length; row++) if (samples.every((sample) => Number.isFinite(sample[row]))) rows.push(row);
  const columns = samples.map((sample) => Float64Array.from(rows, (row) => sample[row]!));
  const byLabel = new Map<unknown, number[]>();
  if (strata !== undefined) {
    rows.forEach((row, place) => {
      const group = byLabel.get(strata[row]);
      if (group === undefined) byLabel.set(strata[row], [place]);
      else group.push(place);
    });
  }
  return { columns, groups: [...byLabel.values()].map((group) => Uint32Array.from(group)), dropped: length - rows.length };
}

function finiteSamples(samples: readonly ArrayLike<number>[]): Columns {
  let dropped = 0;
  const columns = samples.map((sample) => {
    const kept = completeRows([sample], undefined);
    dropped += kept.dropped;
    return kept.columns[0]!;
  });
  return { columns, groups: [], dropped };
}

function drawRows(columns: readonly Float64Array[], buffers: readonly Float64Array[], groups: readonly Uint32Array[], generator: SeededGenerator): void {
  const n = columns[0]?.length ?? 0;
  if (groups.length === 0 && columns.length === 1) {
    const column = columns[0]!;
    const buffer = buffers[0]!;
    for (let i = 0; i < n; i++) buffer[i] = column[drawIndex(n, generator)]!;
    return;
  }
  let at = 0;
  const take = (row: number): void => {
    for (let c = 0; c < columns.length; c++) buffers[c]![at] = columns[c]![row]!;
    at++;
  };
  if (groups.length === 0) for (let i = 0; i < n; i++) take(drawIndex(n, generator));
  for (const group of groups) for (let i = 0; i < group.length; i++) take(group[drawIndex(group.length, generator)]!);
}

/** The share of draws below the value, equal ones by half, kept off 0 and 1 by half a draw. */
function shareBelow(sorted: Float64Array, value: number): number {
  let below = 0;
  let equal = 0;
  for (let i = 0; i < sorted.length; i++) {
    if (sorted[i]! < value) below++;
    else if (sorted[i] === value) equal++;
  }
  const half = 0.5 / sorted.length;
  return Math.max(half, Math.min(1 - half, (below + equal / 2) / sorted.length));
}

function spreadOf(values: Float64Array): { mean: number; sd: number } {
  const scale = safeScale(values);
  const { n, mean, squares } = sampleMoments(values, scale);
  return { mean: mean / scale, sd: n > 1 ? Math.sqrt(squares / (n - 1)) / scale : NaN };
}
