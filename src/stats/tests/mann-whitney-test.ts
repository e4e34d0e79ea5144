import { demandFlag, demandOneOf, demandOptions } from '../arguments.ts';
import { normal } from '../distributions/normal.ts';
import { SortedSample, demandSample, type Sample } from '../samples/sorted-sample.ts';
import { splitTail } from './split-law.ts';
import type { Alternative, TestResult } from './test-result.ts';
import { forEachTieGroup, tieGroupSizes } from './tie-groups.ts';

/** How {@link mannWhitneyTest} asks its question. */
export interface MannWhitneyOptions {
  /** `greater` when the first sample's values tend to be larger. @default 'two-sided' */
  alternative?: Alternative | undefined;
  /** `auto` is exact where that takes at most about 0.1 s (n·m up to some 4,000 with few ties) and asymptotic elsewhere; `exact` goes on to some seconds. @default 'auto' */
  method?: 'auto' | 'exact' | 'asymptotic' | undefined;
  /** Whether the asymptotic method moves U half a step towards its mean. @default true */
  continuity?: boolean | undefined;
}

/** What {@link mannWhitneyTest} found. */
export interface MannWhitneyResult extends TestResult {
  /** U of the first sample: how many pairs it wins, ties counted half; 0 to n·m. */
  readonly statistic: number;
  /** The method that gave `pValue`: `asymptotic` also where the exact law was asked for and costs too much. */
  readonly method: 'exact' | 'asymptotic';
  /** U / (n·m), the common-language effect: the probability that a value of the first sample is larger than one of the second, ties half; 0 to 1, NaN when a sample is empty. */
  readonly effect: number;
  /** Whether pooled values were equal; both methods account for that. */
  readonly ties: boolean;
  /** Values of the first sample that took part. */
  readonly n: number;
  /** Values of the second sample that took part. */
  readonly m: number;
  /** NaN and `null` values that were left out of each sample. */
  readonly dropped: readonly [number, number];
}

const autoLimit = 20_000_000;
const exactLimit = 1_000_000_000;

/**
 * The Mann–Whitney U test, or Wilcoxon rank-sum test (Mann & Whitney 1947): do the values of one sample tend to be larger than those of the other?
 *
 * U = #{x > y} + ½ #{x = y} over all pairs. The exact p-value is the share of all splits of the pooled values, given their ties, with a U at least as
 * extreme; two-sided it is twice that on the side where U lies, at most 1. The asymptotic one is normal with the variance n·m/12 · (N + 1 - Σ(t³ - t) / (N(N - 1)))
 * over groups of t ties. Both keep their relative precision in the tails.
 *
 * ±Infinity are the smallest and largest values; NaN is left out and counted. An empty sample gives statistic 0 and p 1; values that are all equal give
 * U = n·m / 2 and p 1. Costs the sort, O(N log N), and the exact law about n²·m² / 2 additions at most. Throws `ValidationError` for an unknown option word.
 *
 * @example
 * ```ts
 * import { mannWhitneyTest } from 'modelkeep/stats';
 *
 * const { statistic, pValue, effect } = mannWhitneyTest([1.2, 3.4, 2.2, 5.1], [4.4, 6.1, 5.9, 7.3], { alternative: 'less' });
 * console.log(statistic, effect); // 1 and 0.0625: one pair of 16
 * console.log(pValue); // 2 of 70 splits
 * ```
 */
export function mannWhitneyTest(x: Sample, y: Sample, options: MannWhitneyOptions = {}): MannWhitneyResult {
  demandSample('x', x);
  demandSample('y', y);
  const { alternative = 'two-sided', method = 'auto', continuity = true } = demandOptions(options);
  demandOneOf('alternative', alternative, ['two-sided', 'greater', 'less']);
  demandOneOf('method', method, ['auto', 'exact', 'asymptotic']);
  demandFlag('continuity', continuity);
  const first = SortedSample.of(x);
  const second = SortedSample.of(y);
  const n = first.sorted.length;
  const m = second.sorted.length;
  const dropped = [first.dropped, second.dropped] as const;
  if (n === 0 || m === 0) return { statistic: 0, pValue: 1, method: 'exact', effect: NaN, ties: false, n, m, dropped };
  let doubled = 0;
  let tieSum = 0;
  forEachTieGroup(first.sorted, second.sorted, (a, b, _i, j) => {
    doubled += a * (2 * j + b);
    const t = a + b;
    tieSum += t * (t * t - 1);
  });
  const side = alternative === 'two-sided' ? (doubled >= n * m ? 'greater' : 'less') : alternative;
  const sides = alternative === 'two-sided' ? 2 : 1;
  const reach = side === 'greater' ? doubled : 2 * n * m - doubled;
  const exact = method === 'asymptotic' ? undefined : exactTail(first.sorted, second.sorted, side, reach, method === 'auto' ? autoLimit : exactLimit);
  const tail = exact ?? asymptoticTail(n, m, reach, tieSum, continuity);
  const found = { statistic: doubled / 2, pValue: Math.min(1, sides * tail), method: exact === undefined ? ('asymptotic' as const) : ('exact' as const) };
  return { ...found, effect: doubled / (2 * n * m), ties: tieSum > 0, n, m, dropped };
}

/** The share of splits whose doubled U, or what it lacks from 2·n·m, is at least `reach`. */
function exactTail(x: Float64Array, y: Float64Array, side: 'greater' | 'less', reach: number, limit: number): number | undefined {
  const n = x.length;
  const m = y.length;
  // Every pair costs one addition for each of many sums: too large samples need not be looked at.
  if (n * m > limit) return undefined;
  const groups = tieGroupSizes(x, y);
  // States are kept per value of the first sample, so the smaller one goes first.
  const swapped = m < n;
  return splitTail(
    swapped ? m : n,
    swapped ? n : m,
    groups,
    swapped === (side === 'greater') ? (i, _j, a, b) => b * (2 * i + a) : (_i, j, a, b) => a * (2 * j + b),
    reach,
    limit,
  );
}

function asymptoticTail(n: number, m: number, reach: number, tieSum: number, continuity: boolean): number {
  const total = n + m;
  const variance = ((n * m) / 12) * (total + 1 - tieSum / (total * (total - 1)));
  if (!(variance > 0)) return 1;
  return normal.sf((reach / 2 - (n * m) / 2 - (continuity ? 0.5 : 0)) / Math.sqrt(variance));
}
