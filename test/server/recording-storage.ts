import type { StorageAdapter } from '../../src/storage/contract.ts';

/** Something that was done to a store. */
export interface Touch {
  readonly action: 'read' | 'write' | 'delete' | 'list' | 'append';
  readonly kind: 'record' | 'log' | 'blob';
  readonly key: string;
}

/** The same store, telling of everything that is done to it. */
export function recordingStorage(storage: StorageAdapter, touches: Touch[]): StorageAdapter {
  const touch = (action: Touch['action'], kind: Touch['kind'], key: string): number => touches.push({ action, kind, key });
  return {
    name: storage.name,
    supports: storage.supports,
    read(keys, options) {
      keys.forEach((key) => touch('read', 'record', key));
      return storage.read(keys, options);
    },
    write(operations, options) {
      operations.forEach(({ kind, key }) => touch(kind === 'put' ? 'write' : 'delete', 'record', key));
      return storage.write(operations, options);
    },
    list(query, options) {
      touch('list', query?.kind ?? 'record', query?.prefix ?? '');
      return storage.list(query, options);
    },
    append(log, entries, options) {
      touch('append', 'log', log);
      return storage.append(log, entries, options);
    },
    readLog(log, query) {
      touch('read', 'log', log);
      return storage.readLog(log, query);
    },
    deleteLog(log, options) {
      touch('delete', 'log', log);
      return storage.deleteLog(log, options);
    },
    async writeBlob(source, options) {
      touch('write', 'blob', options?.digest ?? '');
      return storage.writeBlob(source, options);
    },
    readBlob(digest, options) {
      touch('read', 'blob', digest);
      return storage.readBlob(digest, options);
    },
    deleteBlob(digest, options) {
      touch('delete', 'blob', digest);
      return storage.deleteBlob(digest, options);
    },
    close: () => storage.close(),
    [Symbol.asyncDispose]: () => storage.close(),
  };
}
