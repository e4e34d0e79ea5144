import { demandList, demandOptions, demandWhole } from '../arguments.ts';
import { StateReader } from '../state-reader.ts';
import { compareScalars, demandScalar, loadedScalar, storedScalar, type ScalarValue, type StoredScalar } from './scalar-value.ts';
import { demandEqualSettings, demandSketch } from './demand-sketch.ts';

/** How a {@link TopK} is made. */
export interface TopKOptions {
  /** How many different values it counts at most, 2 to 100,000: while a stream has no more, all counts are exact. @default 256 */
  readonly capacity?: number | undefined;
}

/** How often a value was seen, as far as {@link TopK} knows. */
export interface ValueCount {
  /** How often it was seen at least: exactly so often while the sketch is exact. */
  readonly count: number;
  /** How often it was seen at most. */
  readonly high: number;
}

/** A frequent value. */
export interface TopItem extends ValueCount {
  /** The value. */
  readonly value: ScalarValue;
}

/** What {@link TopK.top} gives. */
export interface TopItems {
  /** The most frequent first; equal counts in the order of the values. */
  readonly items: readonly TopItem[];
  /** `total` less the counts of the items: at least 0. */
  readonly other: number;
  /** How many values were seen, missing ones not among them. */
  readonly total: number;
}

/** A stored {@link TopK}. */
export interface TopKState {
  /** What the state is of. */
  readonly kind: 'top-k';
  /** The version of its layout. */
  readonly version: 1;
  /** How many different values it counts at most. */
  readonly capacity: number;
  /** How many values it has seen. */
  readonly count: number;
  /** How many null and undefined it has seen. */
  readonly missing: number;
  /** How much too low a count is at most. */
  readonly error: number;
  /** Values and their counts. */
  readonly items: readonly (readonly [value: StoredScalar, count: number])[];
}

const largestCapacity = 100_000;

/**
 * The most frequent values of a stream and how many others there were: the counters of Misra & Gries (1982), merged as Agarwal et al. ("Mergeable summaries", 2012) do. A new value beyond
 * `capacity` takes the count of the (⌊capacity / 2⌋ + 1)-th most frequent one off all counters and drops those that are left with nothing. So each count is too low by at most
 * `error` ≤ (total - sum of the counts) / (⌊capacity / 2⌋ + 1), and every value more frequent than that is there, however the stream was split and merged.
 *
 * While at most `capacity` different values were seen it is exact, and merging is exactly associative and commutative; beyond that within `error`. Values are strings, numbers, booleans and
 * bigints; 1, '1' and 1n differ, all NaN are one value, -0 is 0, and `null` and `undefined` are counted as missing. Sketches merge when they have the same capacity. Cost: amortised
 * O(log capacity) for each value. Throws `ValidationError` for a value of another type.
 *
 * @example
 * ```ts
 * import { TopK } from 'modelkeep/stats';
 *
 * const airlines = new TopK({ capacity: 100 }).updateAll(['AA', 'DL', 'AA', 'UA', 'AA', 'DL']);
 * const { items, other } = airlines.top(2);
 * console.log(items[0]?.value, items[0]?.count, items[1]?.value, other); // AA 3 DL 1
 * ```
 */
export class TopK {
  /** The options, defaults included. */
  readonly options: {
    /** How many it holds at most. */
    readonly capacity: number;
  };
  readonly #counts = new Map<ScalarValue, number>();
  #count = 0;
  #missing = 0;
  #error = 0;

  constructor(options: TopKOptions = {}) {
    const { capacity = 256 } = demandOptions(options);
    demandWhole('capacity', capacity, 2, largestCapacity);
    this.options = Object.freeze({ capacity });
  }

  /** Takes in one value. */
  update(value: ScalarValue | null | undefined): this {
    if (value === null || value === undefined) {
      this.#missing++;
      return this;
    }
    const before = this.#counts.get(value);
    if (before === undefined) demandScalar(value);
    this.#counts.set(value, (before ?? 0) + 1);
    this.#count++;
    if (before === undefined && this.#counts.size > this.options.capacity) this.#cut();
    return this;
  }

  /** Takes in all values of a list. */
  updateAll(values: ArrayLike<ScalarValue | null | undefined>): this {
    demandList('values', values);
    for (let i = 0; i < values.length; i++) this.update(values[i]);
    return this;
  }

  /** Takes in what another sketch has seen; the other one stays as it is. Throws `ValidationError` where the two have different `capacity`. */
  merge(other: TopK): this {
    demandSketch('TopK', other instanceof TopK, other);
    demandEqualSettings('TopK', 'capacity', this.options.capacity, other.options.capacity);
    for (const [value, count] of [...other.#counts]) this.#counts.set(value, (this.#counts.get(value) ?? 0) + count);
    this.#count += other.#count;
    this.#missing += other.#missing;
    this.#error += other.#error;
    if (this.#counts.size > this.options.capacity) this.#cut();
    return this;
  }

  /** How many values it has seen, missing ones not among them. */
  get count(): number {
    return this.#count;
  }

  /** How many null and undefined it has seen. */
  get missing(): number {
    return this.#missing;
  }

  /** How much too low a count is at most; 0 while all are exact. */
  get error(): number {
    return this.#error;
  }

  /** The most frequent values, at most `n` of them (by default all that it holds), and how many others were seen. */
  top(n: number = this.options.capacity): TopItems {
    demandWhole('n', n);
    const items = this.#sorted()
      .slice(0, n)
      .map(([value, count]) => ({ value, count, high: this.#highOf(count) }));
    return { items, other: items.reduce((rest, { count }) => rest - count, this.#count), total: this.#count };
  }

  /** How often a value was seen; at least 0 and at most `error` times where it is not among those that are counted. */
  countOf(value: ScalarValue): ValueCount {
    const count = this.#counts.get(value) ?? 0;
    return { count, high: this.#highOf(count) };
  }

  /** The whole state as a plain object that survives JSON; the same for the same counts in whatever order they came. */
  toJSON(): TopKState {
    const items = this.#sorted().map(([value, count]) => [storedScalar(value), count] as const);
    return { kind: 'top-k', version: 1, ...this.options, count: this.#count, missing: this.#missing, error: this.#error, items };
  }

  /** Goes on from a stored state as if it had never been stored. Throws `ValidationError` naming the field that is not what `toJSON` gives. */
  static fromJSON(state: unknown): TopK {
    const reader: StateReader = new StateReader(state, 'top-k');
    const sketch = new TopK({ capacity: reader.whole('capacity', 2, largestCapacity) });
    sketch.#count = reader.whole('count');
    sketch.#missing = reader.whole('missing');
    const items = reader.list('items', sketch.options.capacity);
    let left = sketch.#count;
    for (let i = 0; i < items.length; i++) {
      const pair = reader.listOf(`items[${i}]`, items[i], 2);
      const value = loadedScalar(pair[0]);
      const count = pair[1];
      if (value === undefined) reader.refuse(`items[${i}][0]`, 'must be a stored string, number, boolean or bigint', pair[0]);
      if (sketch.#counts.has(value)) reader.refuse(`items[${i}][0]`, 'must not come twice', pair[0]);
      if (!(typeof count === 'number' && Number.isInteger(count) && count >= 1 && count <= left)) {
        reader.refuse(`items[${i}][1]`, `must be a whole number from 1 to ${left}, what count leaves for it`, count);
      }
      sketch.#counts.set(value, count);
      left -= count;
    }
    sketch.#error = reader.whole('error', 0, Math.floor(left / (sketch.#kept() + 1)));
    if (left > 0 && sketch.#error === 0) reader.refuse('error', `must be above 0 where the counts of the items leave ${left} out`);
    return sketch;
  }

  #kept(): number {
    return this.options.capacity >>> 1;
  }

  #highOf(count: number): number {
    return Math.min(count + this.#error, this.#count);
  }

  #sorted(): [ScalarValue, number][] {
    return [...this.#counts].sort(([a, countOfA], [b, countOfB]) => countOfB - countOfA || compareScalars(a, b));
  }

  /** Makes room: at most half the capacity is left. */
  #cut(): void {
    const descending = Float64Array.from(this.#counts.values()).sort().reverse();
    const cut = descending[this.#kept()]!;
    this.#error += cut;
    for (const [value, count] of this.#counts) {
      if (count > cut) this.#counts.set(value, count - cut);
      else this.#counts.delete(value);
    }
  }
}
