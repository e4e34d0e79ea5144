import { demandOneOf, demandOptions } from '../arguments.ts';
import { cramerVonMisesLimit } from '../distributions/cramer-von-mises-limit.ts';
import { SortedSample, demandSample, type Sample } from '../samples/sorted-sample.ts';
import { splitTail, type GroupCost } from './split-law.ts';
import type { TestResult } from './test-result.ts';
import { forEachTieGroup, tieGroupSizes } from './tie-groups.ts';

/** How {@link cramerVonMisesTest} computes its p-value. */
export interface CramerVonMisesOptions {
  /** `auto` is exact where that takes at most about 0.1 s (sizes up to about 30, and 80 where both are equal) and asymptotic elsewhere; `exact` goes on to some seconds. @default 'auto' */
  method?: 'auto' | 'exact' | 'asymptotic' | undefined;
  /** How the exact method treats equal values: by their exact conditional law, or as if all were different (scipy's rule). @default 'exact' */
  ties?: 'exact' | 'ignore' | undefined;
}

/** What {@link cramerVonMisesTest} found. */
export interface CramerVonMisesResult extends TestResult {
  /** T, at least 0. */
  readonly statistic: number;
  /** The method that gave `pValue`: `asymptotic` also where the exact law was asked for and costs too much. */
  readonly method: 'exact' | 'asymptotic';
  /** T with the mean and variance of the limit law, from which the asymptotic p-value is taken. */
  readonly normalised: number;
  /** Whether equal pooled values were accounted for: the limit law is that without ties. */
  readonly ties: 'none' | 'exact' | 'ignored';
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
 * The two-sample Cramér–von Mises test (Anderson 1962): do both samples come from one distribution? It gathers the difference along the whole range, where
 * Kolmogorov–Smirnov looks at the widest gap.
 *
 * T = n·m/N² Σ (F(z) - G(z))² over the pooled values; with ties by midranks, U/(n·m·N) - (4n·m - 1)/(6N) as in scipy. The exact p-value is the share of
 * all splits of the pooled values with a T at least as large, given their ties. The asymptotic one is the limit law's at T with its mean and variance put right for the
 * sizes. Both keep their relative precision in the tails.
 *
 * ±Infinity are the smallest and largest values; NaN is left out and counted. An empty sample, or values that are all equal, give statistic 0 and p 1.
 * Costs the sort, O(N log N), and the exact law as much as `method` says. Throws `ValidationError` for an unknown option word.
 *
 * @example
 * ```ts
 * import { cramerVonMisesTest } from 'modelkeep/stats';
 *
 * const { statistic, pValue, method } = cramerVonMisesTest([1, 2, 3, 4, 5, 6, 7, 8], [9, 10, 11, 12, 13, 14, 15, 16]);
 * console.log(statistic, method); // 1.34375, exact
 * console.log(pValue); // 2 of 12,870 splits
 * ```
 */
export function cramerVonMisesTest(x: Sample, y: Sample, options: CramerVonMisesOptions = {}): CramerVonMisesResult {
  demandSample('x', x);
  demandSample('y', y);
  const { method = 'auto', ties = 'exact' } = demandOptions(options);
  demandOneOf('method', method, ['auto', 'exact', 'asymptotic']);
  demandOneOf('ties', ties, ['exact', 'ignore']);
  const first = SortedSample.of(x);
  const second = SortedSample.of(y);
  const n = first.sorted.length;
  const m = second.sorted.length;
  const common = { n, m, dropped: [first.dropped, second.dropped] as const };
  const cost = groupCost(n, m);
  let sum = 0;
  let groups = 0;
  forEachTieGroup(first.sorted, second.sorted, (a, b, i, j) => {
    sum += cost(i, j, a, b);
    groups++;
  });
  const tied = groups < n + m;
  if (n === 0 || m === 0 || groups < 2) return { statistic: 0, pValue: 1, method: 'exact', normalised: 0, ties: tied ? 'exact' : 'none', ...common };
  const statistic = sum / (4 * (n + m) ** 2 * n * m);
  const normalised = normalise(statistic, n, m);
  const limit = method === 'auto' ? autoLimit : exactLimit;
  const exact = method === 'asymptotic' || n * m > limit ? undefined : exactTail(first.sorted, second.sorted, sum, tied && ties === 'exact', limit);
  if (exact !== undefined) return { statistic, pValue: exact, method: 'exact', normalised, ties: !tied ? 'none' : ties === 'exact' ? 'exact' : 'ignored', ...common };
  return { statistic, pValue: cramerVonMisesLimit.sf(normalised), method: 'asymptotic', normalised, ties: tied ? 'ignored' : 'none', ...common };
}

/**
 * What a group adds to 4N²·n·m·T. A single value adds 4 (i·m - j·n)², taken after it. A group of ties adds what its values would in the order first sample, second sample, and
 * what the midranks differ from those ranks.
 */
function groupCost(n: number, m: number): GroupCost {
  return (i, j, a, b) => {
    const before = i * m - j * n;
    const ordered = 4 * (squares(before, m, a) + squares(before + a * m, -n, b));
    if (a + b === 1) return ordered;
    const t = a + b;
    return ordered + (n + m) * (n * spread(t, a) + m * (spread(t, b) - 4 * a * a * b) - 4 * a * b * before);
  };
}

/** Σ (start + k·step)² for k from 1 to `count`. */
function squares(start: number, step: number, count: number): number {
  return count * start * start + start * step * count * (count + 1) + (step * step * count * (count + 1) * (2 * count + 1)) / 6;
}

/** Σ (t + 1 - 2k)² for k from 1 to `count`. */
function spread(t: number, count: number): number {
  return squares(t + 1, -2, count);
}

/** Anderson (1962): the limit law has the mean 1/6 and the variance 1/45. */
function normalise(statistic: number, n: number, m: number): number {
  const total = n + m;
  const mean = (1 + 1 / total) / 6;
  const variance = ((total + 1) * (4 * n * m * total - 3 * (n * n + m * m) - 2 * n * m)) / (45 * total * total * 4 * n * m);
  // One value against one: T is always 1/4.
  return variance > 0 ? 1 / 6 + (statistic - mean) / Math.sqrt(45 * variance) : 0;
}

function exactTail(x: Float64Array, y: Float64Array, sum: number, withTies: boolean, limit: number): number | undefined {
  const groups = withTies ? tieGroupSizes(x, y) : new Array<number>(x.length + y.length).fill(1);
  // T is the same whichever sample is the first; states are kept per value of it.
  const n = Math.min(x.length, y.length);
  const m = Math.max(x.length, y.length);
  return splitTail(n, m, groups, groupCost(n, m), sum, limit);
}
