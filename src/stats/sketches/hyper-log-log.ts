import { ValidationError } from '../../core/errors.ts';
import { shown } from '../../core/shown.ts';
import { demandList, demandOptions, demandWhole } from '../arguments.ts';
import { StateReader } from '../state-reader.ts';
import { ValueHasher, type HashableValue } from './hash-value.ts';
import { demandEqualSettings, demandSketch } from './demand-sketch.ts';
import { HashRegisters } from './hash-registers.ts';

/** How a {@link HyperLogLog} is made. */
export interface HyperLogLogOptions {
  /** It has 2^precision registers, 4 to 18: the standard error is 1.04 / √2^precision, 1.6 % for 12. @default 12 */
  readonly precision?: number | undefined;
}

/** A stored {@link HyperLogLog}. */
export interface HyperLogLogState {
  /** What the state is of. */
  readonly kind: 'hyper-log-log';
  /** The version of its layout. */
  readonly version: 1;
  /** It has 2^precision registers. */
  readonly precision: number;
  /** How many values it has seen. */
  readonly count: number;
  /** How many null and undefined it has seen. */
  readonly missing: number;
  /** All registers as a text, one character of A–Z a–z 0–9 + / for each (0 to 63); or, while few are above 0, the pairs register, value one after the other. */
  readonly registers: string | readonly number[];
}

/**
 * How many different values a stream has, in 2^precision bytes: HyperLogLog (Flajolet et al. 2007) over a hash of 64 bits, with the estimator that Ertl (2017, "New cardinality estimation
 * algorithms for HyperLogLog sketches", algorithm 6) proved free of bias from nothing to the end of the range, so that it needs no corrections. Standard error 1.04 / √2^precision; a few
 * hundred values are counted nearly exactly.
 *
 * Values are strings, numbers, booleans, bigints and bytes; 1, '1', true and 1n differ, all NaN are one value, -0 is 0, and `null` and `undefined` are counted as missing. It does not depend
 * on order or repetition, so merging is exactly associative and commutative. Sketches merge when their precisions are equal. Cost: O(length) for each value, O(2^precision) for a merge
 * or an estimate. Throws `ValidationError` for a value of another type.
 *
 * @example
 * ```ts
 * import { HyperLogLog } from 'modelkeep/stats';
 *
 * const monday = new HyperLogLog().updateAll(['ann', 'bob', 'ann']);
 * const tuesday = new HyperLogLog().updateAll(['bob', 'eve']);
 * console.log(Math.round(HyperLogLog.union(monday, tuesday).estimate())); // 3
 * ```
 */
export class HyperLogLog {
  /** The options, defaults included. */
  readonly options: {
    /** The binary logarithm of how many registers there are. */
    readonly precision: number;
  };
  readonly #registers: HashRegisters;
  readonly #hasher = new ValueHasher();
  #count = 0;
  #missing = 0;

  constructor(options: HyperLogLogOptions = {}) {
    const { precision = 12 } = demandOptions(options);
    demandWhole('precision', precision, 4, 18);
    this.options = Object.freeze({ precision });
    this.#registers = new HashRegisters(precision);
  }

  /** Takes in one value. */
  update(value: HashableValue | null | undefined): this {
    if (value === null || value === undefined) {
      this.#missing++;
      return this;
    }
    if (!this.#hasher.hash(value)) {
      throw new ValidationError(`The value ${shown(value, 60)} is neither a string, a number, a boolean, a bigint nor a Uint8Array; make one of it first.`, { path: 'value' });
    }
    this.#count++;
    this.#registers.add(this.#hasher);
    return this;
  }

  /** Takes in all values of a list. */
  updateAll(values: ArrayLike<HashableValue | null | undefined>): this {
    demandList('values', values);
    for (let i = 0; i < values.length; i++) {
      const value = values[i];
      if (typeof value !== 'number') {
        this.update(value);
        continue;
      }
      this.#hasher.hashNumber(value);
      this.#count++;
      this.#registers.add(this.#hasher);
    }
    return this;
  }

  /** Takes in what another sketch has seen; the other one stays as it is. Throws `ValidationError` where the two have different `precision`. */
  merge(other: HyperLogLog): this {
    demandSketch('HyperLogLog', other instanceof HyperLogLog, other);
    demandEqualSettings('HyperLogLog', 'precision', this.options.precision, other.options.precision);
    this.#registers.merge(other.#registers);
    this.#count += other.#count;
    this.#missing += other.#missing;
    return this;
  }

  /** A new sketch of all that some sketches have seen together; they stay as they are. */
  static union(first: HyperLogLog, ...others: readonly HyperLogLog[]): HyperLogLog {
    demandSketch('HyperLogLog', first instanceof HyperLogLog, first);
    const union = new HyperLogLog(first.options).merge(first);
    for (const other of others) union.merge(other);
    return union;
  }

  /** How many values it has seen, repetitions included and missing ones not. */
  get count(): number {
    return this.#count;
  }

  /** How many null and undefined it has seen. */
  get missing(): number {
    return this.#missing;
  }

  /** The standard deviation of `estimate() / truth`: 1.04 / √2^precision. */
  get standardError(): number {
    return 1.04 / Math.sqrt(this.#registers.length);
  }

  /** About how many different values it has seen; exactly 0 of none. */
  estimate(): number {
    return this.#registers.estimate();
  }

  /** The whole state as a plain object that survives JSON. */
  toJSON(): HyperLogLogState {
    return {
      kind: 'hyper-log-log',
      version: 1,
      ...this.options,
      count: this.#count,
      missing: this.#missing,
      registers: this.#registers.stored(),
    };
  }

  /** Goes on from a stored state, bit by bit as if it had never been stored. Throws `ValidationError` naming the field that is not what `toJSON` gives. */
  static fromJSON(state: unknown): HyperLogLog {
    const reader: StateReader = new StateReader(state, 'hyper-log-log');
    const sketch = new HyperLogLog({ precision: reader.whole('precision', 4, 18) });
    sketch.#count = reader.whole('count');
    sketch.#missing = reader.whole('missing');
    const stored = reader.field('registers');
    const filled = sketch.#registers.restore(typeof stored === 'string' ? stored : reader.counts('registers', sketch.#registers.length), (place, why, value) => reader.refuse(place, why, value));
    if (filled > sketch.#count || (filled === 0 && sketch.#count > 0)) reader.refuse('count', `does not go with ${filled} filled registers`);
    return sketch;
  }
}
