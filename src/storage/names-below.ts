import { throwIfAborted } from '../core/abort.ts';
import { ValidationError } from '../core/errors.ts';
import { isSegment, unescapeSegment, type Key } from '../core/key.ts';
import type { Page } from '../core/page.ts';
import type { OperationOptions } from '../core/progress.ts';
import { shown } from '../core/shown.ts';
import type { StorageAdapter } from './contract.ts';

/** What lies below a folder of a store. */
export interface NameBelow {
  /** The first segment of its keys behind the folder. */
  readonly segment: string;
  /** The text that the segment was made of; `undefined` where it was so long that only its hash was kept. */
  readonly name: string | undefined;
}

/** Which names are asked for. */
export interface NamesQuery extends OperationOptions {
  /** Those that have a record of their own, whatever lies below them, or those that records lie below. */
  readonly with: 'record' | 'folder';
  /** At most this many. */
  readonly limit: number;
  /** The `next` of the page before. @default from the first */
  readonly after?: string | undefined;
}

const firstAsked = 16;
const mostAsked = 1_000;
/** While so many entries or fewer come to each name, reading them costs less than a look for each name. */
const fewBelow = 8;

/**
 * The names below a folder such as `monitors/`, ascending by the bytes of their keys and each once. What lies below a name is passed over: however much that is, a name costs a look or two, and where there is little below, a look finds
 * many names. Names that come or go meanwhile move no other from one page to another.
 */
export async function namesBelow(storage: StorageAdapter, folder: string, { with: wanted, limit, after, signal }: NamesQuery): Promise<Page<NameBelow>> {
  if (after !== undefined && !isSegment(after)) throw new ValidationError(`after is ${shown(after, 80)}; give the 'next' of the page before.`, { path: 'after' });
  // A name has one place in the list, its record or what lies below it, though others lie between these: `a`, `a-b`, `a/1`, `a0`.
  const segments: string[] = [];
  let cursor: Key | undefined = after === undefined ? undefined : wanted === 'record' ? folder + after : behind(folder + after);
  let asked = Math.min(limit + 1, firstAsked);
  while (segments.length <= limit) {
    throwIfAborted(signal, `Listing ${folder}`);
    const { entries, next } = await storage.list({ prefix: folder, after: cursor, limit: asked }, { signal });
    const known = segments.length;
    for (const { key } of entries) {
      const segment = segmentOf(key, folder);
      const isRecord = key.length === folder.length + segment.length;
      if (isRecord === (wanted === 'record') && segments.at(-1) !== segment) segments.push(segment);
    }
    if (next === undefined) break;
    const last = entries.at(-1)?.key ?? next;
    const own = folder + segmentOf(last, folder);
    cursor = last === own ? own : behind(own);
    const found = segments.length - known;
    asked = Math.min(mostAsked, found * fewBelow >= entries.length ? asked * 2 : Math.max(1, asked >>> 1));
  }
  const items = segments.slice(0, limit).map((segment) => ({ segment, name: unescapeSegment(segment) }));
  return segments.length > limit ? { items, next: segments[limit - 1] } : { items };
}

function segmentOf(key: Key, folder: string): string {
  return key.slice(folder.length).split('/', 1)[0]!;
}

/** Comes behind all keys below one, and before all others: no key has a `~`, and those that have a character less than `/` came before. */
function behind(key: Key): string {
  return `${key}/~`;
}
