import { ValidationError } from '../core/errors.ts';
import { isSegment } from '../core/key.ts';
import { shown } from '../core/shown.ts';
import type { LogPosition } from './contract.ts';

/** How far each writer of a log has been read: the sequence of its last entry seen. */
export type WriterVector = ReadonlyMap<string, number>;

/** The opaque text of a vector. */
export function encodePosition(vector: WriterVector): LogPosition {
  return [...vector].map(([writer, sequence]) => `${writer}:${sequence}`).join(',');
}

/** The text of a vector of which only one writer moves: `others` is that of all the others. Much cheaper than {@link encodePosition} for every entry of a log. */
export function advancePosition(others: LogPosition, writer: string, sequence: number): LogPosition {
  return others === '' ? `${writer}:${sequence}` : `${others},${writer}:${sequence}`;
}

/** The vector of a position that {@link encodePosition} made; `undefined` is the beginning. Throws `ValidationError` for any other text. */
export function decodePosition(position: LogPosition | undefined): Map<string, number> {
  const vector = new Map<string, number>();
  if (position === undefined || position === '') return vector;
  for (const part of String(position).split(',')) {
    const match = /^([a-z0-9._-]+):(\d{1,15})$/.exec(part);
    if (!match) throw new ValidationError(`${shown(position)} is not a position that readLog or append gave.`, { path: 'after' });
    vector.set(match[1]!, Number(match[2]));
  }
  return vector;
}

/** Returns `writer` when it may name one: a single segment of a key. */
export function checkWriter(writer: string): string {
  if (isSegment(writer)) return writer;
  throw new ValidationError(`${shown(writer)} cannot name a writer; use one key segment, or escapeSegment().`, { path: 'writer' });
}
