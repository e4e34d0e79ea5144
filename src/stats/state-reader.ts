import { ValidationError } from '../core/errors.ts';
import { shown } from '../core/shown.ts';
import type { GeneratorState } from './seeded-generator.ts';
import { loadedNumber } from './stored-number.ts';

/**
 * Reads a stored state field by field; whatever is not as it must be is a `ValidationError` that names the field, as `state.memory.sizes[3]`. Of -0 it makes the 0
 * that JSON makes of it.
 */
export class StateReader {
  readonly #fields: Readonly<Record<string, unknown>>;
  readonly #kind: string;
  readonly #path: string;

  /** Of a whole state, whose kind and version are read at once, or, with a `path`, of a part of one. */
  constructor(state: unknown, kind: string, path?: string) {
    this.#kind = kind;
    this.#path = path ?? 'state';
    if (typeof state !== 'object' || state === null || Array.isArray(state)) {
      throw new ValidationError(`${this.#path} is ${shown(state, 60)} and must be the object that the toJSON() of '${kind}' gave.`, { path: this.#path });
    }
    this.#fields = state as Readonly<Record<string, unknown>>;
    if (path !== undefined) return;
    this.word('kind', [kind]);
    if (this.field('version') !== 1) this.refuse('version', 'must be 1, the only version that this release reads');
  }

  /** The field as it is; `undefined` where the state has none of its own. */
  field(name: string): unknown {
    return Object.hasOwn(this.#fields, name) ? this.#fields[name] : undefined;
  }

  /** The state inside of a field. */
  part(name: string): StateReader {
    return new StateReader(this.field(name), this.#kind, `${this.#path}.${name}`);
  }

  /** The state at a place inside of the state, such as an entry of a list. */
  inner(value: unknown, place: string): StateReader {
    return new StateReader(value, this.#kind, `${this.#path}.${place}`);
  }

  whole(name: string, min = 0, max: number = Number.MAX_SAFE_INTEGER): number {
    const value = this.field(name);
    if (!isWhole(value, min, max)) this.refuse(name, `must be a whole number from ${min} to ${max}`);
    return value + 0;
  }

  /** A finite number from `min` to `max`. */
  number(name: string, min: number = -Infinity, max: number = Infinity): number {
    const value = this.field(name);
    if (!isFiniteFrom(value, min, max)) this.refuse(name, `must be a finite number${rangeText(min, max)}`);
    return value + 0;
  }

  /** A finite number, or `undefined` where `null` is stored. */
  optional(name: string, min: number = -Infinity, max: number = Infinity): number | undefined {
    return this.field(name) === null ? undefined : this.number(name, min, max);
  }

  /** A number that may be infinite, but not NaN. */
  extended(name: string): number {
    const value = loadedNumber(this.field(name));
    if (value === undefined || Number.isNaN(value)) this.refuse(name, "must be a number, 'Infinity' or '-Infinity'");
    return value;
  }

  word<Word extends string>(name: string, allowed: readonly Word[]): Word {
    const value = this.field(name) as Word;
    if (!allowed.includes(value)) this.refuse(name, `must be ${allowed.map((word) => `'${word}'`).join(' or ')}`);
    return value;
  }

  flag(name: string): boolean {
    const value = this.field(name);
    if (typeof value !== 'boolean') this.refuse(name, 'must be true or false');
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

  /** A list of `least` to `longest` finite numbers from `min` to `max`. */
  numbers(name: string, least: number, longest: number, min: number = -Infinity, max: number = Infinity): number[] {
    return this.numbersOf(name, this.field(name), least, longest, min, max);
  }

  /** The value at a place inside the state, as {@link numbers}. */
  numbersOf(place: string, value: unknown, least: number, longest: number, min: number = -Infinity, max: number = Infinity): number[] {
    const list = this.listOf(place, value, longest);
    if (list.length < least) this.refuse(place, `has ${list.length} entries and must have ${least === longest ? '' : 'at least '}${least}`, null);
    return list.map((number, i) => {
      if (!isFiniteFrom(number, min, max)) this.refuse(`${place}[${i}]`, `must be a finite number${rangeText(min, max)}`, number);
      return number + 0;
    });
  }

  /** Whole numbers of at least 0, exactly `length` of them where that is given. */
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
    const path = `${this.#path}.${place}`;
    const what = value === null ? '' : ` is ${shown(value, 60)} and`;
    throw new ValidationError(`${path}${what} ${why}; this is not what the toJSON() of '${this.#kind}' gave.`, { path });
  }
}

function isWhole(value: unknown, min: number, max: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max;
}

function isFiniteFrom(value: unknown, min: number, max: number): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= min && value <= max;
}

function rangeText(min: number, max: number): string {
  if (min > -Infinity && max < Infinity) return ` from ${min} to ${max}`;
  if (min > -Infinity) return ` of at least ${min}`;
  return max < Infinity ? ` of at most ${max}` : '';
}
