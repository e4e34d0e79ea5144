import type { OperationOptions } from '../core/progress.ts';
import { unescapeSegment } from '../core/key.ts';
import type { StorageAdapter } from '../index.ts';

/** The names of what lies under a prefix that ends at a slash, such as `pipelines/`: a look per name, however much lies under each. */
export async function namesUnder(storage: StorageAdapter, prefix: string, options: OperationOptions): Promise<string[]> {
  // What lies below a name comes behind others that begin with it: `a`, `a-b`, `a/…`.
  const names = new Set<string>();
  let after = prefix;
  for (;;) {
    const { entries } = await storage.list({ prefix, after, limit: 1 }, options);
    const key = entries[0]?.key;
    if (key === undefined) return [...names];
    const [segment = ''] = key.slice(prefix.length).split('/');
    names.add(unescapeSegment(segment) ?? segment);
    // '0' comes right behind '/': this skips all that lies under the name.
    after = key === prefix + segment ? key : `${prefix}${segment}0`;
  }
}
