import { assertKey, type Key } from '../core/key.ts';
import type { StorageAdapter } from './contract.ts';
import { checkListQuery } from './list-page.ts';
import { readOptionsBelow } from './read-below.ts';
import { ViewLifetime } from './view-lifetime.ts';

/**
 * A store of its own inside another: every record and log lies under `prefix`, and nothing outside it can be reached or seen. Blobs are shared, since their names are
 * their contents. Closing the view ends the view and leaves the store open.
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
  // Two workspaces may well use one name for different writes.
  const named = (operationId: string | undefined): string | undefined => operationId && root + operationId;
  const lifetime = new ViewLifetime(`The view of ${prefix} was closed; make another one with withPrefix().`);
  const close = (): Promise<void> => lifetime.close();
  return {
    name: `${storage.name} ${prefix}`,
    supports: { ...storage.supports, sharesBlobs: true },
    read: (keys, options) => lifetime.enter(() => storage.read(keys.map(inside), readOptionsBelow(options, root))),
    write: (operations, options) =>
      lifetime.enter(() => storage.write(operations.map((operation) => ({ ...operation, key: inside(operation.key), operationId: named(operation.operationId) })), options)),
    list: (query, options) =>
      lifetime.enter(async () => {
        const checked = checkListQuery(query);
        if (checked.kind === 'blob') return storage.list(checked, options);
        const after = checked.after === undefined ? undefined : root + checked.after;
        const page = await storage.list({ ...checked, prefix: root + checked.prefix, after }, options);
        const entries = page.entries.map((entry) => ({ ...entry, key: entry.key.slice(root.length) }));
        return page.next === undefined ? { entries } : { entries, next: page.next.slice(root.length) };
      }),
    append: (log, entries, options) => lifetime.enter(() => storage.append(inside(log), entries, options)),
    async *readLog(log, query) {
      lifetime.assertOpen();
      yield* storage.readLog(inside(log), query);
    },
    deleteLog: (log, options) => lifetime.enter(() => storage.deleteLog(inside(log), options)),
    writeBlob: (source, options) => lifetime.enter(() => storage.writeBlob(source, options)),
    readBlob: (digest, options) => lifetime.enter(() => storage.readBlob(digest, options)),
    deleteBlob: (digest, options) => lifetime.enter(() => storage.deleteBlob(digest, options)),
    ...(storage.onChange && { onChange: (wake) => lifetime.listen(() => storage.onChange!(wake)) }),
    ...(storage.call && { call: (command, options) => lifetime.enter(() => storage.call!({ ...command, prefix: command.prefix === '' ? prefix : root + command.prefix }, options)) }),
    close,
    [Symbol.asyncDispose]: close,
  };
}
