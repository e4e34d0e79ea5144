import { ValidationError } from '../../core/errors.ts';
import { isSegment } from '../../core/key.ts';
import { shown } from '../../core/shown.ts';
import type { LogPosition } from '../contract.ts';

/** A place in a log, between positions of the server's: behind one of them, and of some writers so many entries further on. */
export interface LogPlace {
  /** As the server gave it; empty at the beginning of the log. */
  readonly before: string;
  /** How many entries of a writer are behind the place, though `before` does not say so. */
  readonly skips: ReadonlyMap<string, number>;
}

/** The position of a place. A server sends a position once per frame; those between are made here, and a server's own has no `~`. */
export function encodePlace({ before, skips }: LogPlace): LogPosition {
  return before + [...skips].map(([writer, count]) => skipText(writer, count)).join('');
}

/** What a position says of a writer whose entries are skipped. */
export function skipText(writer: string, count: number): string {
  return `~${count}~${writer}`;
}

/** The place of a position. Throws `ValidationError` for what has the form of ours and is none. */
export function decodePlace(position: LogPosition = ''): LogPlace {
  const [before = '', ...parts] = String(position).split('~');
  const skips = new Map<string, number>();
  for (let i = 0; i < parts.length; i += 2) {
    const [count = '', writer = ''] = parts.slice(i, i + 2);
    if (!/^[1-9]\d{0,14}$/.test(count) || !isSegment(writer)) throw new ValidationError(`${shown(position)} is not a position that readLog or append gave.`, { path: 'after' });
    skips.set(writer, Number(count));
  }
  return { before, skips };
}
