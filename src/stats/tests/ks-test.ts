import { demandOneOf, demandOptions } from '../arguments.ts';
import { SortedSample, demandSample, type Sample } from '../samples/sorted-sample.ts';
import { kolmogorovSurvival, smirnovSurvival } from '../distributions/kolmogorov-smirnov.ts';
import { exactKsSurvival, type KsAlternative } from './ks-exact.ts';
import { gapOf, gapOfSorted, type Gap } from './ks-gap.ts';
import { ksOneSidedTail } from './ks-tail.ts';
import type { TestResult } from './test-result.ts';

/** Above this product of the sample sizes `auto` leaves the exact p-value, whose cost it is, for the asymptotic one. */
const exactKsLimit = 2_000_000;

/** How {@link ksTest} computes its p-value. */
export interface KsOptions {
  /** `auto` is exact while n·m is at most 2,000,000 (about 10 ms), and above it asymptotic but for what is far out in the tail. @default 'auto' */
  method?: 'auto' | 'exact' | 'asymptotic' | undefined;
  /** How the exact method treats equal values: by their exact conditional law, or as if all were different, which is conservative (scipy's rule). @default 'exact' */
  ties?: 'exact' | 'ignore' | undefined;
  /** `greater` asks whether the first sample's distribution function lies above the second's (its values are smaller), `less` the opposite. @default 'two-sided' */
  alternative?: KsAlternative | undefined;
}

/** What {@link ksTest} found. */
export interface KsResult extends TestResult {
  /** The largest difference of the two distribution functions, 0 to 1. */
  readonly statistic: number;
  readonly method: 'exact' | 'asymptotic';
  /** What became of equal values: there were none, the p-value is exact given them, or they were ignored, which is conservative. The asymptotic method ignores them without looking. */
  readonly ties: 'none' | 'exact' | 'ignored';
  /** Values of the first sample that took part. */
  readonly n: number;
  /** Values of the second sample that took part. */
  readonly m: number;
  /** Values of either sample that were left out because they are NaN or no number. */
  readonly dropped: readonly [number, number];
}

/**
 * The two-sample Kolmogorov–Smirnov test: do both samples come from one distribution? The statistic is the largest distance of their distribution functions.
 *
 * The exact p-value is the share of all splits of the pooled values that come at least as far apart, given their ties, by a recursion whose terms are all positive. The asymptotic one is the survival function of the one-sample
 * statistic for round(n·m / (n + m)) values (as scipy has it; Simard & L'Ecuyer 2011), which ignores ties and so is conservative with them; without ties and for equal sizes just above the switch it is up to
 * 4 % (relative) below the exact one at p = 0.05. Both keep their digits in the tails, but the two laws part there (sixteenfold at p = 1e-107 for 1500 values on both sides), so below p = 1e-5 `auto` takes the
 * exact one, without a look at ties, as long as the smaller sample has no more than about 1,000 values, and whatever its size where the samples hardly overlap. Its p-value is then 0 only below the smallest double; that of
 * `asymptotic` is 0 as well wherever the samples do not overlap.
 *
 * NaN is left out and counted; ±Infinity are the smallest and largest values; two constants that are equal have p = 1; when a sample is empty the statistic is 0 and p is 1. The exact p-value costs n·m steps at most, the rest a sort, or
 * one pass over the second sample where one of the two was prepared as a {@link SortedSample}. Throws `ValidationError` for unknown words in the options.
 *
 * @example
 * ```ts
 * import { ksTest } from 'modelkeep/stats';
 *
 * const { statistic, pValue, method } = ksTest([1, 2, 3, 4, 5], [4, 5, 6, 7, 8]);
 * console.log(statistic, pValue, method); // 0.6, 0.37, 'exact'
 * ```
 */
export function ksTest(x: Sample, y: Sample, options: KsOptions = {}): KsResult {
  demandSample('x', x);
  demandSample('y', y);
  demandOptions(options);
  const { method = 'auto', ties = 'exact', alternative = 'two-sided' } = checked(options);
  const exact = method === 'exact' || (method === 'auto' && sizeOf(x) * sizeOf(y) <= exactKsLimit);
  return exact ? exactKsTest(x, y, ties, alternative) : largeKsTest(x, y, alternative, method === 'auto');
}

function sizeOf(sample: Sample): number {
  return sample instanceof SortedSample ? sample.sorted.length : sample.length;
}

function exactKsTest(x: Sample, y: Sample, ties: 'exact' | 'ignore', alternative: KsAlternative): KsResult {
  const first = SortedSample.of(x);
  const second = SortedSample.of(y);
  const n = first.sorted.length;
  const m = second.sorted.length;
  const dropped = [first.dropped, second.dropped] as const;
  if (n === 0 || m === 0) return { statistic: 0, pValue: 1, method: 'exact', ties: 'none', n, m, dropped };
  const gap = gapOfSorted(first.sorted, second.sorted);
  const reach = reachOf(gap, alternative);
  const groupEnds = gap.tied && ties === 'exact' ? groupEndsOf(first.sorted, second.sorted) : undefined;
  const pValue = exactKsSurvival(n, m, reach, alternative, groupEnds);
  return { statistic: reach / (n * m), pValue, method: 'exact', ties: groupEnds ? 'exact' : gap.tied ? 'ignored' : 'none', n, m, dropped };
}

function largeKsTest(x: Sample, y: Sample, alternative: KsAlternative, exactTails: boolean): KsResult {
  const { n, m, dropped, ...gap } = gapOf(x, y);
  if (n === 0 || m === 0) return { statistic: 0, pValue: 1, method: 'asymptotic', ties: 'none', n, m, dropped };
  const reach = reachOf(gap, alternative);
  const law = exactTails ? lawOfLarge(n, m, reach, alternative) : { pValue: asymptoticKs(n, m, reach, alternative), method: 'asymptotic' as const };
  return { statistic: reach / (n * m), ...law, ties: 'ignored', n, m, dropped };
}

/** The asymptotic law, and far out, where its relative error grows, the exact one. */
function lawOfLarge(n: number, m: number, reach: number, alternative: KsAlternative): { pValue: number; method: 'exact' | 'asymptotic' } {
  const asymptotic = asymptoticKs(n, m, reach, alternative);
  const sides = alternative === 'two-sided' ? 2 : 1;
  // No split of this probability or less comes so far on both sides: that has about its fourth power.
  const tail = asymptotic < 1e-5 ? ksOneSidedTail(n, m, reach) : undefined;
  return tail === undefined ? { pValue: asymptotic, method: 'asymptotic' } : { pValue: sides * tail, method: 'exact' };
}

/**
 * The test on values that were counted in common bins. The distribution functions are compared at the edges only, so the statistic is at most that of the values, and
 * since ties are ignored the p-value is at least theirs: conservative, whatever the bins were chosen from.
 */
export function ksTestBinned(x: ArrayLike<number>, y: ArrayLike<number>): KsResult {
  let n = 0;
  let m = 0;
  for (let i = 0; i < x.length; i++) n += x[i]!;
  for (let i = 0; i < y.length; i++) m += y[i]!;
  const exact = n * m <= exactKsLimit;
  if (n === 0 || m === 0) return { statistic: 0, pValue: 1, method: exact ? 'exact' : 'asymptotic', ties: 'none', n, m, dropped: [0, 0] };
  let i = 0;
  let j = 0;
  let reach = 0;
  for (let bin = 0; bin < x.length; bin++) {
    i += x[bin]!;
    j += y[bin]!;
    reach = Math.max(reach, Math.abs(i * m - j * n));
  }
  const law = exact ? { pValue: exactKsSurvival(n, m, reach, 'two-sided'), method: 'exact' as const } : lawOfLarge(n, m, reach, 'two-sided');
  return { statistic: reach / (n * m), ...law, ties: 'ignored', n, m, dropped: [0, 0] };
}

function checked(options: KsOptions): KsOptions {
  if (options.method !== undefined) demandOneOf('method', options.method, ['auto', 'exact', 'asymptotic']);
  if (options.ties !== undefined) demandOneOf('ties', options.ties, ['exact', 'ignore']);
  if (options.alternative !== undefined) demandOneOf('alternative', options.alternative, ['two-sided', 'greater', 'less']);
  return options;
}

function reachOf({ greater, less }: Gap, alternative: KsAlternative): number {
  if (alternative === 'greater') return greater;
  return alternative === 'less' ? less : Math.max(greater, less);
}

/** 1 at each number of pooled values at which a group of equal ones ends. */
function groupEndsOf(x: Float64Array, y: Float64Array): Uint8Array {
  const ends = new Uint8Array(x.length + y.length + 1);
  let i = 0;
  let j = 0;
  while (i < x.length || j < y.length) {
    const value = Math.min(x[i] ?? Infinity, y[j] ?? Infinity);
    while (i < x.length && x[i] === value) i++;
    while (j < y.length && y[j] === value) j++;
    ends[i + j] = 1;
  }
  return ends;
}

function asymptoticKs(n: number, m: number, reach: number, alternative: KsAlternative): number {
  const size = Math.max(1, roundHalfToEven((n * m) / (n + m)));
  const statistic = reach / (n * m);
  return alternative === 'two-sided' ? kolmogorovSurvival(size, statistic) : smirnovSurvival(size, statistic);
}

function roundHalfToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}
