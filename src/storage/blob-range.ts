import { ValidationError } from '../core/errors.ts';
import type { ReadBlobOptions } from './contract.ts';

/** The part of a blob of `size` bytes that a range asks for: what lies outside the blob is left out. Throws `ValidationError` for what is no range. */
export function clipRange(range: ReadBlobOptions['range'], size: number): { start: number; end: number } {
  const { start, end = Infinity } = range ?? { start: 0 };
  const whole = Number.isSafeInteger(start) && (end === Infinity || Number.isSafeInteger(end));
  if (!whole || start < 0 || end < start) {
    throw new ValidationError(`The range from ${start} to ${end} is none; give whole numbers of bytes, from 0, with the end not before the start.`, { path: 'range' });
  }
  return { start: Math.min(start, size), end: Math.min(end, size) };
}
