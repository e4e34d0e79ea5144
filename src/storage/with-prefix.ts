import { assertKey, type Key } from '../core/key.ts';
import type { StorageAdapter } from './contract.ts';

/**
 * A store of its own inside another: every record and log lies under `prefix`, and nothing outside it can be reached or seen. Blobs are shared, since their names are
 * their contents. Closing the view leaves the store open.
 *
 * @param prefix - Key that all keys are put under, such as `team-a`.
 *
 * @example
 * ```ts
 * import { MemoryStorage, Registry, withPrefix } from 'modelkeep';
 *
 * const storage = new MemoryStorage();
 * const teamA = new Registry({ storage: withPrefix(storage, 'team-a') });
 * await teamA.createModel('fraud', { description: 'Is this payment a fraud?' });
 * ```
 */
export function withPrefix(storage: StorageAdapter, prefix: string): StorageAdapter {
  const root = `${assertKey(prefix)}/`;
  const inside = (key: Key): Key => root + assertKey(key);
  const close = async (): Promise<void> => undefined;
  return {
    name: `${storage.name} ${prefix}`,
    supports: storage.supports,
    read: (keys, options) => storage.read(keys.map(inside), options),
    write: (operations, options) => storage.write(operations.map((operation) => ({ ...operation, key: inside(operation.key) })), options),
    async list(query = {}, options) {
      if (query.kind === 'blob') return storage.list(query, options);
      const page = await storage.list({ ...query, prefix: root + (query.prefix ?? ''), after: query.after === undefined ? undefined : root + query.after }, options);
      return {
        entries: page.entries.map((entry) => ({ ...entry, key: entry.key.slice(root.length) })),
        next: page.next?.slice(root.length),
      };
    },
    append: (log, entries, options) => storage.append(inside(log), entries, options),
    readLog: (log, query) => storage.readLog(inside(log), query),
    deleteLog: (log, options) => storage.deleteLog(inside(log), options),
    writeBlob: (source, options) => storage.writeBlob(source, options),
    readBlob: (digest, options) => storage.readBlob(digest, options),
    deleteBlob: (digest, options) => storage.deleteBlob(digest, options),
    close,
    [Symbol.asyncDispose]: close,
  };
}
