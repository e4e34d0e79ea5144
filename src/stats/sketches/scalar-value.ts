import { ValidationError } from '../../core/errors.ts';
import { shown } from '../../core/shown.ts';
import { loadedNumber, storedNumber } from '../stored-number.ts';

/** What a sketch of categories can hold. 1, '1' and `1n` are three values; all NaN are one, and -0 is 0. */
export type ScalarValue = string | number | boolean | bigint;

/** A {@link ScalarValue} as JSON can hold it. */
export type StoredScalar =
  | string
  | number
  | boolean
  | {
      /** A number that JSON has no form for, in words. */
      readonly number: string;
    }
  | {
      /** The digits of a bigint. */
      readonly bigint: string;
    };

/** Throws `ValidationError` unless a value is a string, a number, a boolean or a bigint. */
export function demandScalar(value: unknown): void {
  const type = typeof value;
  if (type === 'string' || type === 'number' || type === 'boolean' || type === 'bigint') return;
  throw new ValidationError(`The value ${shown(value, 60)} is neither a string, a number, a boolean nor a bigint; make a string of it first.`, { path: 'value' });
}

export function storedScalar(value: ScalarValue): StoredScalar {
  if (typeof value === 'bigint') return { bigint: value.toString() };
  if (typeof value !== 'number') return value;
  const stored = storedNumber(value);
  return typeof stored === 'number' ? stored : { number: stored };
}

/** The value that {@link storedScalar} stored; `undefined` for anything else. */
export function loadedScalar(stored: unknown): ScalarValue | undefined {
  if (typeof stored === 'string' || typeof stored === 'boolean') return stored;
  if (typeof stored === 'number') return loadedNumber(stored);
  if (typeof stored !== 'object' || stored === null) return undefined;
  if ('number' in stored) return typeof stored.number === 'string' ? loadedNumber(stored.number) : undefined;
  const digits = 'bigint' in stored ? stored.bigint : undefined;
  // Reading digits takes time that grows faster than their number.
  return typeof digits === 'string' && digits.length <= 20_000 && /^(0|-?[1-9]\d*)$/.test(digits) ? BigInt(digits) : undefined;
}

/** An order of all values that is the same on every machine: by type, then numbers by size and strings by code units. */
export function compareScalars(a: ScalarValue, b: ScalarValue): number {
  if (typeof a !== typeof b) return typeof a < typeof b ? -1 : 1;
  if (a !== a) return b !== b ? 0 : 1;
  if (b !== b) return -1;
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
