import { ValidationError } from '../core/errors.ts';
import { assertPrefix } from '../core/key.ts';
import { shown } from '../core/shown.ts';
import type { ListEntry, ListPage, ListQuery } from './contract.ts';

/** A query with its defaults filled in and its input checked. */
export interface CheckedListQuery {
  readonly kind: 'record' | 'log' | 'blob';
  readonly prefix: string;
  readonly after: string | undefined;
  readonly limit: number;
}

/** Checks a query where it enters an adapter. */
export function checkListQuery(query: ListQuery = {}): CheckedListQuery {
  const { kind = 'record', prefix = '', after, limit = 1000 } = query;
  if (!['record', 'log', 'blob'].includes(kind)) throw new ValidationError(`kind is ${shown(kind)}; list 'record', 'log' or 'blob'.`, { path: 'kind' });
  if (after !== undefined && typeof after !== 'string') throw new ValidationError(`after is ${shown(after)}; give the key that a page ended with.`, { path: 'after' });
  if (!Number.isInteger(limit) || limit < 1) throw new ValidationError(`limit is ${shown(limit)}; give a whole number of at least 1.`, { path: 'limit' });
  if (kind === 'blob' && prefix !== '') throw new ValidationError('Blobs are listed by digest and take no prefix.', { path: 'prefix' });
  return { kind, prefix: assertPrefix(prefix), after, limit };
}

/** The page that a query asks for out of all keys in ascending order. */
export function pageOf(keys: readonly string[], query: CheckedListQuery, entryOf: (key: string) => ListEntry): ListPage {
  const { prefix, after, limit } = query;
  const start = firstIndex(keys, (key) => key >= prefix && (after === undefined || key > after));
  const end = prefix === '' ? keys.length : firstIndex(keys, (key) => key > prefix && !key.startsWith(prefix));
  const entries = keys.slice(start, Math.max(start, Math.min(end, start + limit))).map(entryOf);
  return start + entries.length < end && entries.length > 0 ? { entries, next: entries[entries.length - 1]!.key } : { entries };
}

/** The index of the first key for which `holds`, as it does for all behind it. */
function firstIndex(keys: readonly string[], holds: (key: string) => boolean): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (holds(keys[middle]!)) high = middle;
    else low = middle + 1;
  }
  return low;
}
