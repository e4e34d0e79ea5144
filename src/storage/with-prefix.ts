import { StorageError } from '../core/errors.ts';
import { assertKey, type Key } from '../core/key.ts';
import type { StorageAdapter } from './contract.ts';
import { checkListQuery } from './list-page.ts';

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
  const underWay = new Set<Promise<unknown>>();
  let closed = false;
  const assertOpen = (): void => {
    if (closed) throw new StorageError('closed', `The view of ${prefix} was closed; make another one with withPrefix().`);
  };
  const enter = async <T>(start: () => Promise<T>): Promise<T> => {
    assertOpen();
    const call = start();
    underWay.add(call);
    try {
      return await call;
    } finally {
      underWay.delete(call);
    }
  };
  const close = async (): Promise<void> => {
    closed = true;
    await Promise.allSettled(underWay);
  };
  return {
    name: `${storage.name} ${prefix}`,
    supports: storage.supports,
    read: (keys, options) => enter(() => storage.read(keys.map(inside), options)),
    write: (operations, options) =>
      enter(() => storage.write(operations.map((operation) => ({ ...operation, key: inside(operation.key), operationId: named(operation.operationId) })), options)),
    list: (query, options) =>
      enter(async () => {
        const checked = checkListQuery(query);
        if (checked.kind === 'blob') return storage.list(checked, options);
        const after = checked.after === undefined ? undefined : root + checked.after;
        const page = await storage.list({ ...checked, prefix: root + checked.prefix, after }, options);
        const entries = page.entries.map((entry) => ({ ...entry, key: entry.key.slice(root.length) }));
        return page.next === undefined ? { entries } : { entries, next: page.next.slice(root.length) };
      }),
    append: (log, entries, options) => enter(async () => storage.append(inside(log), entries, options)),
    async *readLog(log, query) {
      assertOpen();
      yield* storage.readLog(inside(log), query);
    },
    deleteLog: (log, options) => enter(async () => storage.deleteLog(inside(log), options)),
    writeBlob: (source, options) => enter(() => storage.writeBlob(source, options)),
    readBlob: (digest, options) => enter(() => storage.readBlob(digest, options)),
    deleteBlob: (digest, options) => enter(() => storage.deleteBlob(digest, options)),
    ...(storage.onChange && { onChange: (wake) => storage.onChange!(wake) }),
    ...(storage.call && { call: (command, options) => enter(() => storage.call!({ ...command, prefix: command.prefix === '' ? prefix : root + command.prefix }, options)) }),
    close,
    [Symbol.asyncDispose]: close,
  };
}
