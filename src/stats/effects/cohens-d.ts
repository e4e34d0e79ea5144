import { demandLevel, demandOneOf, demandOptions } from '../arguments.ts';
import { finiteValues } from '../samples/finite-values.ts';
import { safeScale, sampleMoments } from '../samples/sample-moments.ts';
import type { EffectSize } from './effect-size.ts';
import { noncentralTInterval } from './noncentral-t.ts';

/** Which estimate {@link cohensD} gives and how sure its interval is. */
export interface CohensDOptions {
  /** `hedges` takes off the bias of small samples (Hedges' g). @default 'none' */
  correction?: 'none' | 'hedges' | undefined;
  /** How often the interval covers the effect in the population, above 0 and below 1. @default 0.95 */
  confidence?: number | undefined;
}

/**
 * Cohen's d, the difference of two means in standard deviations: (x̄ - ȳ) / s, with the pooled s² = (Σ(x - x̄)² + Σ(y - ȳ)²) / (n + m - 2). Above 0 when x is larger.
 *
 * `correction: 'hedges'` multiplies it and its interval by J = Γ(ν/2) / (√(ν/2) Γ((ν - 1)/2)) with ν = n + m - 2 (Hedges 1981), which makes the estimate unbiased.
 * The interval is exact for normal data of equal variance: the noncentralities under which the t statistic d √(nm / (n + m)) lies at the ends of its noncentral law
 * (Steiger & Fouladi 1997).
 *
 * NaN and infinite values are left out and counted. An empty side, n + m < 3 (with `hedges` < 4) or equal constants give NaN; different constants ±Infinity, with both ends
 * of the interval there. Costs O(n + m) and some hundred evaluations of the normal law.
 *
 * @throws {ValidationError} for an unknown `correction` or a confidence that is none.
 *
 * @example
 * ```ts
 * import { cohensD } from 'modelkeep/stats';
 *
 * const { value, low, high } = cohensD([5, 6, 7, 8, 9], [3, 4, 5, 6, 7], { correction: 'hedges' });
 * console.log(value.toFixed(2), low.toFixed(2), high.toFixed(2)); // 1.14 -0.13 2.36
 * ```
 */
export function cohensD(x: ArrayLike<number>, y: ArrayLike<number>, options: CohensDOptions = {}): EffectSize {
  const { correction = 'none', confidence = 0.95 } = demandOptions(options);
  demandOneOf('correction', correction, ['none', 'hedges']);
  demandLevel('confidence', confidence);
  const first = finiteValues(x, 'x');
  const second = finiteValues(y, 'y');
  const n = first.values.length;
  const m = second.values.length;
  const result = (value: number, low: number, high: number): EffectSize => {
    return { value, low, high, confidence, method: 'noncentral t', n, m, dropped: [first.dropped, second.dropped] };
  };
  const df = n + m - 2;
  if (n === 0 || m === 0 || df < (correction === 'hedges' ? 2 : 1)) return result(NaN, NaN, NaN);
  const scale = safeScale(first.values, second.values);
  const a = sampleMoments(first.values, scale);
  const b = sampleMoments(second.values, scale);
  const sd = Math.sqrt((a.squares + b.squares) / df);
  const d = (a.mean - b.mean) / sd;
  if (!Number.isFinite(d)) return result(d, d, d);
  const root = Math.sqrt((n / (n + m)) * m);
  const factor = correction === 'hedges' ? unbiasing(df) : 1;
  const { low, high } = noncentralTInterval(d * root, df, confidence);
  return result(d * factor, (low / root) * factor, (high / root) * factor);
}

/** Hedges' J. Γ(z + 3/4) / Γ(z + 1/4) by its series in 1/z², for which z is first raised by the recurrence of the gamma function. */
function unbiasing(df: number): number {
  let x = df / 2;
  let factor = 1 / Math.sqrt(x);
  for (; x < 20; x++) factor *= (x - 0.5) / x;
  const z = x - 0.75;
  const square = 1 / (z * z);
  return factor * Math.sqrt(z) * Math.exp(square * (1 / 64 - square * (5 / 2048 - square * (61 / 49_152))));
}
