import { ValidationError } from '../core/errors.ts';
import { kolmogorovSurvival, smirnovSurvival } from './kolmogorov.ts';
import { exactKsSurvival, type KsAlternative } from './ks-exact.ts';

/** Above this product of the sample sizes `auto` leaves the exact p-value, whose cost it is, for the asymptotic one. */
const exactKsLimit = 2_000_000;

/** How {@link ksTestSorted} computes its p-value. */
export interface KsOptions {
  /** `auto` is exact while n·m is at most 2,000,000 (about 10 ms) and asymptotic above. @default 'auto' */
  method?: 'auto' | 'exact' | 'asymptotic' | undefined;
  /** How the exact method treats equal values: by their exact conditional law, or as if all were different, which is conservative (scipy's rule). @default 'exact' */
  ties?: 'exact' | 'ignore' | undefined;
  /** `greater` asks whether the first sample's distribution function lies above the second's (its values are smaller), `less` the opposite. @default 'two-sided' */
  alternative?: KsAlternative | undefined;
}

/** What {@link ksTestSorted} found. */
export interface KsResult {
  /** The largest difference of the two distribution functions, 0 to 1. */
  readonly statistic: number;
  readonly pValue: number;
  readonly method: 'exact' | 'asymptotic';
  /** Whether equal values across or within the samples were accounted for. */
  readonly ties: 'none' | 'exact' | 'ignored';
  /** Values of the first sample that took part. */
  readonly n: number;
  /** Values of the second sample that took part. */
  readonly m: number;
}

/**
 * The two-sample Kolmogorov–Smirnov test of samples that are sorted, ascending, and have no NaN: do they come from one distribution?
 *
 * The exact p-value is the share of all splits of the pooled values that come at least as far apart, given their ties. The asymptotic one is the survival
 * function of the one-sample statistic for round(n·m / (n + m)) values (as scipy has it; Simard & L'Ecuyer 2011), which ignores ties and so is conservative with
 * them; without ties and for equal sizes just above the switch it is up to 4 % (relative) below the exact one at p = 0.05. Both keep their relative precision
 * in the tails.
 *
 * ±∞ are the smallest and largest values; when a sample is empty the statistic is 0 and p is 1. Nothing throws on data. The exact p-value costs n·m steps at most.
 */
export function ksTestSorted(x: Float64Array, y: Float64Array, options: KsOptions = {}): KsResult {
  const { method = 'auto', ties = 'exact', alternative = 'two-sided' } = checked(options);
  const n = x.length;
  const m = y.length;
  const walk = walkSorted(x, y);
  const reach = reachOf(walk, alternative);
  const exact = method === 'exact' || (method === 'auto' && n * m <= exactKsLimit);
  if (n === 0 || m === 0) return { statistic: 0, pValue: 1, method: exact ? 'exact' : 'asymptotic', ties: 'none', n, m };
  if (!exact) return { statistic: reach / (n * m), pValue: asymptoticKs(n, m, reach, alternative), method: 'asymptotic', ties: walk.tied ? 'ignored' : 'none', n, m };
  const groupEnds = walk.tied && ties === 'exact' ? groupEndsOf(x, y) : undefined;
  const pValue = exactKsSurvival(n, m, reach, alternative, groupEnds);
  return { statistic: reach / (n * m), pValue, method: 'exact', ties: groupEnds ? 'exact' : walk.tied ? 'ignored' : 'none', n, m };
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
  if (n === 0 || m === 0) return { statistic: 0, pValue: 1, method: exact ? 'exact' : 'asymptotic', ties: 'none', n, m };
  let i = 0;
  let j = 0;
  let reach = 0;
  for (let bin = 0; bin < x.length; bin++) {
    i += x[bin]!;
    j += y[bin]!;
    reach = Math.max(reach, Math.abs(i * m - j * n));
  }
  const pValue = exact ? exactKsSurvival(n, m, reach, 'two-sided') : asymptoticKs(n, m, reach, 'two-sided');
  return { statistic: reach / (n * m), pValue, method: exact ? 'exact' : 'asymptotic', ties: 'ignored', n, m };
}

function checked(options: KsOptions): KsOptions {
  const allowed = { method: ['auto', 'exact', 'asymptotic'], ties: ['exact', 'ignore'], alternative: ['two-sided', 'greater', 'less'] };
  for (const [name, values] of Object.entries(allowed)) {
    const value = options[name as keyof KsOptions];
    if (value !== undefined && !values.includes(value)) {
      throw new ValidationError(`${name} is ${JSON.stringify(value)}; it must be one of ${values.join(', ')}.`, { path: name });
    }
  }
  return options;
}

interface Walk {
  /** Largest i·m - j·n over the pooled values. */
  readonly greater: number;
  /** Largest j·n - i·m. */
  readonly less: number;
  readonly tied: boolean;
}

function reachOf(walk: Walk, alternative: KsAlternative): number {
  if (alternative === 'greater') return walk.greater;
  return alternative === 'less' ? walk.less : Math.max(walk.greater, walk.less);
}

/** Walks both samples in order; whole numbers throughout, exact up to n·m = 2^53. */
function walkSorted(x: Float64Array, y: Float64Array): Walk {
  const n = x.length;
  const m = y.length;
  let greater = 0;
  let less = 0;
  let tied = false;
  let i = 0;
  let j = 0;
  while (i < n && j < m) {
    const a = x[i]!;
    const b = y[j]!;
    const value = a < b ? a : b;
    const start = i + j;
    while (i < n && x[i] === value) i++;
    while (j < m && y[j] === value) j++;
    if (i + j - start > 1) tied = true;
    const difference = i * m - j * n;
    if (difference > greater) greater = difference;
    else if (-difference > less) less = -difference;
  }
  return { greater, less, tied: tied || repeats(x, i) || repeats(y, j) };
}

function repeats(sorted: Float64Array, from: number): boolean {
  for (let i = from + 1; i < sorted.length; i++) if (sorted[i] === sorted[i - 1]) return true;
  return false;
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
