import { demandList, demandOptions, demandProbability, demandWhole } from '../arguments.ts';
import { StateReader } from '../state-reader.ts';
import { exponentOf, powerOfTwo } from './double-parts.ts';
import { LeftOut } from './left-out.ts';
import { demandEqualSettings, demandSketch } from './demand-sketch.ts';

/** How an {@link AdaptiveHistogram} is made. */
export interface AdaptiveHistogramOptions {
  /** How many bins it has at most, 8 to 1,000,000. @default 512 */
  readonly maxBins?: number | undefined;
}

/** One bin: `low` ≤ x < `high`. */
export interface HistogramBin {
  /** Its lower edge, a multiple of the width; -Infinity where that is beyond the doubles. */
  readonly low: number;
  /** Its upper edge; Infinity where that is beyond the doubles. */
  readonly high: number;
  /** How many numbers it holds. */
  readonly count: number;
}

/** A stored {@link AdaptiveHistogram}. */
export interface AdaptiveHistogramState {
  /** What the state is of. */
  readonly kind: 'adaptive-histogram';
  /** The version of its layout. */
  readonly version: 1;
  /** How many bins it has at most. */
  readonly maxBins: number;
  /** The smallest finite number; `null` when there is none. */
  readonly min: number | null;
  /** The largest finite number; `null` when there is none. */
  readonly max: number | null;
  /** The count of each bin from that of `min` to that of `max`; the width follows from these two. */
  readonly counts: readonly number[];
  /** How many NaN it has seen. */
  readonly nan: number;
  /** How many -Infinity it has seen. */
  readonly negativeInfinity: number;
  /** How many Infinity it has seen. */
  readonly positiveInfinity: number;
}

const largestMaxBins = 1_000_000;
const coarsest = 1023;
const finest = -1074;

/**
 * A histogram of a stream whose range nobody knows beforehand. All bins have one width, a power of two, and their edges are multiples of it; the width is the smallest at which the bins from
 * the smallest to the largest number seen are at most `maxBins`, and at least the spacing of doubles at the largest magnitude. When the range grows, bins are joined by twos, fours and so
 * on: since the edges are nested, that is the same as if every number had been counted at the new width from the start. So the state depends on nothing but the multiset of the numbers,
 * and merging is **exactly** associative, commutative and independent of order.
 *
 * The bins in use are about `maxBins` / 2 to `maxBins` (fewer only where doubles are not dense enough), and a quantile is off by at most one `width`, a rank by the count of one bin. One number
 * far out makes all bins wide: take a `KllSketch` for heavy tails. NaN (and what is no number) and the infinities are left out and counted apart; -0 is 0.
 * Cost: O(1) for each number that lies in the range so far, O(maxBins) for one that widens it beyond the bins in store (at most some 2000 times) and for a merge.
 *
 * @example
 * ```ts
 * import { AdaptiveHistogram } from 'modelkeep/stats';
 *
 * const morning = new AdaptiveHistogram({ maxBins: 64 }).updateAll([0.1, 0.2, 0.3]);
 * const evening = new AdaptiveHistogram({ maxBins: 64 }).updateAll([40, 50, NaN]);
 * const day = morning.merge(evening);
 * console.log(day.count, day.width, day.min, day.max, day.nan); // 5 1 0.1 50 1
 * ```
 */
export class AdaptiveHistogram {
  /** The options, defaults included. */
  readonly options: {
    /** How many bins there are at most. */
    readonly maxBins: number;
  };
  #counts: Float64Array;
  /** The index of the bin in the first place; that of a bin is its lower edge over the width. */
  #base = 0;
  #exponent = finest;
  #width = Number.MIN_VALUE;
  #count = 0;
  #min = Infinity;
  #max = -Infinity;
  readonly #leftOut: LeftOut = new LeftOut();

  constructor(options: AdaptiveHistogramOptions = {}) {
    const { maxBins = 512 } = demandOptions(options);
    demandWhole('maxBins', maxBins, 8, largestMaxBins);
    this.options = Object.freeze({ maxBins });
    this.#counts = new Float64Array(2 * maxBins);
  }

  /** Takes in one number. */
  update(value: number): this {
    if (typeof value !== 'number' || value - value !== 0) {
      this.#leftOut.add(value);
      return this;
    }
    if (value < this.#min || value > this.#max) this.#widen(value, value);
    this.#counts[indexOf(value, this.#width) - this.#base]!++;
    this.#count++;
    return this;
  }

  /** Takes in all numbers of a list. */
  updateAll(values: ArrayLike<number>): this {
    demandList('values', values);
    const { length } = values;
    for (let i = 0; i < length; i++) {
      this.update(values[i]!);
      // As long as nothing widens the range, nothing but counts can change.
      const counts = this.#counts;
      const width = this.#width;
      const base = this.#base;
      const min = this.#min;
      const max = this.#max;
      const start = i + 1;
      while (i + 1 < length) {
        const value = values[i + 1]!;
        if (!(typeof value === 'number' && value >= min && value <= max)) break;
        counts[indexOf(value, width) - base]!++;
        i++;
      }
      this.#count += i + 1 - start;
    }
    return this;
  }

  /** Takes in what another histogram has counted; the other one stays as it is. Throws `ValidationError` where the two have different `maxBins`. */
  merge(other: AdaptiveHistogram): this {
    demandSketch('AdaptiveHistogram', other instanceof AdaptiveHistogram, other);
    demandEqualSettings('AdaptiveHistogram', 'maxBins', this.options.maxBins, other.options.maxBins);
    this.#leftOut.merge(other.#leftOut);
    if (other.#count === 0) return this;
    this.#widen(other.#min, other.#max);
    const first = indexOf(other.#min, other.#width);
    const last = indexOf(other.#max, other.#width);
    const factor = factorOf(this.#exponent - other.#exponent);
    for (let index = first; index <= last; index++) {
      const count = other.#counts[index - other.#base]!;
      if (count > 0) this.#counts[indexOf(index, factor) - this.#base]! += count;
    }
    this.#count += other.#count;
    return this;
  }

  /** How many finite numbers it has seen. */
  get count(): number {
    return this.#count;
  }

  /** How many NaN, and things that are no numbers, it has seen. */
  get nan(): number {
    return this.#leftOut.nan;
  }

  /** How many -Infinity it has seen. */
  get negativeInfinity(): number {
    return this.#leftOut.negativeInfinity;
  }

  /** How many Infinity it has seen. */
  get positiveInfinity(): number {
    return this.#leftOut.positiveInfinity;
  }

  /** The smallest finite number, exactly; NaN of none. */
  get min(): number {
    return this.#count === 0 ? NaN : this.#min;
  }

  /** The largest finite number, exactly; NaN of none. */
  get max(): number {
    return this.#count === 0 ? NaN : this.#max;
  }

  /** The width of all bins, a power of two: what a quantile is off by at most. NaN of no numbers. */
  get width(): number {
    return this.#count === 0 ? NaN : this.#width;
  }

  /** The bins from that of the smallest to that of the largest number, empty ones included. */
  bins(): HistogramBin[] {
    return Array.from(this.#used(), (count, i) => {
      const index = indexOf(this.#min, this.#width) + i;
      return { low: index * this.#width, high: (index + 1) * this.#width, count };
    });
  }

  /**
   * About the number that a share `q` of the finite ones is at most, as if those of a bin lay evenly in it: 0 gives the smallest, 1 the largest, and others lie within one `width` of the
   * smallest number whose rank is at least q · count. NaN of no numbers. Throws `ValidationError` unless `q` is from 0 to 1.
   */
  quantile(q: number): number {
    demandProbability('q', q);
    if (this.#count === 0) return NaN;
    if (q === 0) return this.#min;
    if (q === 1) return this.#max;
    const target = q * this.#count;
    const counts = this.#used();
    let before = 0;
    let bin = 0;
    while (bin < counts.length - 1 && before + counts[bin]! < target) before += counts[bin++]!;
    const index = indexOf(this.#min, this.#width) + bin + (target - before) / counts[bin]!;
    return Math.min(this.#max, Math.max(this.#min, index * this.#width));
  }

  /** About what share of the finite numbers is at most `x`, off by at most the share of the bin that `x` lies in. NaN of no numbers and for NaN. */
  cdf(x: number): number {
    if (this.#count === 0 || x !== x) return NaN;
    if (x < this.#min) return 0;
    if (x >= this.#max) return 1;
    const counts = this.#used();
    const index = indexOf(x, this.#width);
    const bin = index - indexOf(this.#min, this.#width);
    let before = 0;
    for (let i = 0; i < bin; i++) before += counts[i]!;
    return (before + counts[bin]! * Math.min(1, Math.max(0, x / this.#width - index))) / this.#count;
  }

  /** The whole state as a plain object that survives JSON; the same for the same numbers in whatever order and parts they came. */
  toJSON(): AdaptiveHistogramState {
    const empty = this.#count === 0;
    return {
      kind: 'adaptive-histogram',
      version: 1,
      ...this.options,
      min: empty ? null : this.#min,
      max: empty ? null : this.#max,
      counts: Array.from(this.#used()),
      ...this.#leftOut.toJSON(),
    };
  }

  /** Goes on from a stored state as if it had never been stored. Throws `ValidationError` naming the field that is not what `toJSON` gives. */
  static fromJSON(state: unknown): AdaptiveHistogram {
    const reader: StateReader = new StateReader(state, 'adaptive-histogram');
    const histogram = new AdaptiveHistogram({ maxBins: reader.whole('maxBins', 8, largestMaxBins) });
    histogram.#leftOut.restore(reader);
    if (reader.list('counts', histogram.options.maxBins).length === 0) {
      if (reader.field('min') !== null) reader.refuse('min', 'must be null where counts is empty');
      return histogram;
    }
    const min = reader.number('min');
    const max = reader.number('max', min);
    histogram.#widen(min, max);
    const counts = reader.counts('counts', histogram.options.maxBins, indexOf(max, histogram.#width) - indexOf(min, histogram.#width) + 1);
    if (!(counts[0]! > 0 && counts.at(-1)! > 0)) reader.refuse('counts', 'must be above 0 in the bins of min and max', null);
    histogram.#counts.set(counts, indexOf(min, histogram.#width) - histogram.#base);
    histogram.#count = counts.reduce((total, count) => total + count, 0);
    if (!Number.isSafeInteger(histogram.#count)) reader.refuse('counts', 'must have a sum below 2^53', null);
    if (min < max && histogram.#count < 2) reader.refuse('counts', 'must hold both min and max', null);
    return histogram;
  }

  /** The bins from that of min to that of max. */
  #used(): Float64Array {
    if (this.#count === 0) return new Float64Array(0);
    return this.#counts.subarray(indexOf(this.#min, this.#width) - this.#base, indexOf(this.#max, this.#width) - this.#base + 1);
  }

  /** Takes new extremes in: joins bins until the range fits, and moves them where there is room on both sides. */
  #widen(min: number, max: number): void {
    const lowest = Math.min(this.#min, min) + 0;
    const highest = Math.max(this.#max, max) + 0;
    // A wider range never asks for a smaller width, so one that still fits is the right one.
    const fits = this.#count > 0 && Math.max(-lowest, highest) / this.#width < 2 ** 53 && indexOf(highest, this.#width) - indexOf(lowest, this.#width) < this.options.maxBins;
    const exponent = fits ? this.#exponent : exponentFor(lowest, highest, this.options.maxBins);
    const width = fits ? this.#width : powerOfTwo(exponent);
    const first = indexOf(lowest, width);
    const last = indexOf(highest, width);
    const hasRoom = fits && first >= this.#base && last < this.#base + this.#counts.length;
    if (!hasRoom) this.#move(first, last, exponent);
    this.#min = lowest;
    this.#max = highest;
    this.#exponent = exponent;
    this.#width = width;
  }

  /** Makes room for the bins `first` to `last` at a width of 2^exponent, with as much on either side as there is. */
  #move(first: number, last: number, exponent: number): void {
    const used = this.#used();
    const from = this.#count === 0 ? 0 : indexOf(this.#min, this.#width);
    const factor = factorOf(exponent - this.#exponent);
    const counts = new Float64Array(this.#counts.length);
    const base = first - Math.floor((counts.length - (last - first + 1)) / 2);
    for (let i = 0; i < used.length; i++) if (used[i]! > 0) counts[indexOf(from + i, factor) - base]! += used[i]!;
    this.#counts = counts;
    this.#base = base;
  }
}

/** The exponent of the smallest width at which the bins from `min` to `max` are at most `maxBins`, and no smaller than the spacing of doubles there. */
function exponentFor(min: number, max: number, maxBins: number): number {
  const largest = Math.max(-min, max);
  let exponent = largest === 0 ? finest : Math.max(finest, exponentOf(largest) - 52);
  if (min === max) return exponent;
  // Halves, for the span itself may be infinite; two below what the quotient asks for, so that none that fits is missed.
  const half = max / 2 - min / 2;
  if (half > 0) exponent = Math.max(exponent, exponentOf(half) + 1 - Math.ceil(Math.log2(maxBins)) - 2);
  for (; exponent < coarsest; exponent++) {
    const width = powerOfTwo(exponent);
    if (indexOf(max, width) - indexOf(min, width) < maxBins) break;
  }
  return exponent;
}

/** ⌊value / width⌋, never -0; exact, since the width is a power of two and at least the spacing of doubles. */
function indexOf(value: number, width: number): number {
  const quotient = value / width;
  // A quotient that is too small for a double has lost its sign.
  return quotient === 0 ? (value < 0 ? -1 : 0) : Math.floor(quotient);
}

/** 2^steps, by which an index is divided for a width so many times as large. */
function factorOf(steps: number): number {
  return steps <= coarsest ? powerOfTwo(steps) : Infinity;
}
