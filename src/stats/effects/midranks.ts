/** The rank of each value, from 1; equal ones share the mean of theirs. No value may be NaN. O(n log n). */
export function midranks(values: Float64Array): Float64Array {
  const sorted = values.slice().sort();
  const ranks = new Float64Array(values.length);
  let start = 0;
  while (start < sorted.length) {
    let end = start + 1;
    while (end < sorted.length && sorted[end] === sorted[start]) end++;
    ranks[start] = (start + 1 + end) / 2;
    start = end;
  }
  return smallerCounts(values, sorted).map((smaller) => ranks[smaller]!);
}

/** How many of the sorted values are smaller than each value. A search for each is several times as quick as sorting places by a comparison. */
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
