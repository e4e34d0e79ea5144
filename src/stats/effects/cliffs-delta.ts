import { demandLevel, demandOptions } from '../arguments.ts';
import { normal } from '../distributions/normal.ts';
import { SortedSample, demandSample, type Sample } from '../samples/sorted-sample.ts';
import type { EffectSize } from './effect-size.ts';

/** How sure the interval of {@link cliffsDelta} is. */
export interface CliffsDeltaOptions {
  /** How often the interval covers the effect in the population, above 0 and below 1. @default 0.95 */
  confidence?: number | undefined;
}

/**
 * Cliff's delta, P(X > Y) - P(X < Y) over all pairs of a value of x and one of y: -1 to 1, 0 when neither side tends to be larger. It needs no scale and ignores how far
 * outliers lie out. (δ + 1)/2 is the area under the ROC curve.
 *
 * The interval is the asymmetric one of Cliff (1993) as given by Feng & Cliff (2004), on the unbiased variance of δ, at least (1 - δ²) / (nm - 1); where all pairs
 * point one way, its inner end is ±(k - z²) / (k + z²) for the smaller size k.
 *
 * NaN is left out and counted; infinities are the smallest and largest values. An empty side gives NaN; a side of one value the interval [-1, 1]. Costs
 * O(n log n + m log m), O(n + m) for samples that are sorted already.
 *
 * @throws {ValidationError} when the confidence is not above 0 and below 1.
 *
 * @example
 * ```ts
 * import { cliffsDelta } from 'modelkeep/stats';
 *
 * const { value, low, high } = cliffsDelta([2, 4, 5, 7, 8, 9], [1, 2, 3, 4, 5, 6]);
 * console.log(value.toFixed(3), low.toFixed(2), high.toFixed(2)); // 0.528 -0.11 0.86
 * ```
 */
export function cliffsDelta(x: Sample, y: Sample, options: CliffsDeltaOptions = {}): EffectSize {
  demandSample('x', x);
  demandSample('y', y);
  const { confidence = 0.95 } = demandOptions(options);
  demandLevel('confidence', confidence);
  const first = SortedSample.of(x);
  const second = SortedSample.of(y);
  const n = first.sorted.length;
  const m = second.sorted.length;
  const result = (value: number, low: number, high: number): EffectSize => {
    return { value, low, high, confidence, method: 'Cliff, asymmetric', n, m, dropped: [first.dropped, second.dropped] };
  };
  if (n === 0 || m === 0) return result(NaN, NaN, NaN);
  const byX = dominance(first.sorted, second.sorted);
  const byY = dominance(second.sorted, first.sorted);
  const delta = byX.sum / n / m;
  if (n < 2 || m < 2) return result(delta, -1, 1);
  const z = normal.quantile((1 + confidence) / 2);
  if (Math.abs(delta) === 1) {
    const size = Math.min(n, m);
    const inner = (size - z * z) / (size + z * z);
    return delta > 0 ? result(1, inner, 1) : result(-1, -1, -inner);
  }
  const variance = Math.max(deltaVariance(delta, n, m, byX.squares, byY.squares, byX.unequal), (1 - delta * delta) / (n * m - 1));
  const within = 1 - delta * delta;
  const centre = delta * within;
  const reach = z * Math.sqrt(variance * (within * within + z * z * variance));
  const divisor = within + z * z * variance;
  return result(delta, Math.max(-1, (centre - reach) / divisor), Math.min(1, (centre + reach) / divisor));
}

/** Cliff's unbiased estimate of the variance, from the sums over rows and columns of the table of signs. */
function deltaVariance(delta: number, n: number, m: number, squaresX: number, squaresY: number, unequal: number): number {
  // Σ(d_i. - δ)² = Σ d_i.² - n δ², where d_i. is the mean over the other side.
  const rows = squaresX / (m * m) - n * delta * delta;
  const columns = squaresY / (n * n) - m * delta * delta;
  const cells = unequal / m / n - delta * delta;
  return ((m / n) * rows + (n / m) * columns - cells) / (n - 1) / (m - 1);
}

/** For each value of sorted `a`, how many of sorted `b` are smaller less how many are larger: the sum, the sum of squares, and the number of unequal pairs. */
function dominance(a: Float64Array, b: Float64Array): { sum: number; squares: number; unequal: number } {
  let sum = 0;
  let squares = 0;
  let unequal = 0;
  let smaller = 0;
  let upTo = 0;
  for (let i = 0; i < a.length; i++) {
    const value = a[i]!;
    while (smaller < b.length && b[smaller]! < value) smaller++;
    while (upTo < b.length && b[upTo]! <= value) upTo++;
    const larger = b.length - upTo;
    sum += smaller - larger;
    squares += (smaller - larger) ** 2;
    unequal += smaller + larger;
  }
  return { sum, squares, unequal };
}
