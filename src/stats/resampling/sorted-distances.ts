/** Distances of two samples that one walk over both gives. */
export interface SortedDistances {
  /** max |F - G|. */
  readonly ks: number;
  /** ∫ |F - G|. */
  readonly wasserstein: number;
  /** √(2 ∫ (F - G)²). */
  readonly energy: number;
}

/** Walks two sorted samples without NaN; infinite values take part in the largest difference alone. */
export function sortedDistances(x: Float64Array, y: Float64Array): SortedDistances {
  const n = x.length;
  const m = y.length;
  let largest = 0;
  let area = 0;
  let squares = 0;
  let i = 0;
  let j = 0;
  while (i < n || j < m) {
    const value = j >= m || (i < n && x[i]! <= y[j]!) ? x[i]! : y[j]!;
    while (i < n && x[i] === value) i++;
    while (j < m && y[j] === value) j++;
    const difference = Math.abs(i / n - j / m);
    const next = Math.min(i < n ? x[i]! : Infinity, j < m ? y[j]! : Infinity);
    const step = next - value;
    if (difference > largest) largest = difference;
    if (step < Infinity) {
      area += difference * step;
      squares += difference * difference * step;
    }
  }
  return { ks: largest, wasserstein: area, energy: Math.sqrt(2 * squares) };
}
