import { MemoryStorage, StorageError, type StorageAdapter } from 'modelkeep';

/** A view of a store that fails at one call that writes, before or after the write took effect; calls beyond it fail too, as after a crash. */
export function crashingStorage(storage: MemoryStorage, failAt: number, moment: 'before' | 'after'): StorageAdapter & { readonly calls: number } {
  let calls = 0;
  const guarded = <A extends unknown[], R>(call: (...args: A) => Promise<R>) => async (...args: A): Promise<R> => {
    const crash = ++calls >= failAt;
    if (crash && (moment === 'before' || calls > failAt)) throw new StorageError('storage', 'The process died.');
    const result = await call(...args);
    if (crash) throw new StorageError('storage', 'The process died.');
    return result;
  };
  return {
    name: storage.name,
    supports: storage.supports,
    read: (...args) => storage.read(...args),
    list: (...args) => storage.list(...args),
    readLog: (...args) => storage.readLog(...args),
    readBlob: (...args) => storage.readBlob(...args),
    write: guarded((...args) => storage.write(...args)),
    append: guarded((...args) => storage.append(...args)),
    deleteLog: guarded((...args) => storage.deleteLog(...args)),
    writeBlob: guarded((...args) => storage.writeBlob(...args)),
    deleteBlob: guarded((...args) => storage.deleteBlob(...args)),
    close: () => storage.close(),
    [Symbol.asyncDispose]: () => storage.close(),
    get calls() {
      return calls;
    },
  };
}
