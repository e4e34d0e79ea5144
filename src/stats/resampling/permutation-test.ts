import { demandFlag, demandFunction, demandOneOf, demandOptions, demandSameLength, demandWhole } from '../arguments.ts';
import { finiteValues } from '../samples/finite-values.ts';
import { SeededGenerator } from '../seeded-generator.ts';
import type { Alternative, TestResult } from '../tests/test-result.ts';
import { drawIndex } from './draw-index.ts';
import { quantileSorted } from '../samples/quantile-sorted.ts';

/** How {@link permutationTest} is done. */
export interface PermutationOptions {
  /** All splits are counted where there are at most as many, so many are drawn where there are more. @default 9999 */
  resamples?: number | undefined;
  /** `greater` counts splits whose statistic is at least as large, `less` at most as large, `two-sided` twice the rarer of both. Distances want `greater`. @default 'two-sided' */
  alternative?: Alternative | undefined;
  /** Whether x[i] and y[i] belong together: then only the members of a pair change places. @default false */
  paired?: boolean | undefined;
  /** Seed of the draws, a whole number of 0 to 2^32 - 1. @default 1 */
  seed?: number | undefined;
}

/** What {@link permutationTest} found. */
export interface PermutationResult extends TestResult {
  readonly method: 'exact' | 'monte-carlo';
  /** Splits that were counted: all there are (the samples' own among them), or those drawn. */
  readonly resamples: number;
  /** Values of the first sample that took part. */
  readonly n: number;
  /** Values of the second sample that took part. */
  readonly m: number;
  /** How many values of each sample were left out. */
  readonly dropped: readonly [number, number];
}

/**
 * The permutation test: how often does a split of the pooled values by chance give a statistic at least as extreme? Exact for any statistic when under the null hypothesis the
 * values are exchangeable between the samples (`paired`: within each pair).
 *
 * All (n + m)! / (n! m!) splits, or 2ⁿ exchanges within pairs, are counted where they are at most `resamples`; otherwise that many are drawn and
 * p = (1 + count) / (1 + resamples), which is valid and never 0 (Phipson & Smyth 2010). Statistics that differ by rounding alone (1e-12 of the statistic or of the
 * median of their sizes) count as equal.
 *
 * The statistic gets two `Float64Array`s, the same ones on every call, filled anew: it may change them and must not keep them. By default it is the difference of means,
 * x̄ - ȳ. NaN and infinite values are left out and counted, with the pair where `paired`. An empty side, or a statistic of the samples that is NaN, gives statistic 0 and
 * p-value 1; a split whose statistic is NaN counts as extreme. Costs at most `resamples` statistics.
 *
 * @throws {ValidationError} when `resamples` is under 1, paired samples differ in length, or a word or seed is none.
 *
 * @example
 * ```ts
 * import { permutationTest } from 'modelkeep/stats';
 *
 * const { pValue, method } = permutationTest([1, 2, 3, 4], [5, 6, 7, 8]);
 * console.log(pValue.toFixed(4), method); // 0.0286 exact
 * ```
 */
export function permutationTest(
  x: ArrayLike<number>,
  y: ArrayLike<number>,
  statistic: (x: Float64Array, y: Float64Array) => number = meanDifference,
  options: PermutationOptions = {},
): PermutationResult {
  const { resamples = 9999, alternative = 'two-sided', paired = false, seed = 1 } = demandOptions(options);
  demandFlag('paired', paired);
  demandFunction('statistic', statistic);
  demandWhole('resamples', resamples, 1, 2 ** 31);
  demandOneOf('alternative', alternative, ['two-sided', 'greater', 'less']);
  const generator = new SeededGenerator(seed);
  const { first, second, dropped } = paired ? finitePairs(x, y) : finiteSides(x, y);
  const n = first.length;
  const m = second.length;
  const splits = paired ? 2 ** n : binomial(n + m, n);
  const exact = splits <= resamples;
  const common = { method: exact ? ('exact' as const) : ('monte-carlo' as const), n, m, dropped };
  const a = first.slice();
  const b = second.slice();
  const observed = n === 0 || m === 0 ? NaN : statistic(a, b);
  if (Number.isNaN(observed)) return { statistic: 0, pValue: 1, ...common, resamples: 0 };
  const count = exact ? splits : resamples;
  const values = new Float64Array(count);
  const next = paired ? pairExchanges(first, second, exact, generator) : poolSplits(first, second, exact, generator);
  for (let i = 0; i < count; i++) {
    next(a, b);
    values[i] = statistic(a, b);
  }
  const { atLeast, atMost } = tails(values, observed);
  const share = (extreme: number): number => (exact ? extreme / count : (1 + extreme) / (1 + count));
  const pValue = alternative === 'two-sided' ? Math.min(1, 2 * share(Math.min(atLeast, atMost))) : share(alternative === 'greater' ? atLeast : atMost);
  return { statistic: observed, pValue, ...common, resamples: count };
}

function meanDifference(x: Float64Array, y: Float64Array): number {
  let a = 0;
  for (let i = 0; i < x.length; i++) a += x[i]! / x.length;
  let b = 0;
  for (let i = 0; i < y.length; i++) b += y[i]! / y.length;
  return a - b;
}

function finiteSides(x: ArrayLike<number>, y: ArrayLike<number>): { first: Float64Array; second: Float64Array; dropped: [number, number] } {
  const first = finiteValues(x, 'x');
  const second = finiteValues(y, 'y');
  return { first: first.values, second: second.values, dropped: [first.dropped, second.dropped] };
}

function finitePairs(x: ArrayLike<number>, y: ArrayLike<number>): { first: Float64Array; second: Float64Array; dropped: [number, number] } {
  demandSameLength('x', x, 'y', y);
  const kept: number[] = [];
  for (let i = 0; i < x.length; i++) if (Number.isFinite(x[i]) && Number.isFinite(y[i])) kept.push(i);
  const dropped = x.length - kept.length;
  return { first: Float64Array.from(kept, (i) => x[i]!), second: Float64Array.from(kept, (i) => y[i]!), dropped: [dropped, dropped] };
}

/** How many ways there are to choose k of n; rounded where it is beyond 2^53. */
function binomial(n: number, k: number): number {
  let ways = 1;
  for (let i = 1; i <= Math.min(k, n - k) && ways < 2 ** 53; i++) ways = Math.round((ways * (n - Math.min(k, n - k) + i)) / i);
  return ways;
}

type NextSplit = (a: Float64Array, b: Float64Array) => void;

/** Fills in one split after the other: all combinations in order, or shuffles. */
function poolSplits(x: Float64Array, y: Float64Array, exact: boolean, generator: SeededGenerator): NextSplit {
  const n = x.length;
  const size = n + y.length;
  const pool = new Float64Array(size);
  pool.set(x);
  pool.set(y, n);
  if (!exact) {
    return (a, b) => {
      // Only the places of the smaller side need to be drawn; the rest are the others.
      const drawn = Math.min(n, size - n);
      for (let i = 0; i < drawn; i++) {
        const j = i + drawIndex(size - i, generator);
        const value = pool[i]!;
        pool[i] = pool[j]!;
        pool[j] = value;
      }
      const [small, large] = n <= size - n ? [a, b] : [b, a];
      small.set(pool.subarray(0, drawn));
      large.set(pool.subarray(drawn));
    };
  }
  const chosen = Uint32Array.from({ length: n }, (_, i) => i);
  return (a, b) => {
    let k = 0;
    for (let i = 0; i < size; i++) {
      if (k < n && chosen[k] === i) a[k++] = pool[i]!;
      else b[i - k] = pool[i]!;
    }
    let last = n - 1;
    while (last >= 0 && chosen[last] === size - n + last) last--;
    if (last < 0) return;
    chosen[last]!++;
    for (let i = last + 1; i < n; i++) chosen[i] = chosen[i - 1]! + 1;
  };
}

/** Fills in one exchange of pairs after the other: all 2ⁿ, or drawn ones. */
function pairExchanges(x: Float64Array, y: Float64Array, exact: boolean, generator: SeededGenerator): NextSplit {
  let turn = 0;
  return (a, b) => {
    let bits = 0;
    for (let i = 0; i < x.length; i++) {
      if (exact) bits = Math.floor(turn / 2 ** i) & 1;
      else bits = i % 32 === 0 ? generator.bits() : bits >>> 1;
      const exchanged = (bits & 1) === 1;
      a[i] = exchanged ? y[i]! : x[i]!;
      b[i] = exchanged ? x[i]! : y[i]!;
    }
    turn++;
  };
}

function tails(values: Float64Array, observed: number): { atLeast: number; atMost: number } {
  const sizes = values.map(Math.abs).filter((size) => Number.isFinite(size)).sort();
  const scale = Math.max(Number.isFinite(observed) ? Math.abs(observed) : 0, sizes.length > 0 ? quantileSorted(sizes, 0.5) : 0);
  const tolerance = 1e-12 * scale;
  let atLeast = 0;
  let atMost = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    // Written so that NaN counts on both sides.
    if (!(value < observed - tolerance)) atLeast++;
    if (!(value > observed + tolerance)) atMost++;
  }
  return { atLeast, atMost };
}
