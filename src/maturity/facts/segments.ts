import { throwIfAborted } from '../../core/abort.ts';
import type { Key } from '../../core/key.ts';
import type { OperationOptions } from '../../core/progress.ts';
import type { StorageAdapter } from '../../storage/contract.ts';

// No segment comes behind it that anything in a store is called.
const lastSegment = 'z'.repeat(120);

/** The first segments of the keys below a prefix, each once: one look for each, however many keys lie below it. */
export async function* segmentsBelow(storage: StorageAdapter, prefix: string, options: OperationOptions): AsyncGenerator<string, void, undefined> {
  let after: Key | undefined;
  const found = new Set<string>();
  for (;;) {
    throwIfAborted(options.signal, `Listing ${prefix}`);
    const { entries } = await storage.list({ prefix, after, limit: 1 }, options);
    const key = entries[0]?.key;
    if (key === undefined) return;
    const segment = key.slice(prefix.length).split('/', 1)[0]!;
    // A record of that very name comes before those below it, with others between.
    if (!found.has(segment)) yield segment;
    found.add(segment);
    after = key === prefix + segment ? key : `${prefix}${segment}/${lastSegment}`;
  }
}
