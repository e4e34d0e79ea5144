import { demandFlag, demandSameLength } from '../arguments.ts';
import { finiteValues } from '../samples/finite-values.ts';
import { differenceOfMeans, safeScale, sampleMoments } from '../samples/sample-moments.ts';
import { demandTTestOptions, tTestOf, type Comparison, type TTestOptions, type TTestResult } from './t-test-result.ts';

/** How {@link studentTTest} computes its p-value and interval. */
export interface StudentTTestOptions extends TTestOptions {
  /** Whether the values belong together, one by one: the same example before and after, or scored by two models. @default false */
  paired?: boolean | undefined;
}

/**
 * Student's (1908) t-test of two means. Of two samples with the same variance: t = (x̄ - ȳ) / (s √(1/n + 1/m)) with the pooled variance s² and n + m - 2 degrees of
 * freedom; where the variances may differ, `welchTTest` is the one to take. Of pairs (`paired`): t = d̄ / (s_d / √n) on the differences d, with n - 1 degrees of freedom.
 *
 * NaN, ±Infinity and what is no number are left out and counted; of pairs, both values go. With an empty side, or too few values for a variance (three in all, or two
 * pairs), the statistic is 0 and p is 1. When no value (no difference) varies, equal means give statistic 0 and p 1, different ones ±Infinity and p 0. Means and
 * variances in two passes, so a large common part of the values costs no digits. Costs O(n + m).
 *
 * @throws ValidationError for pairs of different lengths, an unknown alternative, and a confidence outside (0, 1).
 *
 * @example
 * ```ts
 * import { studentTTest } from 'modelkeep/stats';
 *
 * const before = [61, 74, 58, 70, 66];
 * const after = [64, 75, 63, 71, 70];
 * console.log(studentTTest(after, before).pValue.toFixed(3)); // 0.468
 * console.log(studentTTest(after, before, { paired: true }).pValue.toFixed(3)); // 0.025
 * ```
 */
export function studentTTest(x: ArrayLike<number>, y: ArrayLike<number>, options: StudentTTestOptions = {}): TTestResult {
  const checked = demandTTestOptions(options);
  const { paired = false } = options;
  demandFlag('paired', paired);
  if (!paired) return tTestOf(unpaired(x, y), checked);
  demandSameLength('x', x, 'y', y);
  return tTestOf(pairs(x, y), checked);
}

function unpaired(x: ArrayLike<number>, y: ArrayLike<number>): Comparison {
  const first = finiteValues(x, 'x');
  const second = finiteValues(y, 'y');
  const scale = safeScale(first.values, second.values);
  const a = sampleMoments(first.values, scale);
  const b = sampleMoments(second.values, scale);
  const df = a.n > 0 && b.n > 0 ? a.n + b.n - 2 : 0;
  const deviation = Math.sqrt((a.squares + b.squares) / df);
  return {
    method: 'student',
    means: [a.mean, b.mean],
    n: a.n,
    m: b.n,
    dropped: [first.dropped, second.dropped],
    scale,
    difference: differenceOfMeans(a, b),
    deviation,
    standardError: deviation * Math.sqrt(1 / a.n + 1 / b.n),
    df,
  };
}

function pairs(x: ArrayLike<number>, y: ArrayLike<number>): Comparison {
  const first = new Float64Array(x.length);
  const second = new Float64Array(x.length);
  let n = 0;
  for (let i = 0; i < x.length; i++) {
    const a = x[i]!;
    const b = y[i]!;
    if (!Number.isFinite(a) || !Number.isFinite(b)) continue;
    first[n] = a;
    second[n++] = b;
  }
  const kept = first.subarray(0, n);
  const others = second.subarray(0, n);
  const scale = safeScale(kept, others);
  const differences = new Float64Array(n);
  for (let i = 0; i < n; i++) differences[i] = kept[i]! * scale - others[i]! * scale;
  const moments = sampleMoments(differences);
  const deviation = Math.sqrt(moments.squares / (n - 1));
  return {
    method: 'paired',
    means: [sampleMoments(kept, scale).mean, sampleMoments(others, scale).mean],
    n,
    m: n,
    dropped: [x.length - n, x.length - n],
    scale,
    difference: moments.mean,
    deviation,
    standardError: deviation / Math.sqrt(n),
    df: n - 1,
  };
}
