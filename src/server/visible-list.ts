import type { OperationOptions } from '../core/progress.ts';
import type { ListPage, ListQuery, StorageAdapter } from '../storage/contract.ts';
import { uploadsPrefix } from './guard.ts';

// Behind every key that begins with the prefix, and before every other that comes after it.
const behindUploads = `${uploadsPrefix}~`;

/** A page of logs without those that are the handler's own. */
export async function listVisible(storage: StorageAdapter, query: ListQuery & { readonly limit: number }, options: OperationOptions): Promise<ListPage> {
  const page = await storage.list(query, options);
  const first = page.entries.findIndex(({ key }) => key.startsWith(uploadsPrefix));
  if (first === -1) return page;
  const before = page.entries.slice(0, first);
  const rest = await storage.list({ ...query, after: behindUploads, limit: query.limit - first }, options);
  const entries = [...before, ...rest.entries];
  return rest.next === undefined ? { entries } : { entries, next: rest.next };
}
