import { demandList } from '../arguments.ts';
import { gridOf, type SampleGrid } from './sample-grid.ts';
import { sortDoubles } from './sort-doubles.ts';

/** Numbers that are taken as they come, or that were put in order before. */
export type Sample = ArrayLike<number> | SortedSample;

/**
 * A sample in ascending order, made once and compared many times: a reference that every window is held against, say. {@link ksTest}, {@link wassersteinDistance} and the other tests of order take it wherever
 * they take numbers. Sorting costs O(n), once.
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
  /** `null` where there is none to be had. */
  #grid: SampleGrid | null | undefined;

  private constructor(sorted: Float64Array, dropped: number) {
    this.sorted = sorted;
    this.dropped = dropped;
  }

  /** Puts a sample in order; one that is in order already is given back as it is. The numbers are copied. */
  static of(sample: Sample): SortedSample {
    if (sample instanceof SortedSample) return sample;
    const numbers = numbersOf(sample);
    const sorted = sortDoubles(numbers);
    return new SortedSample(sorted, numbers.length - sorted.length);
  }

  /** @internal Made when it is first asked for; `undefined` where sorting is quicker. */
  get grid(): SampleGrid | undefined {
    if (this.#grid === undefined) this.#grid = gridOf(this.sorted) ?? null;
    return this.#grid ?? undefined;
  }
}

/** Throws `ValidationError` unless the argument is a sample, in order or not. */
export function demandSample(name: string, sample: Sample): void {
  if (!(sample instanceof SortedSample)) demandList(name, sample);
}

/** The numbers as doubles, NaN where there is none; a Float64Array is given back as it is. */
export function numbersOf(sample: ArrayLike<number>, name = 'sample'): Float64Array {
  if (sample instanceof Float64Array) return sample;
  demandList(name, sample);
  return Float64Array.from(sample, (value) => (typeof value === 'number' ? value : NaN));
}
