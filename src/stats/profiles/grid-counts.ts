import { binOf } from '../samples/count-in-bins.ts';
import { edgesOfSorted } from '../samples/quantile-edges.ts';
import { sortDoubles } from '../samples/sort-doubles.ts';

/** Finite numbers, counted in bins that a reference froze. */
export interface GridCounts {
  /** Ascending: bin 0 is below the first edge, bin i begins at edge i - 1, which belongs to it. */
  readonly edges: readonly number[];
  /** The edges among them that bound the ten or so bins of the stability index. */
  readonly cuts: readonly number[];
  /** Numbers per bin, one more than there are edges. */
  readonly counts: readonly number[];
  /** The smallest number; `null` when there is none. */
  readonly min: number | null;
  /** The largest number; `null` when there is none. */
  readonly max: number | null;
}

const coarseBins = 10;

/** A grid of at most about `fineBins` bins of equal counts of these numbers, none counted yet. Puts the numbers in order. */
export function freezeGrid(numbers: Float64Array, fineBins: number): GridCounts {
  const sorted = sortDoubles(numbers);
  const edges = edgesOfSorted(sorted, fineBins);
  return { edges: [...edges], cuts: [...edgesOfSorted(sorted, coarseBins)], counts: new Array<number>(edges.length + 1).fill(0), min: null, max: null };
}

/** Counts numbers in a grid as they come. */
export class GridCounter {
  readonly #grid: GridCounts;
  readonly #edges: Float64Array;
  readonly #counts: Float64Array;
  #min = Infinity;
  #max = -Infinity;

  constructor(grid: GridCounts) {
    this.#grid = grid;
    this.#edges = Float64Array.from(grid.edges);
    this.#counts = new Float64Array(grid.edges.length + 1);
  }

  /** Counts a finite number that `rows` rows have. */
  add(number: number, rows: number): void {
    this.#counts[binOf(this.#edges, number)]! += rows;
    if (number < this.#min) this.#min = number;
    if (number > this.#max) this.#max = number;
  }

  /** What was counted since the last take, and starts anew. */
  take(): GridCounts {
    const some = this.#min <= this.#max;
    const taken = { ...this.#grid, counts: [...this.#counts], min: some ? this.#min + 0 : null, max: some ? this.#max + 0 : null };
    this.#counts.fill(0);
    this.#min = Infinity;
    this.#max = -Infinity;
    return taken;
  }
}

/** The numbers of both; `undefined` when they were counted in different bins. */
export function mergeGrids(a: GridCounts, b: GridCounts): GridCounts | undefined {
  if (!sameNumbers(a.edges, b.edges)) return undefined;
  return { ...a, counts: addCounts(a.counts, b.counts), min: smaller(a.min, b.min), max: larger(a.max, b.max) };
}

/** Whether a value that came from outside is a grid with counts. */
export function isGrid(value: unknown): value is GridCounts {
  if (typeof value !== 'object' || value === null) return false;
  const { edges, cuts, counts } = value as GridCounts;
  return isAscending(edges) && isAscending(cuts) && isCounts(counts, edges.length + 1);
}

/** Whether a value that came from outside is a list of so many counts. */
export function isCounts(value: unknown, length: number): value is readonly number[] {
  return Array.isArray(value) && value.length === length && value.every(isCount);
}

/** Whether a value that came from outside is a number of rows. */
export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** Whether a value that came from outside is a list of finite numbers, each larger than the one before. */
export function isAscending(values: unknown): boolean {
  return Array.isArray(values) && values.every((value, i) => Number.isFinite(value) && (i === 0 || value > values[i - 1]));
}

/** The sums of counts of the same bins. */
export function addCounts(a: readonly number[], b: readonly number[]): number[] {
  return a.map((count, i) => count + b[i]!);
}

/** All counts together. */
export function sumOf(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0);
}

/** Whether two lists hold the same numbers. */
export function sameNumbers(a: readonly number[], b: readonly number[]): boolean {
  return a === b || (a.length === b.length && a.every((value, i) => value === b[i]));
}

/** The smaller of two numbers, where there is one. */
export function smaller(a: number | null, b: number | null): number | null {
  return a === null ? b : b === null ? a : Math.min(a, b);
}

/** The larger of two numbers, where there is one. */
export function larger(a: number | null, b: number | null): number | null {
  return a === null ? b : b === null ? a : Math.max(a, b);
}
