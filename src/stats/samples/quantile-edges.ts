import { demandWhole } from '../arguments.ts';
import { finitePart } from './finite-part.ts';
import { quantileSorted } from './quantile-sorted.ts';
import { SortedSample, type Sample } from './sorted-sample.ts';

/**
 * Edges that cut a sample into about `parts` bins of equal counts, ascending: the quantiles k / `parts` by linear interpolation (type 7 of Hyndman & Fan 1996). Bin 0 is below the first edge and bin i begins at edge i - 1, which
 * belongs to it; {@link countInBins} counts in them. A value that several quantiles fall on gets a bin of its own, so that a pile on it is never mixed with its neighbours; there may then be more or fewer bins than `parts`.
 *
 * NaN and infinite values are left out. No values give no edges, a constant c gives two: c and the next double, between which it lies. Costs a sort, O(n), unless the sample is a {@link SortedSample}.
 *
 * @throws {ValidationError} unless `parts` is a whole number of 1 to 60,000.
 *
 * @example
 * ```ts
 * import { countInBins, psi, quantileEdges } from 'modelkeep/stats';
 *
 * const reference = Float64Array.from({ length: 1000 }, (_, i) => i);
 * const current = reference.map((value) => value * 1.2);
 * const edges = quantileEdges(reference, 10);
 * console.log(edges[0], psi(countInBins(reference, edges), countInBins(current, edges)).value.toFixed(2)); // 99.9 0.10
 * ```
 */
export function quantileEdges(sample: Sample, parts: number): Float64Array {
  demandWhole('parts', parts, 1, 60_000);
  return edgesOfSorted(finitePart(SortedSample.of(sample).sorted), parts);
}

/** {@link quantileEdges} of sorted finite values. */
export function edgesOfSorted(sorted: Float64Array, parts: number): Float64Array {
  const edges: number[] = [];
  // Adding 0 makes -0 the 0 that JSON would make of it.
  const add = (edge: number): void => {
    if (Number.isFinite(edge) && (edges.length === 0 || edge > edges[edges.length - 1]!)) edges.push(edge + 0);
  };
  let previous = NaN;
  for (let k = 1; k < parts; k++) {
    const edge = quantileSorted(sorted, k / parts);
    add(edge);
    if (edge === previous) add(nextUp(edge));
    previous = edge;
  }
  return Float64Array.from(edges);
}

/** The next larger double of a finite one. */
export function nextUp(value: number): number {
  if (value === 0) return Number.MIN_VALUE;
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  view.setBigInt64(0, view.getBigInt64(0) + (value > 0 ? 1n : -1n));
  return view.getFloat64(0);
}
