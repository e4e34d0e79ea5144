import { demandOneOf } from '../arguments.ts';
import { finitePart } from '../samples/finite-part.ts';
import { sampleMoments } from '../samples/sample-moments.ts';
import { SortedSample, type Sample } from '../samples/sorted-sample.ts';

/** What {@link wassersteinDistance} gives the distance in. */
export interface WassersteinOptions {
  /** `none`: in the unit of the values; `reference-sd`: in standard deviations of the first sample (with n, at least 0.001), as Evidently has it. @default 'none' */
  scale?: 'none' | 'reference-sd' | undefined;
}

/**
 * The Wasserstein distance W₁ = ∫ |F - G| of two samples (the earth mover's distance): how far values must move on average to make one of the other. 0 when the samples distribute alike; a shift by δ gives |δ|.
 *
 * NaN and infinite values are left out. An empty side gives NaN; values further apart than the largest double give Infinity. Costs a sort of each side that is no {@link SortedSample}, and O(n + m).
 *
 * @throws {ValidationError} for an unknown `scale`.
 *
 * @example
 * ```ts
 * import { wassersteinDistance } from 'modelkeep/stats';
 *
 * console.log(wassersteinDistance([1, 2, 3], [2, 3, 4])); // 1
 * ```
 */
export function wassersteinDistance(x: Sample, y: Sample, options: WassersteinOptions = {}): number {
  const { scale = 'none' } = options;
  demandOneOf('scale', scale, ['none', 'reference-sd']);
  const first = finitePart(SortedSample.of(x).sorted);
  const second = finitePart(SortedSample.of(y).sorted);
  const distance = areaBetween(first, second);
  return scale === 'none' || first.length === 0 ? distance : distance / Math.max(Math.sqrt(sampleMoments(first).squares / first.length), 0.001);
}

function areaBetween(x: Float64Array, y: Float64Array): number {
  const n = x.length;
  const m = y.length;
  if (n === 0 || m === 0) return NaN;
  let area = 0;
  let i = 0;
  let j = 0;
  let before = Math.min(x[0]!, y[0]!);
  while (i < n || j < m) {
    const fromX = j >= m || (i < n && x[i]! <= y[j]!);
    const value = fromX ? x[i]! : y[j]!;
    if (value > before) {
      const apart = Math.abs(i * m - j * n);
      if (apart > 0) area += (apart / (n * m)) * (value - before);
      before = value;
    }
    if (fromX) i++;
    else j++;
  }
  return area;
}
