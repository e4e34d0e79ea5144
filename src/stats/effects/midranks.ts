import { ascendingOrder } from '../samples/ascending-order.ts';

/** The rank of each value, from 1; equal ones share the mean of theirs. No value may be NaN. O(n), and O(n log n) at worst. */
export function midranks(values: Float64Array): Float64Array {
  const order = ascendingOrder(values);
  const ranks = new Float64Array(order.length);
  for (let start = 0; start < order.length; ) {
    const value = values[order[start]!]!;
    let end = start + 1;
    while (end < order.length && values[order[end]!] === value) end++;
    const rank = (start + 1 + end) / 2;
    for (let i = start; i < end; i++) ranks[order[i]!] = rank;
    start = end;
  }
  return ranks;
}

/** How many of the sorted values are smaller than each value, by a search for each. O(n log m). */
export function smallerCounts(values: Float64Array, sorted: Float64Array): Float64Array {
  const counts = new Float64Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    let low = 0;
    let size = sorted.length;
    while (size > 0) {
      const half = size >>> 1;
      const right = sorted[low + half]! < value;
      low = right ? low + half + 1 : low;
      size = right ? size - half - 1 : half;
    }
    counts[i] = low;
  }
  return counts;
}
