import { ValidationError } from '../core/errors.ts';
import { shown } from '../core/shown.ts';
import type { LogPosition } from './contract.ts';

/** Where the entries of a writer go on: in the segment that begins with `first`, behind `skip` of its entries. */
export interface SegmentPlace {
  readonly first: number;
  readonly skip: number;
}

/** How far each writer of a log was read, and of which beginning of the log: once it is deleted and begun anew, its positions are of no use. */
export interface SegmentPosition {
  readonly id: string | undefined;
  readonly places: ReadonlyMap<string, SegmentPlace>;
}

/** The part of a position that stands for one writer. */
export function placeText(writer: string, first: number, skip: number): string {
  return skip === 0 ? `${writer}:${first}` : `${writer}:${first}:${skip}`;
}

/** The text of a position out of its parts. */
export function positionText(id: string, places: readonly string[]): LogPosition {
  return `${id}/${places.join(',')}`;
}

/** What a position says; `undefined` and the empty text are the beginning. Throws `ValidationError` for any other text. */
export function parsePosition(position: LogPosition | undefined): SegmentPosition {
  const places = new Map<string, SegmentPlace>();
  if (position === undefined || position === '') return { id: undefined, places };
  const [, id, text] = /^([0-9a-f-]{36})\/(.*)$/.exec(String(position)) ?? [];
  for (const part of text?.split(',') ?? ['']) {
    const match = /^([a-z0-9._-]+):(\d{1,15})(?::(\d{1,15}))?$/.exec(part);
    if (!match) throw new ValidationError(`${shown(position)} is not a position that readLog or append gave.`, { path: 'after' });
    places.set(match[1]!, { first: Number(match[2]), skip: Number(match[3] ?? 0) });
  }
  return { id, places };
}
