import type { RecordAdapter, StorageAdapter } from '../../src/storage/contract.ts';

/** An adapter with its own logs taken away. */
export function withoutLogs(storage: StorageAdapter): RecordAdapter {
  const { maxRecordBytes, durability, sharedBetweenProcesses } = storage.supports;
  return {
    name: storage.name,
    supports: { maxRecordBytes, durability, sharedBetweenProcesses },
    read: (keys, options) => storage.read(keys, options),
    write: (operations, options) => storage.write(operations, options),
    list: (query, options) => storage.list(query, options),
    writeBlob: (source, options) => storage.writeBlob(source, options),
    readBlob: (digest, options) => storage.readBlob(digest, options),
    deleteBlob: (digest, options) => storage.deleteBlob(digest, options),
    ...(storage.onChange && { onChange: (wake) => storage.onChange!(wake) }),
    ...(storage.inspect && { inspect: (options) => storage.inspect!(options) }),
    close: () => storage.close(),
    [Symbol.asyncDispose]: () => storage.close(),
  };
}
