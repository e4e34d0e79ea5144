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
