import { demandList } from '../arguments.ts';
import { StateReader } from '../state-reader.ts';
import { exponentOf, powerOfTwo } from './double-parts.ts';
import { LeftOut } from './left-out.ts';
import { demandSketch } from './demand-sketch.ts';

/** A stored {@link Moments}. */
export interface MomentsState {
  /** What the state is of. */
  readonly kind: 'moments';
  /** The version of its layout. */
  readonly version: 1;
  /** How many finite numbers it has seen. */
  readonly count: number;
  /** How many NaN it has seen. */
  readonly nan: number;
  /** How many -Infinity it has seen. */
  readonly negativeInfinity: number;
  /** How many Infinity it has seen. */
  readonly positiveInfinity: number;
  /** The smallest finite number; `null` when there is none. */
  readonly min: number | null;
  /** The largest finite number; `null` when there is none. */
  readonly max: number | null;
  /** Scaled: the sum, what rounding took off it, the mean and the second, third and fourth central power sums. */
  readonly sums: readonly number[];
}

const blockSize = 1024;

/**
 * Count, mean, variance, skewness, kurtosis, smallest, largest and sum of a stream of numbers, in constant memory. Single numbers are taken in by the updates of Welford (1962) and
 * Terriberry (2007), blocks in two passes, and two summaries are merged by the pairwise formulas of Chan, Golub & LeVeque (1979) and Pébay (2008); the sum carries its rounding error
 * along (Neumaier 1974). Merging is associative and commutative up to rounding, some 1e-15 relative per step.
 *
 * NaN (and what is no number) and the infinities are left out and counted apart. Numbers beyond 1e±60 are held scaled by a power of two, so that their fourth powers neither
 * overflow nor vanish. Equal numbers have a variance of exactly 0. Cost: O(1) for each number and each merge.
 *
 * @example
 * ```ts
 * import { Moments } from 'modelkeep/stats';
 *
 * const monday = new Moments().updateAll([1, 2, 3]);
 * const tuesday = new Moments().updateAll([4, 5, NaN]);
 * const both = monday.merge(tuesday);
 * console.log(both.count, both.mean, both.variance, both.nan); // 5 3 2.5 1
 * ```
 */
export class Moments {
  #count = 0;
  readonly #leftOut: LeftOut = new LeftOut();
  #min = Infinity;
  #max = -Infinity;
  #scale = 1;
  #sum = 0;
  #rest = 0;
  #mean = 0;
  #m2 = 0;
  #m3 = 0;
  #m4 = 0;

  /** Takes in one number. */
  update(value: number): this {
    if (!Number.isFinite(value)) {
      this.#leftOut.add(value);
      return this;
    }
    if (value < this.#min || value > this.#max) this.#widen(value, value);
    const x = value * this.#scale;
    this.#addToSum(x, 0);
    const before = this.#count;
    const n = before + 1;
    const delta = x - this.#mean;
    const step = delta / n;
    const term = delta * step * before;
    this.#m4 += term * step * step * (n * n - 3 * n + 3) + 6 * step * step * this.#m2 - 4 * step * this.#m3;
    this.#m3 += term * step * (n - 2) - 3 * step * this.#m2;
    this.#m2 += term;
    this.#mean += step;
    this.#count = n;
    return this;
  }

  /** Takes in all numbers of a list; quicker and more exact than one by one. */
  updateAll(values: ArrayLike<number>): this {
    demandList('values', values);
    const block = new Float64Array(Math.min(blockSize, values.length));
    for (let start = 0; start < values.length; start += blockSize) {
      const end = Math.min(values.length, start + blockSize);
      let size = 0;
      let min = Infinity;
      let max = -Infinity;
      for (let i = start; i < end; i++) {
        const value = values[i]!;
        if (typeof value !== 'number' || value - value !== 0) {
          this.#leftOut.add(value);
          continue;
        }
        if (value < min) min = value;
        if (value > max) max = value;
        block[size++] = value;
      }
      if (size > 0) this.#addBlock(block, size, min, max);
    }
    return this;
  }

  /** Takes in what another summary has seen; the other one stays as it is. */
  merge(other: Moments): this {
    demandSketch('Moments', other instanceof Moments, other);
    this.#leftOut.merge(other.#leftOut);
    if (other.#count === 0) return this;
    const scaleOfOther = other.#scale;
    const { count, sum, rest, mean, m2, m3, m4 } = { count: other.#count, sum: other.#sum, rest: other.#rest, mean: other.#mean, m2: other.#m2, m3: other.#m3, m4: other.#m4 };
    this.#widen(other.#min, other.#max);
    const r = this.#scale / scaleOfOther;
    this.#addToSum(sum * r, rest * r);
    this.#addMoments(count, mean * r, m2 * r * r, m3 * r * r * r, m4 * r * r * r * r);
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

  /** The smallest finite number; NaN of none. */
  get min(): number {
    return this.#count === 0 ? NaN : this.#min;
  }

  /** The largest finite number; NaN of none. */
  get max(): number {
    return this.#count === 0 ? NaN : this.#max;
  }

  /** Σ x; 0 of no numbers, infinite where the sum is beyond the doubles. */
  get sum(): number {
    return (this.#sum + this.#rest) / this.#scale;
  }

  /** Σ x / n; NaN of no numbers. */
  get mean(): number {
    if (this.#count === 0) return NaN;
    if (this.#min === this.#max) return this.#min;
    return Math.min(this.#max, Math.max(this.#min, (this.#sum + this.#rest) / this.#count / this.#scale));
  }

  /** The unbiased variance Σ (x - mean)² / (n - 1); NaN of fewer than two numbers. */
  get variance(): number {
    return this.#count < 2 ? NaN : Math.max(0, this.#m2) / (this.#count - 1) / this.#scale / this.#scale;
  }

  /** The square root of the variance; NaN of fewer than two numbers. */
  get standardDeviation(): number {
    return this.#count < 2 ? NaN : Math.sqrt(Math.max(0, this.#m2) / (this.#count - 1)) / this.#scale;
  }

  /** Σ (x - mean)³ / n over the third power of the root of Σ (x - mean)² / n (g₁, as scipy and Evidently have it); NaN of no or of equal numbers. */
  get skewness(): number {
    if (!(this.#m2 > 0)) return NaN;
    const variance = this.#m2 / this.#count;
    return this.#m3 / this.#count / Math.sqrt(variance) / variance;
  }

  /** The excess n Σ (x - mean)⁴ / (Σ (x - mean)²)² - 3 (g₂, 0 for a normal law); NaN of no or of equal numbers. */
  get kurtosis(): number {
    if (!(this.#m2 > 0)) return NaN;
    const variance = this.#m2 / this.#count;
    return this.#m4 / this.#count / variance / variance - 3;
  }

  /** The whole state as a plain object that survives JSON. */
  toJSON(): MomentsState {
    const empty = this.#count === 0;
    return {
      kind: 'moments',
      version: 1,
      count: this.#count,
      ...this.#leftOut.toJSON(),
      min: empty ? null : this.#min,
      max: empty ? null : this.#max,
      sums: [this.#sum, this.#rest, this.#mean, this.#m2, this.#m3, this.#m4].map((sum) => sum + 0),
    };
  }

  /** Goes on from a stored state, bit by bit as if it had never been stored. Throws `ValidationError` naming the field that is not what `toJSON` gives. */
  static fromJSON(state: unknown): Moments {
    const reader: StateReader = new StateReader(state, 'moments');
    const moments = new Moments();
    moments.#count = reader.whole('count');
    moments.#leftOut.restore(reader);
    const sums = reader.list('sums', 6);
    if (sums.length !== 6 || !sums.every(isFinite)) reader.refuse('sums', 'must be six finite numbers');
    if (moments.#count === 0) {
      if (sums.some((each) => each !== 0)) reader.refuse('sums', 'must all be 0 where count is 0');
      return moments;
    }
    const min = reader.number('min');
    moments.#widen(min, reader.number('max', min));
    const [sum = 0, rest = 0, mean = 0, m2 = 0, m3 = 0, m4 = 0] = sums;
    const largest = Math.max(-moments.#min, moments.#max) * moments.#scale;
    const n = moments.#count * 1.001;
    // A power sum of numbers that all lie between min and max cannot be larger; larger ones would overflow later on.
    const bounds = [n, n, 1.001, 4 * n, 8 * n, 16 * n].map((factor, i) => factor * largest ** [1, 1, 1, 2, 3, 4][i]!);
    if (m2 < 0 || m4 < 0 || sums.some((each, i) => Math.abs(each) > bounds[i]!)) reader.refuse('sums', 'must be sums of powers of numbers from min to max');
    [moments.#sum, moments.#rest, moments.#mean, moments.#m2, moments.#m3, moments.#m4] = [sum, rest, mean, m2, m3, m4];
    return moments;
  }

  /** Takes new extremes in, and brings all sums to the scale that goes with them. */
  #widen(min: number, max: number): void {
    this.#min = Math.min(this.#min, min) + 0;
    this.#max = Math.max(this.#max, max) + 0;
    const scale = scaleFor(Math.max(-this.#min, this.#max));
    if (scale === this.#scale) return;
    const r = scale / this.#scale;
    this.#scale = scale;
    if (this.#count === 0) return;
    this.#sum *= r;
    this.#rest *= r;
    this.#mean *= r;
    // One factor at a time: the product of all may be infinite, and that times 0 is NaN.
    this.#m2 = this.#m2 * r * r;
    this.#m3 = this.#m3 * r * r * r;
    this.#m4 = this.#m4 * r * r * r * r;
  }

  #addToSum(sum: number, rest: number): void {
    const total = this.#sum + sum;
    this.#rest += rest + (Math.abs(this.#sum) >= Math.abs(sum) ? this.#sum - total + sum : sum - total + this.#sum);
    this.#sum = total;
  }

  #addBlock(block: Float64Array, size: number, min: number, max: number): void {
    this.#widen(min, max);
    const scale = this.#scale;
    const origin = block[0]! * scale;
    let sum = this.#sum;
    let rest = 0;
    let shift = 0;
    for (let i = 0; i < size; i++) {
      const x = block[i]! * scale;
      const total = sum + x;
      const part = total - sum;
      rest += sum - (total - part) + (x - part);
      sum = total;
      shift += x - origin;
    }
    this.#sum = sum;
    this.#rest += rest;
    const centre = origin + shift / size;
    let s1 = 0;
    let s2 = 0;
    let s3 = 0;
    let s4 = 0;
    for (let i = 0; i < size; i++) {
      const d = block[i]! * scale - centre;
      const dd = d * d;
      s1 += d;
      s2 += dd;
      s3 += d * dd;
      s4 += dd * dd;
    }
    // What rounding left in the centre is taken off again, to first order.
    const off = s1 / size;
    this.#addMoments(size, centre + off, Math.max(0, s2 - off * s1), s3 - 3 * off * s2, Math.max(0, s4 - 4 * off * s3));
  }

  #addMoments(count: number, mean: number, m2: number, m3: number, m4: number): void {
    const a = this.#count;
    const b = count;
    const n = a + b;
    const delta = mean - this.#mean;
    // The mean of nothing is no place to measure from.
    const d = a === 0 ? 0 : delta;
    const fa = a / n;
    const fb = b / n;
    const dd = d * d;
    const product = dd * fa * b;
    this.#m4 += m4 + product * dd * (fa * fa - fa * fb + fb * fb) + 6 * dd * (fa * fa * m2 + fb * fb * this.#m2) + 4 * d * (fa * m3 - fb * this.#m3);
    this.#m3 += m3 + product * d * (fa - fb) + 3 * d * (fa * m2 - fb * this.#m2);
    this.#m2 += m2 + product;
    this.#mean = a === 0 ? mean : this.#mean + delta * fb;
    this.#count = n;
  }
}

function isFinite(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

/** 1 for usual numbers; for very large or very small ones the power of two that brings the largest of them to about 1. */
function scaleFor(largest: number): number {
  if (largest === 0 || (largest > 1e-60 && largest < 1e60)) return 1;
  return powerOfTwo(Math.max(-1000, Math.min(1000, -exponentOf(largest))));
}
