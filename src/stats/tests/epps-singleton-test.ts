import { ValidationError } from '../../core/errors.ts';
import { shown } from '../../core/shown.ts';
import { demandList, demandOptions, demandPositive } from '../arguments.ts';
import { chiSquared } from '../distributions/chi-squared.ts';
import { symmetricEigen } from '../multivariate/symmetric-eigen.ts';
import { finiteValues } from '../samples/finite-values.ts';
import { SortedSample, demandSample, type Sample } from '../samples/sorted-sample.ts';
import type { TestResult } from './test-result.ts';

/** How {@link eppsSingletonTest} compares. */
export interface EppsSingletonOptions {
  /** Where the characteristic functions are compared, in units of one over half the pooled interquartile range: one to eight positive numbers. @default [0.4, 0.8] */
  t?: readonly number[] | undefined;
}

/** What {@link eppsSingletonTest} found. */
export interface EppsSingletonResult extends TestResult {
  /** W, at least 0, about χ² with `df` degrees of freedom where both samples come from one distribution. */
  readonly statistic: number;
  /** `corrected` with the factor for samples of fewer than 25 values; `none` where nothing could be compared, with statistic 0 and p 1. */
  readonly method: 'asymptotic' | 'corrected' | 'none';
  /** The rank of the covariance: twice the number of points unless the values are too few or too few are distinct; 0 where nothing could be compared. */
  readonly df: number;
  /** Values of the first sample that took part. */
  readonly n: number;
  /** Values of the second sample that took part. */
  readonly m: number;
  /** NaN, ±Infinity and `null` values that were left out of each sample. */
  readonly dropped: readonly [number, number];
}

/** Eigenvalues below this share of the largest are taken for rounding errors of 0. */
const rankTolerance = 1e-12;

/** Fewer values than this say nothing about a covariance of four. */
const fewest = 5;

/**
 * The Epps–Singleton test (Epps & Singleton 1986; Goerg & Kaiser 2009): are the empirical characteristic functions of two samples equal at a few points? It
 * needs no continuous values, so it suits counts and ties, and often sees more than Kolmogorov–Smirnov.
 *
 * W = N·dᵀ S⁺ d, where d is the difference of the mean cosines and sines at t / (half the pooled interquartile range, by linear interpolation), S = N/n·Cov(x) + N/m·Cov(y), S⁺
 * its pseudo-inverse. Where both samples have fewer than 25 values, W is multiplied by 1 / (1 + N^-0.45 + 10.1 (n^-1.7 + m^-1.7)).
 *
 * NaN and ±Infinity are left out and counted. Fewer than five values on a side, or a pooled interquartile range of 0 (constants, or most values equal), leave
 * nothing to compare: statistic 0, p 1, method `none`. O(N log N). Throws `ValidationError` for a `t` that is not one to eight positive numbers.
 *
 * @example
 * ```ts
 * import { eppsSingletonTest } from 'modelkeep/stats';
 *
 * const { statistic, pValue, df } = eppsSingletonTest([0, 0, 0, 1, 1, 1, 2, 2, 2, 3], [1, 1, 2, 2, 2, 3, 3, 3, 3, 4]);
 * console.log(statistic, df, pValue); // about 5.15, 4 and 0.27
 * ```
 */
export function eppsSingletonTest(x: Sample, y: Sample, options: EppsSingletonOptions = {}): EppsSingletonResult {
  const { t = [0.4, 0.8] } = demandOptions(options);
  demandPoints(t);
  demandSample('x', x);
  demandSample('y', y);
  const first = finiteOf(x);
  const second = finiteOf(y);
  const n = first.values.length;
  const m = second.values.length;
  const common = { n, m, dropped: [first.dropped, second.dropped] as const };
  const nothing = { statistic: 0, pValue: 1, method: 'none', df: 0, ...common } as const;
  if (n < fewest || m < fewest) return nothing;
  const { median, halfRange, unit } = pooledScale(first.values, second.values);
  if (!(halfRange > 0)) return nothing;
  const standard = (value: number): number => (value / unit - median) / halfRange;
  const a = waveMoments(first.values, standard, t);
  const b = waveMoments(second.values, standard, t);
  const total = n + m;
  const size = 2 * t.length;
  const covariance = a.covariance.map((value, i) => (total / n) * value + (total / m) * b.covariance[i]!);
  const { values, vectors } = symmetricEigen(covariance, size);
  let sum = 0;
  let df = 0;
  for (; df < size && values[df]! > rankTolerance * values[0]!; df++) {
    let along = 0;
    for (let k = 0; k < size; k++) along += vectors[df * size + k]! * (a.mean[k]! - b.mean[k]!);
    sum += (along * along) / values[df]!;
  }
  if (df === 0) return nothing;
  const small = Math.max(n, m) < 25;
  const statistic = (total * sum) / (small ? 1 + total ** -0.45 + 10.1 * (n ** -1.7 + m ** -1.7) : 1);
  return { statistic, pValue: chiSquared.sf(statistic, df), method: small ? 'corrected' : 'asymptotic', df, ...common };
}

function demandPoints(t: readonly number[]): void {
  const given: unknown = t;
  if (!Array.isArray(given) && !ArrayBuffer.isView(given)) throw new ValidationError(`t is ${shown(given, 60)}; it must be a list of one to eight positive numbers.`, { path: 't' });
  demandList('t', t);
  if (t.length < 1 || t.length > 8) throw new ValidationError(`t has length ${t.length}; give one to eight points.`, { path: 't' });
  for (let i = 0; i < t.length; i++) demandPositive(`t[${i}]`, t[i]!);
}

function finiteOf(sample: Sample): { values: Float64Array; dropped: number } {
  if (!(sample instanceof SortedSample)) return finiteValues(sample);
  const { values, dropped } = finiteValues(sample.sorted);
  return { values, dropped: dropped + sample.dropped };
}

/** Median and half interquartile range of all values over `unit`, which keeps the range of extreme ones finite. */
function pooledScale(x: Float64Array, y: Float64Array): { median: number; halfRange: number; unit: number } {
  const pooled = new Float64Array(x.length + y.length);
  pooled.set(x);
  pooled.set(y, x.length);
  pooled.sort();
  const unit = pooled[pooled.length - 1]! - pooled[0]! === Infinity ? 4 : 1;
  const quantile = (q: number): number => {
    const position = (pooled.length - 1) * q;
    const below = Math.floor(position);
    const value = pooled[below]! / unit;
    return value + (position - below) * (pooled[Math.min(below + 1, pooled.length - 1)]! / unit - value);
  };
  return { median: quantile(0.5), halfRange: (quantile(0.75) - quantile(0.25)) / 2, unit };
}

/** A phase so far out says nothing, but must have a cosine. */
function clamped(value: number): number {
  return Math.max(-1e300, Math.min(1e300, value));
}

/** Mean and covariance (over n) of the cosines and sines at each point, row by row (Welford). The test does not depend on where 0 is, so phases are taken from the median. */
function waveMoments(values: Float64Array, standard: (value: number) => number, t: readonly number[]): { mean: Float64Array; covariance: Float64Array } {
  const size = 2 * t.length;
  const mean = new Float64Array(size);
  const covariance = new Float64Array(size * size);
  const before = new Float64Array(size);
  for (let at = 0; at < values.length; at++) {
    const z = standard(values[at]!);
    for (let k = 0; k < size; k++) {
      const phase = clamped(t[k >> 1]! * z);
      before[k] = (k & 1 ? Math.sin(phase) : Math.cos(phase)) - mean[k]!;
    }
    const share = at / (at + 1);
    for (let k = 0; k < size; k++) {
      mean[k]! += before[k]! / (at + 1);
      for (let l = 0; l <= k; l++) covariance[k * size + l]! += share * before[k]! * before[l]!;
    }
  }
  for (let k = 0; k < size; k++) {
    for (let l = 0; l <= k; l++) {
      covariance[k * size + l]! /= values.length;
      covariance[l * size + k] = covariance[k * size + l]!;
    }
  }
  return { mean, covariance };
}
