import { ValidationError } from '../../core/errors.ts';
import { shown } from '../../core/shown.ts';
import type { GeneratorState } from '../seeded-generator.ts';

/** A number as JSON can hold it: the three that JSON has no word for are strings. */
export type StoredNumber = number | 'NaN' | 'Infinity' | '-Infinity';

/** What survives `JSON.stringify`: NaN and the infinities by name, -0 as 0. */
export function storedNumber(value: number): StoredNumber {
  if (Number.isFinite(value)) return value + 0;
  return String(value) as StoredNumber;
}

/** The number that {@link storedNumber} stored; `undefined` for anything else. */
export function loadedNumber(stored: unknown): number | undefined {
  if (typeof stored === 'number') return Number.isFinite(stored) ? stored + 0 : undefined;
  if (stored === 'NaN') return NaN;
  if (stored === 'Infinity') return Infinity;
  return stored === '-Infinity' ? -Infinity : undefined;
}

/** Reads a stored state field by field and throws `ValidationError` naming the first field that is not what it must be. */
export class StateReader {
  readonly #fields: Readonly<Record<string, unknown>>;
  readonly #kind: string;

  constructor(state: unknown, kind: string) {
    this.#kind = kind;
    if (typeof state !== 'object' || state === null || Array.isArray(state)) {
      throw new ValidationError(`The state of a ${kind} is ${shown(state)}; it must be the object that toJSON() gave.`, { path: 'state' });
    }
    this.#fields = state as Readonly<Record<string, unknown>>;
    if (this.field('kind') !== kind) this.refuse('kind', `must be '${kind}'`);
    if (this.field('version') !== 1) this.refuse('version', 'must be 1, the only version that this release reads');
  }

  /** The field as it is; `undefined` where the state has none of its own. */
  field(name: string): unknown {
    return Object.hasOwn(this.#fields, name) ? this.#fields[name] : undefined;
  }

  whole(name: string, min = 0, max: number = Number.MAX_SAFE_INTEGER): number {
    const value = this.field(name);
    if (!isWhole(value, min, max)) this.refuse(name, `must be a whole number from ${min} to ${max}`);
    return value + 0;
  }

  /** A finite number from `min` to `max`. */
  finite(name: string, min: number = -Number.MAX_VALUE, max: number = Number.MAX_VALUE): number {
    const value = this.field(name);
    if (!(typeof value === 'number' && value >= min && value <= max)) this.refuse(name, `must be a finite number from ${min} to ${max}`);
    return value + 0;
  }

  /** A number that may be infinite, but not NaN. */
  extended(name: string): number {
    const value = loadedNumber(this.field(name));
    if (value === undefined || Number.isNaN(value)) this.refuse(name, "must be a number, 'Infinity' or '-Infinity'");
    return value;
  }

  /** A list of at most `longest` things. */
  list(name: string, longest: number): readonly unknown[] {
    return this.listOf(name, this.field(name), longest);
  }

  /** The value at a place inside the state, as a list of at most `longest` things. */
  listOf(place: string, value: unknown, longest: number): readonly unknown[] {
    if (!Array.isArray(value)) this.refuse(place, 'must be a list', value);
    if (value.length > longest) this.refuse(place, `has ${value.length} entries and must have at most ${longest}`, null);
    return value as readonly unknown[];
  }

  /** Whole numbers, exactly `length` of them where that is given. */
  counts(name: string, longest: number, length?: number): Float64Array {
    const list = this.list(name, longest);
    if (length !== undefined && list.length !== length) this.refuse(name, `has ${list.length} entries and must have ${length}`, null);
    const counts = new Float64Array(list.length);
    for (let i = 0; i < list.length; i++) {
      const count = list[i];
      if (!isWhole(count, 0, Number.MAX_SAFE_INTEGER)) this.refuse(`${name}[${i}]`, 'must be a whole number of at least 0', count);
      counts[i] = count;
    }
    return counts;
  }

  seed(): number {
    return this.whole('seed', 0, 2 ** 32 - 1);
  }

  generator(): GeneratorState {
    const words = this.list('generator', 4);
    const good = words.length === 4 && words.every((word) => isWhole(word, 0, 2 ** 32 - 1)) && words.some((word) => word !== 0);
    if (!good) this.refuse('generator', 'must be four whole numbers of 32 bits, not all of them 0');
    return words as unknown as GeneratorState;
  }

  /** Throws. `value` is what stands there, unless it is the field of that name; `null` leaves it out of the message. */
  refuse(place: string, why: string, value: unknown = this.field(place)): never {
    const what = value === null ? '' : ` is ${shown(value, 60)} and`;
    throw new ValidationError(`${place} in the state of a ${this.#kind}${what} ${why}.`, { path: place });
  }
}

function isWhole(value: unknown, min: number, max: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max;
}

/** Throws `ValidationError` where two sketches that should merge were made with different settings. */
export function demandEqualSettings(kind: string, setting: string, own: unknown, other: unknown): void {
  if (own === other) return;
  throw new ValidationError(`A ${kind} with ${setting} ${shown(own, 60)} cannot take in one with ${setting} ${shown(other, 60)}; make all that will be merged with the same ${setting}.`, {
    path: setting,
  });
}

/** Throws `ValidationError` unless what is to be merged is a sketch of the same class. */
export function demandSketch(kind: string, isOne: boolean, other: unknown): void {
  if (isOne) return;
  throw new ValidationError(`A ${kind} can only take in another ${kind}, not ${shown(other, 60)}; read stored states with fromJSON first.`, { path: 'other' });
}
