/** A stretch of [0, 1): from the first number (included) to the second (excluded). */
export type BucketRange = readonly [start: number, end: number];

/**
 * The stretches of variants by their weights, which need not add up to 1: each begins where the weights before it end, whatever the coverage, and has the covered share of its weight. So a higher coverage adds
 * units to each variant and moves none. Without gap or overlap where all is covered.
 */
export function variantRanges(weights: readonly number[], coverage: number): BucketRange[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let sum = 0;
  return weights.map((weight, i) => {
    const start = sum / total;
    sum += weight;
    // The last one that has a weight ends at 1, whatever the rounding of the sum.
    const next = weights.slice(i + 1).every((later) => later === 0) ? 1 : sum / total;
    return [start, coverage === 1 ? next : Math.min(next, start + coverage * (next - start))];
  });
}

/** The first range that a bucket lies in; -1 where it is in none. */
export function rangeOf(bucket: number, ranges: readonly BucketRange[]): number {
  for (let i = 0; i < ranges.length; i++) if (bucket >= ranges[i]![0] && bucket < ranges[i]![1]) return i;
  return -1;
}
