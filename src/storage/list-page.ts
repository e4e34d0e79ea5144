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
  const entries: ListEntry[] = [];
  let at = firstIndex(keys, query.prefix, query.after);
  for (; at < keys.length && entries.length < query.limit; at++) {
    const key = keys[at]!;
    if (!key.startsWith(query.prefix)) break;
    entries.push(entryOf(key));
  }
  const more = keys[at]?.startsWith(query.prefix) ?? false;
  return more && entries.length > 0 ? { entries, next: entries[entries.length - 1]!.key } : { entries };
}

function firstIndex(keys: readonly string[], prefix: string, after: string | undefined): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const key = keys[middle]!;
    if (key < prefix || (after !== undefined && key <= after)) low = middle + 1;
    else high = middle;
  }
  return low;
}
