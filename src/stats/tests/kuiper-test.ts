import { SortedSample, demandSample, type Sample } from '../samples/sorted-sample.ts';
import type { TestResult } from './test-result.ts';
import { forEachTieGroup } from './tie-groups.ts';

/** What {@link kuiperTest} found. */
export interface KuiperResult extends TestResult {
  /** V = D⁺ + D⁻, 0 to 1. */
  readonly statistic: number;
  readonly method: 'asymptotic';
  /** Values of the first sample that took part. */
  readonly n: number;
  /** Values of the second sample that took part. */
  readonly m: number;
  /** NaN and `null` values that were left out of each sample. */
  readonly dropped: readonly [number, number];
}

/**
 * Kuiper's two-sample test (Kuiper 1960): V = max(F - G) + max(G - F). It is as sensitive in the tails as at the median, and does not depend on where a
 * circle is cut open, so it suits times of day, weekdays and angles.
 *
 * The p-value is 2 Σ (4j²λ² - 1) exp(-2j²λ²) with λ = (√e + 0.155 + 0.24/√e) V and e = n·m/(n + m) (Stephens 1970; Numerical Recipes), below λ = 1 by its theta
 * transform; it keeps its relative precision in the tail, is an approximation for small samples, and takes no account of ties, which makes it conservative.
 *
 * ±Infinity are the smallest and largest values; NaN is left out and counted. An empty sample, or values that are all equal, give statistic 0 and p 1. O(N log N).
 *
 * @example
 * ```ts
 * import { kuiperTest } from 'modelkeep/stats';
 *
 * const hours = [23.5, 0.2, 1.1, 22.9, 0.7, 23.8, 1.5, 0.4];
 * const others = [11.2, 13.0, 12.4, 14.1, 10.8, 12.9, 11.7, 13.3];
 * console.log(kuiperTest(hours, others).statistic); // 1, wherever the day begins
 * ```
 */
export function kuiperTest(x: Sample, y: Sample): KuiperResult {
  demandSample('x', x);
  demandSample('y', y);
  const first = SortedSample.of(x);
  const second = SortedSample.of(y);
  const n = first.sorted.length;
  const m = second.sorted.length;
  const common = { method: 'asymptotic', n, m, dropped: [first.dropped, second.dropped] } as const;
  if (n === 0 || m === 0) return { statistic: 0, pValue: 1, ...common };
  let above = 0;
  let below = 0;
  forEachTieGroup(first.sorted, second.sorted, (a, b, i, j) => {
    const difference = (i + a) * m - (j + b) * n;
    if (difference > above) above = difference;
    else if (-difference > below) below = -difference;
  });
  const statistic = (above + below) / (n * m);
  const root = Math.sqrt((n * m) / (n + m));
  return { statistic, pValue: kuiperSurvival((root + 0.155 + 0.24 / root) * statistic), ...common };
}

/** The limiting survival function of √e·V. */
function kuiperSurvival(lambda: number): number {
  const square = lambda * lambda;
  let sum = 0;
  if (lambda < 1) {
    if (lambda < 0.1) return 1;
    for (let k = 1; k <= 8; k++) sum += k * k * Math.exp((-k * k * Math.PI ** 2) / (2 * square));
    return Math.max(0, 1 - (Math.sqrt(2 * Math.PI) * Math.PI ** 2 * sum) / (lambda * square));
  }
  for (let j = 1; j <= 8; j++) sum += (4 * j * j * square - 1) * Math.exp(-2 * j * j * square);
  return Math.min(1, 2 * sum);
}
