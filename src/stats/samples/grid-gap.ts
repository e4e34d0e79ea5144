import type { SortedSample } from './sorted-sample.ts';

/** How far two distribution functions come apart, in units of 1 / (n m): whole numbers, exact up to n m = 2^53. */
export interface Gap {
  /** Largest i·m - j·n, where i and j count the values of either sample up to a place. */
  readonly greater: number;
  /** Largest j·n - i·m. */
  readonly less: number;
  /** How many values were no numbers. */
  readonly dropped: number;
  /** How many values of the unsorted sample took part. */
  readonly m: number;
}

/**
 * The gap between a sample that was sorted before and one that was not, without sorting that: counts both in the cells of a grid, where the functions are known at every edge; inside a cell they are at most so far
 * apart, and only the values of cells that might beat the widest edge are sorted. The result is that of the sorted values, to the last bit. `undefined` when too many values are in such cells to be worth it.
 */
export function gridGap(reference: SortedSample, values: Float64Array): Gap | undefined {
  const { grid, sorted } = reference;
  if (grid === undefined) return undefined;
  const { low, scale, starts } = grid;
  const cells = starts.length - 1;
  const counts = new Uint32Array(cells);
  const last = cells - 2;
  let dropped = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    const place = (value - low) * scale;
    if (place >= 0) counts[place < last ? (place | 0) + 1 : last + 1]!++;
    else if (place < 0) counts[0]!++;
    else dropped++;
  }
  const n = sorted.length;
  const m = values.length - dropped;
  let greater = 0;
  let less = 0;
  for (let cell = 0, j = 0; cell < cells; cell++) {
    j += counts[cell]!;
    const difference = starts[cell + 1]! * m - j * n;
    if (difference > greater) greater = difference;
    else if (-difference > less) less = -difference;
  }
  const open = new Uint8Array(cells);
  let gathered = 0;
  for (let cell = 0, j = 0; cell < cells; cell++) {
    const after = j + counts[cell]!;
    if (counts[cell]! > 0 && (starts[cell + 1]! * m - j * n > greater || after * n - starts[cell]! * m > less)) {
      open[cell] = 1;
      gathered += counts[cell]!;
    }
    j = after;
  }
  if (gathered > m / 4) return undefined;
  const inOpen = new Float64Array(gathered);
  let at = 0;
  for (let i = 0; i < values.length && at < gathered; i++) {
    const value = values[i]!;
    const place = (value - low) * scale;
    const cell = place >= 0 ? (place < last ? (place | 0) + 1 : last + 1) : place < 0 ? 0 : -1;
    if (cell >= 0 && open[cell] === 1) inOpen[at++] = value;
  }
  inOpen.sort();
  for (let cell = 0, j = 0, next = 0; cell < cells; cell++) {
    if (open[cell] === 1) {
      let i = starts[cell]!;
      let own = j;
      const end = next + counts[cell]!;
      while (next < end) {
        const value = inOpen[next]!;
        while (i < starts[cell + 1]! && sorted[i]! < value) i++;
        less = Math.max(less, own * n - i * m);
        greater = Math.max(greater, i * m - own * n);
        while (i < starts[cell + 1]! && sorted[i] === value) i++;
        while (next < end && inOpen[next] === value) {
          next++;
          own++;
        }
        less = Math.max(less, own * n - i * m);
        greater = Math.max(greater, i * m - own * n);
      }
    }
    j += counts[cell]!;
  }
  return { greater, less, dropped, m };
}
