import type { Key } from '../core/key.ts';
import { newestFirst } from '../core/newest-first.ts';

/** What a note of a start tells. */
export interface NotedStart {
  readonly run: string;
  /** The whole millisecond in which it began, as far as an id can tell one. */
  readonly at: number;
}

const lastTime = 2 ** 48 - 1;

/** Below the keys of a pipeline, the notes of when its runs began. */
export const startNotes = 'started/';

/** Where below these it is noted that a run began, in the order of starts, the newest first. */
export function startNote({ id, startedAt }: { readonly id: string; readonly startedAt: number }): Key {
  return `${startTime(startedAt)}-${newestFirst(id)}`;
}

/** What the notes of all runs begin with that began in a millisecond; it is less than each of them. */
export function startTime(at: number): Key {
  return newestFirst(wholeTime(at).toString(16).padStart(12, '0'));
}

/** Reads a note. */
export function notedStart(note: string): NotedStart {
  return { at: parseInt(newestFirst(note.slice(0, 12)), 16), run: newestFirst(note.slice(13)) };
}

function wholeTime(at: number): number {
  return Math.min(Math.max(0, Math.floor(at)), lastTime);
}
