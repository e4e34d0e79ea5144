import { countInHistogram, histogramEdges } from '../samples/histogram.ts';
import { countCategories, distinctUpTo, joined, kindOf, numbersOf, sumOf, type BinnedColumn, type BinRule, type Column, type ColumnKind } from './column.ts';

/** A column of numbers with more different ones than this in the reference is cut into bins of equal width; every other is counted by value. */
const mostCountedByValue = 20;

/** Evidently's bins: by Sturges over both sides together, or one per value. `undefined` where a side is empty. */
export function binnedColumn(reference: Column, current: Column, given: ColumnKind | undefined): BinnedColumn | undefined {
  if (kindOf(reference, current, given) === 'num') {
    const before = numbersOf(reference);
    const after = numbersOf(current);
    if (before.length === 0 || after.length === 0) return undefined;
    if (distinctUpTo(mostCountedByValue + 1, before) > mostCountedByValue) return inBins('sturges-both-sides', before, after, histogramEdges(joined(before, after), 'sturges'));
    return countCategories(before, after);
  }
  return countedByValue(reference, current);
}

/** Evidently's other bins, those of its Hellinger distance: numbers by Sturges over the different values of both sides, however few. */
export function binnedByDifferentValues(reference: Column, current: Column, given: ColumnKind | undefined): BinnedColumn | undefined {
  if (kindOf(reference, current, given) === 'cat') return countedByValue(reference, current);
  const before = numbersOf(reference);
  const after = numbersOf(current);
  if (before.length === 0 || after.length === 0) return undefined;
  return inBins('sturges-different-values', before, after, histogramEdges(differentOf(joined(before, after)), 'sturges'));
}

function countedByValue(reference: Column, current: Column): BinnedColumn | undefined {
  const counts = countCategories(reference, current);
  return counts.n === 0 || counts.m === 0 ? undefined : counts;
}

function inBins(rule: BinRule, before: Float64Array, after: Float64Array, edges: Float64Array): BinnedColumn {
  return { rule, reference: countInHistogram(before, edges), current: countInHistogram(after, edges) };
}

function differentOf(values: Float64Array): Float64Array {
  values.sort();
  return values.filter((value, i) => i === 0 || value !== values[i - 1]);
}

/** Shares in which an empty bin has 0.0001 instead of 0, or a millionth of the smallest other share where that is at most 0.0001. They sum to a little more than 1. */
export function filledShares(counts: Float64Array): Float64Array {
  const total = sumOf(counts);
  const shares = counts.map((count) => count / total);
  const smallest = shares.reduce((least, share) => (share > 0 && share < least ? share : least), 1);
  const fill = smallest <= 0.0001 ? smallest / 1e6 : 0.0001;
  return shares.map((share) => (share === 0 ? fill : share));
}
