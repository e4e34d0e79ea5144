import { countInCells, valuesOfCells } from '../samples/sample-grid.ts';
import { sortDoubles } from '../samples/sort-doubles.ts';
import { SortedSample, numbersOf, type Sample } from '../samples/sorted-sample.ts';

/** How far two distribution functions come apart, in units of 1 / (n m): whole numbers, exact up to n m = 2^53. */
export interface Gap {
  /** Largest i·m - j·n, where i and j count the values of either sample up to a place. */
  readonly greater: number;
  /** Largest j·n - i·m. */
  readonly less: number;
}

/** A gap, and how many values of either sample took part and did not. */
export interface SampledGap extends Gap {
  readonly n: number;
  readonly m: number;
  readonly dropped: readonly [number, number];
}

/** The gap of two samples; sorts no more than it must. */
export function gapOf(x: Sample, y: Sample): SampledGap {
  if (y instanceof SortedSample && !(x instanceof SortedSample)) {
    const { greater, less, n, m, dropped } = gapOf(y, x);
    return { greater: less, less: greater, n: m, m: n, dropped: [dropped[1], dropped[0]] };
  }
  const quick = x instanceof SortedSample && !(y instanceof SortedSample) ? gridGap(x, numbersOf(y)) : undefined;
  if (quick !== undefined) return quick;
  const first = SortedSample.of(x);
  const second = SortedSample.of(y);
  const { greater, less } = gapOfSorted(first.sorted, second.sorted);
  return { greater, less, n: first.sorted.length, m: second.sorted.length, dropped: [first.dropped, second.dropped] };
}

/** The gap of two samples in order, and whether any value comes more than once. */
export function gapOfSorted(x: Float64Array, y: Float64Array): Gap & { readonly tied: boolean } {
  return repeats(x) || repeats(y) ? { ...gapOfGroups(x, y), tied: true } : gapOfDistinct(x, y);
}

function repeats(sorted: Float64Array): boolean {
  for (let i = 1; i < sorted.length; i++) if (sorted[i] === sorted[i - 1]) return true;
  return false;
}

/** For samples without repeats. No branch depends on which of them comes next, which cannot be foretold. */
function gapOfDistinct(x: Float64Array, y: Float64Array): Gap & { readonly tied: boolean } {
  const n = x.length;
  const m = y.length;
  let greater = 0;
  let less = 0;
  let steps = 0;
  let i = 0;
  let j = 0;
  while (i < n && j < m) {
    const a = x[i]!;
    const b = y[j]!;
    i += +(a <= b);
    j += +(b <= a);
    steps++;
    const difference = i * m - j * n;
    greater = Math.max(greater, difference);
    less = Math.min(less, difference);
  }
  return { greater, less: -less + 0, tied: steps < i + j };
}

function gapOfGroups(x: Float64Array, y: Float64Array): Gap {
  const n = x.length;
  const m = y.length;
  let greater = 0;
  let less = 0;
  let i = 0;
  let j = 0;
  while (i < n && j < m) {
    const a = x[i]!;
    const b = y[j]!;
    const value = a < b ? a : b;
    while (i < n && x[i] === value) i++;
    while (j < m && y[j] === value) j++;
    const difference = i * m - j * n;
    if (difference > greater) greater = difference;
    else if (-difference > less) less = -difference;
  }
  return { greater, less };
}

/**
 * The gap between a sample that was sorted before and one that was not, without sorting that: counts both in the cells of a grid, where the functions are known at every edge; inside a cell they are at most so far
 * apart, and only the values of cells that might beat the widest edge are sorted. The result is that of the sorted values, to the last bit. `undefined` when too many values are in such cells to be worth it.
 */
function gridGap(reference: SortedSample, values: Float64Array): SampledGap | undefined {
  const { grid, sorted } = reference;
  if (grid === undefined) return undefined;
  const { starts } = grid;
  const { cells, counts, dropped } = countInCells(grid, values);
  const n = sorted.length;
  const m = values.length - dropped;
  const last = counts.length - 1;
  let greater = 0;
  let less = 0;
  for (let cell = 1, j = 0; cell < last; cell++) {
    j += counts[cell]!;
    const difference = starts[cell + 1]! * m - j * n;
    if (difference > greater) greater = difference;
    else if (-difference > less) less = -difference;
  }
  const open = new Uint8Array(counts.length);
  let gathered = 0;
  for (let cell = 1, j = 0; cell < last; cell++) {
    const after = j + counts[cell]!;
    if (counts[cell]! > 0 && (starts[cell + 1]! * m - j * n > greater || after * n - starts[cell]! * m > less)) {
      open[cell] = 1;
      gathered += counts[cell]!;
    }
    j = after;
  }
  if (gathered > m / 4) return undefined;
  const inOpen = sortDoubles(valuesOfCells(values, cells, open, gathered));
  for (let cell = 1, j = 0, next = 0; cell < last; cell++) {
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
  return { greater, less, n, m, dropped: [reference.dropped, dropped] };
}
