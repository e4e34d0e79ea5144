import { isId } from '../../core/ids.ts';
import { escapeSegment, type Key } from '../../core/key.ts';
import { newestFirst } from '../../core/newest-first.ts';

// Records hold events of one window, so that a look for a moment need not begin at the newest.
const windowMs = 600_000;

/** Where the log of a model lies. */
export function logPrefix(model: string, kind: 'predictions' | 'feedback'): string {
  return `serving/${escapeSegment(model)}/${kind}/`;
}

/** The window of a moment, by its number. */
export function windowOf(at: number): number {
  return Math.floor(at / windowMs);
}

/** The part of a key that names a window; newer ones come first. */
export function windowSegment(window: number): string {
  return timeText(window);
}

/** What sorts behind all keys of a window and before those of the windows that came before it. */
export function windowEnd(prefix: string, window: number): Key {
  // The digit that follows the slash.
  return `${prefix}${windowSegment(window)}0`;
}

/** The key of a record of predictions between two moments of one window. */
export function batchKey(prefix: string, first: number, last: number, id: string): Key {
  return `${prefix}${windowSegment(windowOf(last))}/${timeText(last)}-${timeText(first)}-${id}`;
}

/** The moments that a key made by {@link batchKey} tells. */
export function batchSpan(key: Key): { readonly first: number; readonly last: number } {
  const [last = '', first = ''] = key.slice(key.lastIndexOf('/') + 1).split('-');
  return { first: timeOf(first), last: timeOf(last) };
}

/** The window under which feedback on a prediction is kept: that of the making of its id, which every process finds, where the id tells it. */
export function windowOfId(id: string): number | undefined {
  const uuid = id.slice(0, 36);
  return isId(uuid) ? windowOf(parseInt(uuid.slice(0, 8) + uuid.slice(9, 13), 16)) : undefined;
}

// Enough for 2^48 ms, as in a UUIDv7.
function timeText(time: number): string {
  return newestFirst(Math.max(0, Math.floor(time)).toString(16).padStart(12, '0'));
}

function timeOf(text: string): number {
  return parseInt(newestFirst(text), 16);
}
