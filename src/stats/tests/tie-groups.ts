/**
 * Walks two sorted samples without NaN together and visits every distinct value in ascending order: `a` values of the first sample and `b` of the second are equal
 * to it, `i` and `j` of them are smaller.
 */
export function forEachTieGroup(x: Float64Array, y: Float64Array, visit: (a: number, b: number, i: number, j: number) => void): void {
  const n = x.length;
  const m = y.length;
  let i = 0;
  let j = 0;
  while (i < n || j < m) {
    const value = j === m || (i < n && x[i]! < y[j]!) ? x[i]! : y[j]!;
    const firstOfX = i;
    const firstOfY = j;
    while (i < n && x[i] === value) i++;
    while (j < m && y[j] === value) j++;
    visit(i - firstOfX, j - firstOfY, firstOfX, firstOfY);
  }
}

/** How often each distinct pooled value occurs, ascending. */
export function tieGroupSizes(x: Float64Array, y: Float64Array): number[] {
  const sizes: number[] = [];
  forEachTieGroup(x, y, (a, b) => sizes.push(a + b));
  return sizes;
}
