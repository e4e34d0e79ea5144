import { demandOneOf, demandOptions } from '../arguments.ts';
import { finitePart } from '../samples/finite-part.ts';
import { finiteValues } from '../samples/finite-values.ts';
import { safeScale, sampleMoments } from '../samples/sample-moments.ts';
import { SortedSample, demandSample, numbersOf, type Sample } from '../samples/sorted-sample.ts';
import { areaBetweenSorted, areaOnGrid } from './area-between.ts';

/** What {@link wassersteinDistance} gives the distance in. */
export interface WassersteinOptions {
  /** `none`: in the unit of the values; `reference-sd`: in standard deviations of the first sample (with n, at least 0.001), as Evidently has it. @default 'none' */
  scale?: 'none' | 'reference-sd' | undefined;
}

/**
 * The Wasserstein distance W₁ = ∫ |F - G| of two samples (the earth mover's distance): how far values must move on average to make one of the other. 0 when the samples distribute alike; a shift by δ gives |δ|.
 *
 * NaN and infinite values are left out. An empty side gives NaN; values further apart than the largest double give Infinity. Costs O(n + m): a sort of both sides, or one pass over the second where one of the two is a
 * {@link SortedSample} and both are smooth.
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
  demandSample('x', x);
  demandSample('y', y);
  const { scale = 'none' } = demandOptions(options);
  demandOneOf('scale', scale, ['none', 'reference-sd']);
  const distance = areaBetween(x, y);
  return scale === 'none' ? distance : distance / Math.max(standardDeviation(x), 0.001);
}

function areaBetween(x: Sample, y: Sample): number {
  if (y instanceof SortedSample && !(x instanceof SortedSample)) return areaBetween(y, x);
  const quick = x instanceof SortedSample && !(y instanceof SortedSample) ? areaOnGrid(x, numbersOf(y)) : undefined;
  return quick ?? areaBetweenSorted(finitePart(SortedSample.of(x).sorted), finitePart(SortedSample.of(y).sorted));
}

/** With n; 0 of no values. */
function standardDeviation(sample: Sample): number {
  const values = sample instanceof SortedSample ? finitePart(sample.sorted) : finiteValues(sample).values;
  const scale = safeScale(values);
  return Math.sqrt(sampleMoments(values, scale).squares / Math.max(1, values.length)) / scale;
}
