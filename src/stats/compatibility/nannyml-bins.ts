import { countInHistogram, histogramEdges } from '../samples/histogram.ts';
import { countCategories, kindOf, numbersOf, sumOf, type BinnedColumn, type Column, type ColumnKind } from './column.ts';

/** NannyML's bins: by Doane over the reference or one per value of it, and one more for all that a chunk has outside. `undefined` where a side is empty. */
export function binnedByReference(reference: Column, chunk: Column, given: ColumnKind | undefined): BinnedColumn | undefined {
  if (kindOf(reference, chunk, given) === 'cat') return byValue(reference, chunk);
  const before = numbersOf(reference);
  const after = numbersOf(chunk);
  if (before.length === 0 || after.length === 0) return undefined;
  const edges = histogramEdges(before, 'doane');
  const inside = countInHistogram(after, edges);
  return { rule: 'doane-reference', reference: withOne(countInHistogram(before, edges), 0), current: withOne(inside, after.length - sumOf(inside)) };
}

/** The values of the reference, and one bin for all others. */
function byValue(reference: Column, chunk: Column): BinnedColumn | undefined {
  const counts = countCategories(reference, chunk);
  if (counts.n === 0 || counts.m === 0) return undefined;
  // The keys of the reference come first.
  const known = counts.reference.filter((count) => count > 0).length;
  const current = counts.current.subarray(0, known);
  return { rule: 'by-value', reference: withOne(counts.reference.subarray(0, known), 0), current: withOne(current, counts.m - sumOf(current)) };
}

function withOne(counts: Float64Array, more: number): Float64Array {
  const all = new Float64Array(counts.length + 1);
  all.set(counts);
  all[counts.length] = more;
  return all;
}
