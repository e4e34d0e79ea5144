import { demandLevel, demandOptions, demandWhole } from '../arguments.ts';
import { drawIndex } from '../resampling/draw-index.ts';
import { quantileSorted } from '../samples/quantile-sorted.ts';
import { finiteValues } from '../samples/finite-values.ts';
import { safeScale } from '../samples/sample-moments.ts';
import { SeededGenerator } from '../seeded-generator.ts';
import type { EffectSize } from './effect-size.ts';
import { smallerCounts } from './midranks.ts';

/** How the interval of {@link standardizedWasserstein} is found. */
export interface StandardizedWassersteinOptions {
  /** How often the interval covers the distance of the populations, above 0 and below 1. @default 0.95 */
  confidence?: number | undefined;
  /** How many times both samples are drawn anew. @default 1000 */
  resamples?: number | undefined;
  /** Seed of the draws, a whole number of 0 to 2^32 - 1. @default 1 */
  seed?: number | undefined;
}

/**
 * The Wasserstein distance ∫ |F - G| of two samples in standard deviations of the first (with n - 1): how far values moved on average, in units of how far the reference
 * spreads. 0 when the samples distribute alike; a shift by δ gives |δ| / s.
 *
 * The interval is the basic bootstrap one (Davison & Hinkley 1997): 2·value less the quantiles of the values of samples drawn anew from both, at least 0. Chance alone makes
 * every distance of samples too large, once more in the draws; this interval takes that off, so that it begins at 0 when nothing may have changed.
 *
 * NaN and infinite values are left out and counted. An empty side, or a first sample of fewer than two values or of one constant, gives NaN. Costs
 * O((n + m) log(n + m)) and O(resamples · (n + m)), some seconds for two samples of 30 000.
 *
 * @throws {ValidationError} when `resamples` is not at least 1, or a level or seed is none.
 *
 * @example
 * ```ts
 * import { standardizedWasserstein } from 'modelkeep/stats';
 *
 * const reference = Float64Array.from({ length: 200 }, (_, i) => i % 20);
 * const current = reference.map((value) => value + 5);
 * const { value, low, high } = standardizedWasserstein(reference, current);
 * console.log(value.toFixed(2), low < value && value < high); // 0.86 true
 * ```
 */
export function standardizedWasserstein(x: ArrayLike<number>, y: ArrayLike<number>, options: StandardizedWassersteinOptions = {}): EffectSize {
  const { confidence = 0.95, resamples = 1000, seed = 1 } = demandOptions(options);
  demandLevel('confidence', confidence);
  demandWhole('resamples', resamples, 1);
  const generator = new SeededGenerator(seed);
  const first = finiteValues(x, 'x');
  const second = finiteValues(y, 'y');
  const n = first.values.length;
  const m = second.values.length;
  const result = (value: number, low: number, high: number): EffectSize => {
    return { value, low, high, confidence, method: 'basic bootstrap', n, m, dropped: [first.dropped, second.dropped] };
  };
  if (n < 2 || m === 0) return result(NaN, NaN, NaN);
  const pooled = pool(first.values, second.values);
  const counts = { x: new Float64Array(pooled.values.length), y: new Float64Array(pooled.values.length) };
  for (let i = 0; i < n; i++) counts.x[pooled.places[i]!]!++;
  for (let i = n; i < n + m; i++) counts.y[pooled.places[i]!]!++;
  const value = distance(pooled.values, counts.x, counts.y, n, m);
  const replicates = new Float64Array(resamples);
  let kept = 0;
  for (let b = 0; b < resamples; b++) {
    counts.x.fill(0);
    counts.y.fill(0);
    for (let i = 0; i < n; i++) counts.x[pooled.places[drawIndex(n, generator)]!]!++;
    for (let i = 0; i < m; i++) counts.y[pooled.places[n + drawIndex(m, generator)]!]!++;
    const replicate = distance(pooled.values, counts.x, counts.y, n, m);
    // A draw of the first sample that is one constant has no unit.
    if (Number.isFinite(replicate)) replicates[kept++] = replicate;
  }
  if (Number.isNaN(value) || kept === 0) return result(value, value, value);
  const sorted = replicates.subarray(0, kept).sort();
  const tail = (1 - confidence) / 2;
  return result(value, Math.max(0, 2 * value - quantileSorted(sorted, 1 - tail)), Math.max(0, 2 * value - quantileSorted(sorted, tail)));
}

/** The distinct values of both samples, ascending and scaled, and where each value of the first and then of the second is among them. */
function pool(x: Float64Array, y: Float64Array): { values: Float64Array; places: Uint32Array } {
  const scale = safeScale(x, y);
  const all = new Float64Array(x.length + y.length);
  all.set(x);
  all.set(y, x.length);
  for (let i = 0; i < all.length; i++) all[i]! *= scale;
  const values = all.slice().sort().filter((value, k, sorted) => k === 0 || value !== sorted[k - 1]);
  return { values, places: Uint32Array.from(smallerCounts(all, values)) };
}

/** ∫ |F - G| over the standard deviation of the first, both given as counts of the distinct values; NaN where that is 0. */
function distance(values: Float64Array, x: Float64Array, y: Float64Array, n: number, m: number): number {
  let area = 0;
  let i = 0;
  let j = 0;
  let sum = 0;
  const origin = values[values.length >> 1]!;
  for (let k = 0; k < values.length; k++) {
    if (k > 0) area += Math.abs(i / n - j / m) * (values[k]! - values[k - 1]!);
    i += x[k]!;
    j += y[k]!;
    sum += x[k]! * (values[k]! - origin);
  }
  const mean = sum / n;
  let squares = 0;
  for (let k = 0; k < values.length; k++) {
    const deviation = values[k]! - origin - mean;
    squares += x[k]! * deviation * deviation;
  }
  const sd = Math.sqrt(squares / (n - 1));
  let constant = false;
  for (let k = 0; k < values.length && !constant; k++) if (x[k]! === n) constant = true;
  return sd > 0 && !constant ? area / sd : NaN;
}
