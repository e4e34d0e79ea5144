/** Numbers that are taken as they come, or that were put in order before. */
export type Sample = ArrayLike<number> | SortedSample;

/** Cells of equal width over the bulk of a sorted sample; the first and the last take what is outside. */
export interface SampleGrid {
  /** Where the second cell begins. */
  readonly low: number;
  /** Cells per unit. */
  readonly scale: number;
  /** How many values come before each cell, and before the end. */
  readonly starts: Uint32Array;
}

/**
 * A sample in ascending order, made once and compared many times: a reference that every window is held against, say. {@link ksTest}, {@link wassersteinDistance} and the other tests of order take it wherever
 * they take numbers. Sorting costs O(n log n), once.
 *
 * @example
 * ```ts
 * import { SortedSample, ksTest } from 'modelkeep/stats';
 *
 * const reference = SortedSample.of([0.3, 0.1, 0.2, NaN]);
 * console.log(reference.sorted, reference.dropped); // [0.1, 0.2, 0.3], 1
 * console.log(ksTest(reference, [0.4, 0.5, 0.6]).pValue); // 0.1
 * ```
 */
export class SortedSample {
  /** The numbers, ascending; ±Infinity are the smallest and the largest. Not to be changed. */
  readonly sorted: Float64Array;
  /** How many values were left out because they are NaN, `null` or no number at all. */
  readonly dropped: number;
  #grid: SampleGrid | undefined;

  private constructor(sorted: Float64Array, dropped: number) {
    this.sorted = sorted;
    this.dropped = dropped;
  }

  /** Puts a sample in order; one that is in order already is given back as it is. The numbers are copied. */
  static of(sample: Sample): SortedSample {
    if (sample instanceof SortedSample) return sample;
    const numbers = numbersOf(sample);
    const own = numbers === sample ? numbers.slice() : numbers;
    own.sort();
    let kept = own.length;
    while (kept > 0 && Number.isNaN(own[kept - 1]!)) kept--;
    return new SortedSample(own.subarray(0, kept), own.length - kept);
  }

  /** @internal Made when it is first asked for; `undefined` where the bulk of the values is one value. */
  get grid(): SampleGrid | undefined {
    this.#grid ??= gridOf(this.sorted);
    return this.#grid;
  }
}

/** The numbers as doubles, NaN where there is none; a Float64Array is given back as it is. */
export function numbersOf(sample: ArrayLike<number>): Float64Array {
  return sample instanceof Float64Array ? sample : Float64Array.from(sample, (value) => (typeof value === 'number' ? value : NaN));
}

const innerCells = 16_384;

function gridOf(sorted: Float64Array): SampleGrid | undefined {
  const n = sorted.length;
  if (n === 0) return undefined;
  // A few far values must not take the grid away from the others.
  const aside = Math.floor(n / 1000);
  const low = sorted[aside]!;
  const scale = innerCells / (sorted[n - 1 - aside]! - low);
  if (!(scale > 0 && scale < Infinity && low > -Infinity)) return undefined;
  const starts = new Uint32Array(innerCells + 3);
  let cell = 0;
  for (let i = 0; i < n; i++) {
    const place = (sorted[i]! - low) * scale;
    const own = place >= 0 ? (place < innerCells ? (place | 0) + 1 : innerCells + 1) : 0;
    while (cell < own) starts[++cell] = i;
  }
  while (cell < innerCells + 2) starts[++cell] = n;
  return { low, scale, starts };
}
