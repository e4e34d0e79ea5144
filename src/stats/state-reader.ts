import { ValidationError } from '../core/errors.ts';
import { shown } from '../core/shown.ts';

/** Reads a stored state field by field; whatever is not as it must be is a `ValidationError` that names the field. */
export class StateReader {
  readonly #fields: Readonly<Record<string, unknown>>;
  readonly #path: string;

  constructor(state: unknown, path = 'state') {
    if (typeof state !== 'object' || state === null || Array.isArray(state)) throw wrong(path, state, 'an object');
    this.#fields = state as Record<string, unknown>;
    this.#path = path;
  }

  /** Demands the kind and version that a state was stored with. */
  demandKind(kind: string): void {
    this.word('kind', [kind]);
    this.whole('version', 1, 1);
  }

  number(name: string, min: number = -Infinity, max: number = Infinity): number {
    const value = this.#fields[name];
    if (typeof value === 'number' && Number.isFinite(value) && value >= min && value <= max) return value;
    throw wrong(`${this.#path}.${name}`, value, `a finite number${rangeText(min, max)}`);
  }

  /** A number, or `undefined` where `null` is stored. */
  optional(name: string, min: number = -Infinity, max: number = Infinity): number | undefined {
    return this.#fields[name] === null ? undefined : this.number(name, min, max);
  }

  whole(name: string, min: number = 0, max: number = Number.MAX_SAFE_INTEGER): number {
    const value = this.#fields[name];
    if (Number.isInteger(value) && (value as number) >= min && (value as number) <= max) return value as number;
    throw wrong(`${this.#path}.${name}`, value, `a whole number from ${min} to ${max}`);
  }

  numbers(name: string, minLength: number = 0, maxLength: number = Infinity, min: number = -Infinity, max: number = Infinity): number[] {
    const list = this.#fields[name];
    if (!Array.isArray(list) || list.length < minLength || list.length > maxLength) {
      throw wrong(`${this.#path}.${name}`, list, minLength === maxLength ? `a list of ${minLength} numbers` : 'a list of numbers of another length');
    }
    return list.map((value: unknown, i) => {
      if (typeof value === 'number' && Number.isFinite(value) && value >= min && value <= max) return value;
      throw wrong(`${this.#path}.${name}[${i}]`, value, `a finite number${rangeText(min, max)}`);
    });
  }

  word<Word extends string>(name: string, allowed: readonly Word[]): Word {
    const value = this.#fields[name];
    if (allowed.includes(value as Word)) return value as Word;
    throw wrong(`${this.#path}.${name}`, value, `one of ${allowed.map((word) => `'${word}'`).join(', ')}`);
  }

  flag(name: string): boolean {
    const value = this.#fields[name];
    if (typeof value === 'boolean') return value;
    throw wrong(`${this.#path}.${name}`, value, 'true or false');
  }

  part(name: string): StateReader {
    return new StateReader(this.#fields[name], `${this.#path}.${name}`);
  }
}

function rangeText(min: number, max: number): string {
  if (min > -Infinity && max < Infinity) return ` from ${min} to ${max}`;
  if (min > -Infinity) return ` of at least ${min}`;
  return max < Infinity ? ` of at most ${max}` : '';
}

function wrong(path: string, value: unknown, wanted: string): ValidationError {
  return new ValidationError(`${path} is ${shown(value, 60)}; a stored state has ${wanted} there. It was changed or is of something else.`, { path });
}
