import { isSegment, unescapeSegment, type Key } from '../../core/key.ts';
import type { OperationOptions } from '../../core/progress.ts';
import type { StorageAdapter } from '../../storage/contract.ts';

/** What lies below a folder of a store, by the first segment of its keys. */
export interface NamedSegment {
  readonly segment: string;
  /** `undefined` where the name was so long that only its hash was kept. */
  readonly name: string | undefined;
}

/** Some of what lies below a folder. */
export interface NamePage {
  readonly items: readonly NamedSegment[];
  /** Give it as `after` for the next page; absent when there is none. */
  readonly next?: string | undefined;
}

/** Comes behind all keys below a segment, for their own segments are words. */
const behindAll = 'zzzzzzzz';

/** The names below a folder such as `pipelines/`, a page of them at a time: what lies deeper is passed over, not read. */
export async function namesBelow(storage: StorageAdapter, folder: string, { limit, after, signal }: { readonly limit: number; readonly after?: string | undefined } & OperationOptions): Promise<NamePage> {
  // A segment that was seen with what lies below it comes again behind others that begin with it.
  const found = new Set<string>();
  let cursor: Key | undefined = after !== undefined && isSegment(after) ? `${folder}${after}/${behindAll}` : undefined;
  while (found.size <= limit) {
    const [entry] = (await storage.list({ prefix: folder, after: cursor, limit: 1 }, { signal })).entries;
    if (entry === undefined) break;
    const [segment, ...deeper] = entry.key.slice(folder.length).split('/') as [string, ...string[]];
    if (segment !== after) found.add(segment);
    cursor = deeper.length === 0 ? entry.key : `${folder}${segment}/${behindAll}`;
  }
  const segments = [...found];
  const items = segments.slice(0, limit).map((segment) => ({ segment, name: unescapeSegment(segment) }));
  return segments.length > limit ? { items, next: segments[limit - 1] } : { items };
}
