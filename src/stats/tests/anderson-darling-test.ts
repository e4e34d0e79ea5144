import { ValidationError } from '../../core/errors.ts';
import { shown } from '../../core/shown.ts';
import { demandOptions, demandWhole } from '../arguments.ts';
import { SortedSample, demandSample, type Sample } from '../samples/sorted-sample.ts';
import { SeededGenerator } from '../seeded-generator.ts';
import type { TestResult } from './test-result.ts';

/** How {@link andersonDarlingKSampleTest} computes its p-value. */
export interface AndersonDarlingOptions {
  /** Random reassignments for a permutation p-value, at least 1, which knows no bounds but 1 / (1 + resamples); without, the published table is used. @default undefined */
  resamples?: number | undefined;
  /** The seed of the reassignments, a whole number below 2^32. @default 1 */
  seed?: number | undefined;
}

/** What {@link andersonDarlingKSampleTest} found. */
export interface AndersonDarlingResult extends TestResult {
  /** (A² - (k - 1)) / σ, the standardised statistic: about 0 with a standard deviation of 1 where the samples come from one distribution. */
  readonly statistic: number;
  /** From the table 0.001 to 0.25, see `pValueBound`; by permutation 1 / (1 + resamples) to 1. */
  readonly pValue: number;
  readonly method: 'table' | 'permutation';
  /** `floor` where the true p-value is below the table's smallest, 0.001, and `pValue` is that; `ceiling` where it is above the table's largest, 0.25. */
  readonly pValueBound: 'none' | 'floor' | 'ceiling';
  /** Critical values of the statistic at the levels 0.25, 0.1, 0.05, 0.025, 0.01, 0.005 and 0.001; empty where there was too little to compare. */
  readonly criticalValues: readonly number[];
  /** Values of each sample that took part. */
  readonly sizes: readonly number[];
  /** NaN and `null` values that were left out of each sample. */
  readonly dropped: readonly number[];
}

/** The levels of the published table. */
const levels = [0.25, 0.1, 0.05, 0.025, 0.01, 0.005, 0.001];

/** Coefficients of the critical values in 1, 1/√(k - 1) and 1/(k - 1): table 2 of Scholz & Stephens (1987). */
const table = [
  [0.675, 1.281, 1.645, 1.96, 2.326, 2.573, 3.085],
  [-0.245, 0.25, 0.678, 1.149, 1.822, 2.364, 3.615],
  [-0.105, -0.305, -0.362, -0.391, -0.396, -0.345, -0.154],
] as const;

/**
 * The Anderson–Darling test of k samples (Scholz & Stephens 1987, the midrank version, eq. 7): do all come from one distribution? It weighs differences in the
 * tails most.
 *
 * A² = (N-1)/N Σᵢ 1/nᵢ Σⱼ lⱼ/N (N·Mᵢⱼ - nᵢ·Bⱼ)² / (Bⱼ(N - Bⱼ) - N·lⱼ/4) over the distinct pooled values, standardised by its exact variance. The p-value comes from a quadratic
 * through the logarithms of the published levels, and is held within them: [0.001, 0.25] (as in scipy). `resamples` gives (1 + #{A²* ≥ A²}) / (1 + resamples)
 * instead, which is honest for small samples and ties and beyond the table.
 *
 * ±Infinity are the smallest and largest values; NaN is left out and counted; an empty sample is passed over. Fewer than two samples with values, fewer than four
 * values, or values that are all equal give statistic 0 and p 1. O(N log N + N·k), with resamples O(N) for each. Throws `ValidationError` for fewer than two samples.
 *
 * @example
 * ```ts
 * import { andersonDarlingKSampleTest } from 'modelkeep/stats';
 *
 * const { statistic, pValue } = andersonDarlingKSampleTest([[1, 2, 3, 4], [2, 3, 4, 5], [3, 4, 5, 6]]);
 * console.log(statistic, pValue); // about 0.66 and 0.20
 * ```
 */
export function andersonDarlingKSampleTest(samples: readonly Sample[], options: AndersonDarlingOptions = {}): AndersonDarlingResult {
  const { resamples, seed = 1 } = demandOptions(options);
  if (resamples !== undefined) demandWhole('resamples', resamples, 1);
  const generator = new SeededGenerator(seed);
  const given: unknown = samples;
  if (!Array.isArray(given)) throw new ValidationError(`samples is ${shown(given, 60)}; it must be a list of at least two samples.`, { path: 'samples' });
  if (samples.length < 2) throw new ValidationError(`samples has length ${samples.length}; give at least two samples to compare.`, { path: 'samples' });
  samples.forEach((sample, i) => demandSample(`samples[${i}]`, sample));
  const prepared = samples.map((sample) => SortedSample.of(sample));
  const common = { sizes: prepared.map(({ sorted }) => sorted.length), dropped: prepared.map(({ dropped }) => dropped) };
  const method = resamples === undefined ? 'table' : 'permutation';
  const filled = prepared.map(({ sorted }) => sorted).filter((sorted) => sorted.length > 0);
  const pooled = pool(filled);
  if (filled.length < 2 || pooled.ends.length < 2 || pooled.labels.length < 4) {
    return { statistic: 0, pValue: 1, method, pValueBound: 'none', criticalValues: [], ...common };
  }
  const observed = pooledStatistic(pooled);
  const degrees = filled.length - 1;
  const statistic = (observed - degrees) / Math.sqrt(varianceOf(pooled.sizes));
  const criticalValues = levels.map((_, i) => table[0][i]! + table[1][i]! / Math.sqrt(degrees) + table[2][i]! / degrees);
  if (resamples !== undefined) {
    const pValue = permutationShare(pooled, observed, resamples, generator);
    return { statistic, pValue, method, pValueBound: 'none', criticalValues, ...common };
  }
  return { statistic, ...tableValue(statistic, criticalValues), method, criticalValues, ...common };
}

interface Pooled {
  /** Which sample each pooled value is of, in ascending order of the values. */
  readonly labels: Uint32Array;
  /** Where each group of equal values ends. */
  readonly ends: readonly number[];
  readonly sizes: readonly number[];
}

function pool(samples: readonly Float64Array[]): Pooled {
  const sizes = samples.map((sample) => sample.length);
  const labels = new Uint32Array(sizes.reduce((sum, size) => sum + size, 0));
  const at = new Uint32Array(samples.length);
  const ends: number[] = [];
  let filled = 0;
  while (filled < labels.length) {
    let value = Infinity;
    for (let s = 0; s < samples.length; s++) {
      const next = samples[s]![at[s]!];
      if (next !== undefined && next < value) value = next;
    }
    for (let s = 0; s < samples.length; s++) {
      while (samples[s]![at[s]!] === value) {
        labels[filled++] = s;
        at[s]!++;
      }
    }
    ends.push(filled);
  }
  return { labels, ends, sizes };
}

/** A² of Scholz & Stephens' eq. 7. */
function pooledStatistic({ labels, ends, sizes }: Pooled): number {
  const total = labels.length;
  const before = new Float64Array(sizes.length);
  const inGroup = new Float64Array(sizes.length);
  let sum = 0;
  let start = 0;
  for (const end of ends) {
    const ties = end - start;
    const rank = start + ties / 2;
    for (let at = start; at < end; at++) inGroup[labels[at]!]!++;
    let squares = 0;
    for (let s = 0; s < sizes.length; s++) {
      const size = sizes[s]!;
      const difference = total * (before[s]! + inGroup[s]! / 2) - rank * size;
      squares += (difference * difference) / size;
      before[s]! += inGroup[s]!;
      inGroup[s] = 0;
    }
    sum += (ties * squares) / (rank * (total - rank) - (total * ties) / 4);
    start = end;
  }
  return (sum * (total - 1)) / (total * total);
}

/** The variance of A² under the hypothesis without ties: eq. 4. */
function varianceOf(sizes: readonly number[]): number {
  const k = sizes.length;
  let total = 0;
  let inverse = 0;
  for (const size of sizes) {
    total += size;
    inverse += 1 / size;
  }
  let harmonic = 0;
  let double = 0;
  for (let i = total - 1; i >= 1; i--) {
    // harmonic is Σ 1/j over i < j < total.
    if (i <= total - 2) double += harmonic / (total - i);
    harmonic += 1 / i;
  }
  const h = harmonic;
  const g = double;
  const a = (4 * g - 6) * (k - 1) + (10 - 6 * g) * inverse;
  const b = (2 * g - 4) * k * k + 8 * h * k + (2 * g - 14 * h - 4) * inverse - 8 * h + 4 * g - 6;
  const c = (6 * h + 2 * g - 2) * k * k + (4 * h - 4 * g + 6) * k + (2 * h - 6) * inverse + 4 * h;
  const d = (2 * h + 6) * k * k - 4 * h * k;
  return (((a * total + b) * total + c) * total + d) / ((total - 1) * (total - 2) * (total - 3));
}

function tableValue(statistic: number, criticalValues: readonly number[]): { pValue: number; pValueBound: 'none' | 'floor' | 'ceiling' } {
  const largest = levels[0]!;
  const smallest = levels[levels.length - 1]!;
  if (statistic < criticalValues[0]!) return { pValue: largest, pValueBound: 'ceiling' };
  if (statistic > criticalValues[criticalValues.length - 1]!) return { pValue: smallest, pValueBound: 'floor' };
  return { pValue: Math.exp(fittedQuadratic(criticalValues, levels.map(Math.log), statistic)), pValueBound: 'none' };
}

/** The least-squares quadratic through the points, at `at`: by polynomials that are orthogonal over them. */
function fittedQuadratic(xs: readonly number[], ys: readonly number[], at: number): number {
  const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
  const mean = xs.reduce((sum, value) => sum + value, 0) / xs.length;
  const linear = xs.map((value) => value - mean);
  const squares = linear.map((value) => value * value);
  const level = dot(linear, linear) / xs.length;
  const slope = dot(squares, linear) / dot(linear, linear);
  const quadratic = squares.map((value, i) => value - level - slope * linear[i]!);
  const u = at - mean;
  const average = ys.reduce((sum, value) => sum + value, 0) / ys.length;
  return average + (dot(ys, linear) / dot(linear, linear)) * u + (dot(ys, quadratic) / dot(quadratic, quadratic)) * (u * u - level - slope * u);
}

function permutationShare(pooled: Pooled, observed: number, resamples: number, generator: SeededGenerator): number {
  const labels = pooled.labels.slice();
  // The same split can come out a rounding error apart.
  const threshold = observed * (1 - 1e-12);
  let count = 0;
  for (let resample = 0; resample < resamples; resample++) {
    for (let i = labels.length - 1; i > 0; i--) {
      const other = generator.below(i + 1);
      const label = labels[i]!;
      labels[i] = labels[other]!;
      labels[other] = label;
    }
    if (pooledStatistic({ ...pooled, labels }) >= threshold) count++;
  }
  return (1 + count) / (1 + resamples);
}
