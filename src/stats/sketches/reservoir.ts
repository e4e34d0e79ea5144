import { demandList, demandOptions, demandWhole } from '../arguments.ts';
import { SeededGenerator, type GeneratorState } from '../seeded-generator.ts';
import { StateReader } from '../state-reader.ts';
import { demandScalar, loadedScalar, storedScalar, type ScalarValue, type StoredScalar } from './scalar-value.ts';
import { demandEqualSettings, demandSketch } from './demand-sketch.ts';

/** How a {@link Reservoir} is made. */
export interface ReservoirOptions {
  /** How many values it keeps at most, 1 to 1,000,000. @default 1000 */
  readonly capacity?: number | undefined;
  /** The seed of its draws, 0 to 2^32 - 1. Give the parts of a stream that will be merged different seeds. @default 1 */
  readonly seed?: number | undefined;
}

/** A stored {@link Reservoir}. */
export interface ReservoirState {
  /** What the state is of. */
  readonly kind: 'reservoir';
  /** The version of its layout. */
  readonly version: 1;
  /** How many values it keeps at most. */
  readonly capacity: number;
  /** The seed that it began with. */
  readonly seed: number;
  /** Where its generator stands. */
  readonly generator: GeneratorState;
  /** How many values it has seen. */
  readonly count: number;
  /** The sample. */
  readonly items: readonly StoredScalar[];
  /** The largest of the random keys of the sample (the W of algorithm L), 1 before it is full. */
  readonly threshold: number;
  /** The position in the stream of the next value that enters; 0 before it is full. */
  readonly next: number;
}

const largestCapacity = 1_000_000;

/**
 * A uniform sample of a stream without replacement, of bounded size: algorithm L of Li (1994), which draws how many values to skip and so costs O(capacity · log(count / capacity)) for a whole
 * list. Every subset of `capacity` values is as likely as any other.
 *
 * Merging stays uniform: how many of the sample come from each side follows the hypergeometric law of the two counts, and a new threshold is drawn for what follows.
 * It is associative and commutative in distribution, not value by value. Values are strings, numbers, booleans and bigints; NaN and the infinities are values like others, -0 is 0. The sample
 * is in no particular order. Sketches merge when they have the same capacity. Throws `ValidationError` for a value of another type that would enter the sample.
 *
 * @example
 * ```ts
 * import { Reservoir } from 'modelkeep/stats';
 *
 * const east = new Reservoir<number>({ capacity: 100, seed: 1 }).updateAll(Float64Array.from({ length: 9000 }, (_, i) => i));
 * const west = new Reservoir<number>({ capacity: 100, seed: 2 }).updateAll([-1, -2, -3]);
 * const both = east.merge(west);
 * console.log(both.count, both.sample().length); // 9003 100
 * ```
 */
export class Reservoir<Value extends ScalarValue = ScalarValue> {
  /** The options, defaults included. */
  readonly options: {
    /** How many it holds at most. */
    readonly capacity: number;
    /** The seed of its draws. */
    readonly seed: number;
  };
  #generator: SeededGenerator;
  #items: Value[] = [];
  #count = 0;
  #threshold = 1;
  #next = 0;

  constructor(options: ReservoirOptions = {}) {
    const { capacity = 1000, seed = 1 } = demandOptions(options);
    demandWhole('capacity', capacity, 1, largestCapacity);
    this.options = Object.freeze({ capacity, seed });
    this.#generator = new SeededGenerator(seed);
  }

  /** Takes in one value. */
  update(value: Value): this {
    if (this.#items.length < this.options.capacity) this.#fill(value);
    else if (this.#count + 1 === this.#next) this.#replace(value);
    this.#count++;
    return this;
  }

  /** Takes in all values of a list; it looks only at those that enter the sample. */
  updateAll(values: ArrayLike<Value>): this {
    demandList('values', values);
    const { length } = values;
    let i = 0;
    for (; i < length && this.#items.length < this.options.capacity; i++) this.update(values[i]!);
    if (i === length) return this;
    const start = this.#count - i;
    for (let at = this.#next - start - 1; at < length; at = this.#next - start - 1) {
      this.#replace(values[at]!);
      this.#count = start + at + 1;
    }
    this.#count = start + length;
    return this;
  }

  /** Takes in what another sample stands for; the other one stays as it is. Throws `ValidationError` where the two have different `capacity`. */
  merge(other: Reservoir<Value>): this {
    demandSketch('Reservoir', other instanceof Reservoir, other);
    const { capacity } = this.options;
    demandEqualSettings('Reservoir', 'capacity', capacity, other.options.capacity);
    if (other.#count === 0) return this;
    const own = this.#items.slice();
    const theirs = other.#items.slice();
    let ownLeft = this.#count;
    let theirsLeft = other.#count;
    this.#count += other.#count;
    const size = Math.min(capacity, this.#count);
    this.#items = [];
    while (this.#items.length < size) {
      // One value of both streams after the other, without replacement; those of a stream that were kept stand for all of it.
      const fromOwn = this.#generator.uniform() * (ownLeft + theirsLeft) < ownLeft;
      if (fromOwn) ownLeft--;
      else theirsLeft--;
      this.#items.push(this.#take(fromOwn ? own : theirs));
    }
    if (size === capacity) this.#drawThreshold();
    return this;
  }

  /** How many values it has seen. */
  get count(): number {
    return this.#count;
  }

  /** The sample; a copy, in no particular order. */
  sample(): Value[] {
    return this.#items.slice();
  }

  /** The whole state as a plain object that survives JSON. */
  toJSON(): ReservoirState {
    return {
      kind: 'reservoir',
      version: 1,
      ...this.options,
      generator: this.#generator.state,
      count: this.#count,
      items: this.#items.map(storedScalar),
      threshold: this.#threshold,
      next: this.#next,
    };
  }

  /** Goes on from a stored state, bit by bit as if it had never been stored. Throws `ValidationError` naming the field that is not what `toJSON` gives. */
  static fromJSON(state: unknown): Reservoir {
    const reader: StateReader = new StateReader(state, 'reservoir');
    const reservoir = new Reservoir({ capacity: reader.whole('capacity', 1, largestCapacity), seed: reader.seed() });
    const { capacity } = reservoir.options;
    reservoir.#generator = new SeededGenerator(reader.generator());
    reservoir.#count = reader.whole('count');
    const items = reader.list('items', capacity);
    const size = Math.min(capacity, reservoir.#count);
    if (items.length !== size) reader.refuse('items', `has ${items.length} entries and must have ${size}`, null);
    for (let i = 0; i < items.length; i++) {
      const value = loadedScalar(items[i]);
      if (value === undefined) reader.refuse(`items[${i}]`, 'must be a stored string, number, boolean or bigint', items[i]);
      reservoir.#items.push(value);
    }
    const full = size === capacity;
    reservoir.#threshold = reader.number('threshold', full ? 0 : 1, 1);
    reservoir.#next = full ? reader.whole('next', Math.min(reservoir.#count + 1, Number.MAX_SAFE_INTEGER)) : reader.whole('next', 0, 0);
    return reservoir;
  }

  #fill(value: Value): void {
    demandScalar(value);
    this.#items.push(normal(value));
    if (this.#items.length === this.options.capacity) this.#lower(this.#count + 1);
  }

  #replace(value: Value): void {
    demandScalar(value);
    this.#items[this.#generator.below(this.options.capacity)] = normal(value);
    this.#lower(this.#next);
  }

  /** After a value has entered: the largest of the keys falls, and with it how soon another one enters. */
  #lower(position: number): void {
    this.#threshold *= Math.exp(Math.log(this.#uniform()) / this.options.capacity);
    this.#skipFrom(position);
  }

  #skipFrom(position: number): void {
    const skipped = Math.floor(Math.log(this.#uniform()) / Math.log1p(-this.#threshold));
    // Without a threshold above 0 nothing enters any more, and 0 / 0 is no number.
    this.#next = skipped + position < Number.MAX_SAFE_INTEGER ? position + skipped + 1 : Number.MAX_SAFE_INTEGER;
  }

  /** Draws the largest of the keys of a full sample of `count` values: the capacity-th smallest of so many uniform numbers, by their spacings. */
  #drawThreshold(): void {
    let logarithm = 0;
    for (let i = 0; i < this.options.capacity; i++) logarithm += Math.log(this.#uniform()) / (this.#count - i);
    this.#threshold = -Math.expm1(logarithm);
    this.#skipFrom(this.#count);
  }

  /** A number in (0, 1]. */
  #uniform(): number {
    return 1 - this.#generator.uniform();
  }

  #take(from: Value[]): Value {
    const at = this.#generator.below(from.length);
    const taken = from[at]!;
    from[at] = from[from.length - 1]!;
    from.pop();
    return taken;
  }
}

/** -0 is 0, as JSON would make it. */
function normal<Value extends ScalarValue>(value: Value): Value {
  return value === 0 ? (0 as Value) : value;
}
