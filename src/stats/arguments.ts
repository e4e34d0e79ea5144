import { ValidationError } from '../core/errors.ts';
import { shown } from '../core/shown.ts';

/** Throws `ValidationError` unless the argument is a finite number above 0. */
export function demandPositive(name: string, value: number): void {
  if (!(typeof value === 'number' && value > 0 && value < Infinity)) throw new ValidationError(`${name} is ${shown(value, 80)}; it must be a finite number above 0.`, { path: name });
}

/** Throws `ValidationError` unless the argument is a finite number of at least 0. */
export function demandNotNegative(name: string, value: number): void {
  if (!(typeof value === 'number' && value >= 0 && value < Infinity)) throw new ValidationError(`${name} is ${shown(value, 80)}; it must be a finite number of at least 0.`, { path: name });
}

/** Throws `ValidationError` unless the argument is above 0 and at most 1. */
export function demandShare(name: string, value: number): void {
  if (!(typeof value === 'number' && value > 0 && value <= 1)) throw new ValidationError(`${name} is ${shown(value, 80)}; it must be above 0 and at most 1.`, { path: name });
}

/** Throws `ValidationError` unless the argument is a number from 0 to 1, both included. */
export function demandProbability(name: string, value: number): void {
  if (!(typeof value === 'number' && value >= 0 && value <= 1)) throw new ValidationError(`${name} is ${shown(value, 80)}; a probability is a number from 0 to 1.`, { path: name });
}

/** Throws `ValidationError` unless the argument lies between 0 and 1, both excluded: a level of confidence or of significance. */
export function demandLevel(name: string, value: number): void {
  if (!(typeof value === 'number' && value > 0 && value < 1)) throw new ValidationError(`${name} is ${shown(value, 80)}; it must be above 0 and below 1, such as 0.95 for a confidence.`, { path: name });
}

/** Throws `ValidationError` unless the argument is a whole number from `min` to `max`. */
export function demandWhole(name: string, value: number, min = 0, max: number = Number.MAX_SAFE_INTEGER): void {
  if (Number.isInteger(value) && value >= min && value <= max) return;
  const range = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`;
  throw new ValidationError(`${name} is ${shown(value, 80)}; it must be a whole number ${range}.`, { path: name });
}

/** Throws `ValidationError` unless the argument is one of the words that it may be. */
export function demandOneOf(name: string, value: unknown, allowed: readonly string[]): void {
  if (typeof value === 'string' && allowed.includes(value)) return;
  throw new ValidationError(`${name} is ${shown(value, 80)}; it must be one of ${allowed.map((word) => `'${word}'`).join(', ')}.`, { path: name });
}

/** Throws `ValidationError` unless the argument is a number; NaN is one. */
export function demandNumber(name: string, value: number): void {
  if (typeof value !== 'number') throw new ValidationError(`${name} is ${shown(value, 80)}; it must be a number.`, { path: name });
}

/** Throws `ValidationError` unless the argument is `true` or `false`. */
export function demandFlag(name: string, value: boolean): void {
  if (typeof value !== 'boolean') throw new ValidationError(`${name} is ${shown(value, 80)}; it must be true or false.`, { path: name });
}

/** Throws `ValidationError` unless the argument is a function. */
export function demandFunction(name: string, value: unknown): void {
  if (typeof value !== 'function') throw new ValidationError(`${name} is ${shown(value, 80)}; it must be a function.`, { path: name });
}

/** Throws `ValidationError` unless the argument is an array, a typed array or an object like one; a text is none. */
export function demandList(name: string, list: ArrayLike<unknown>): void {
  if (Array.isArray(list)) return;
  // A length of more than an array can have is no length, and what reads it would not end.
  if (typeof list === 'object' && list !== null && Number.isInteger(list.length) && list.length >= 0 && list.length < 2 ** 32) return;
  throw new ValidationError(`${name} is ${shown(list, 80)}; it must be an array or a typed array.`, { path: name });
}

/** Throws `ValidationError` unless the argument is an object of named options; gives it back. */
export function demandOptions<Options>(options: Options, name = 'options'): Options {
  if (typeof options === 'object' && options !== null && !Array.isArray(options)) return options;
  throw new ValidationError(`${name} is ${shown(options, 80)}; it must be an object with named options, or be left out.`, { path: name });
}

/** Throws `ValidationError` unless two lists that belong together have the same length. */
export function demandSameLength(name: string, list: ArrayLike<unknown>, otherName: string, other: ArrayLike<unknown>): void {
  demandList(name, list);
  demandList(otherName, other);
  if (list.length === other.length) return;
  throw new ValidationError(`${name} has ${list.length} values and ${otherName} has ${other.length}; they belong together, one by one.`, { path: otherName });
}

/** Throws `ValidationError` unless every value is a finite count of at least 0; gives their sum. */
export function demandCounts(name: string, counts: ArrayLike<number>): number {
  demandList(name, counts);
  let total = 0;
  for (let i = 0; i < counts.length; i++) {
    const count = counts[i]!;
    if (!(typeof count === 'number' && count >= 0 && count < Infinity)) {
      throw new ValidationError(`${name}[${i}] is ${shown(count, 80)}; a count is finite and not negative.`, { path: `${name}[${i}]` });
    }
    total += count;
  }
  return total;
}
