import type { Scheduler } from 'fast-check';
import { StorageError, type StorageAdapter } from 'modelkeep';

/** Whom a storage belongs to in an interleaving: a process, one of whose calls may fail. */
export interface Actor {
  readonly name: string;
  /** Which of its calls fails, from 1. @default none */
  readonly failsAt?: number | undefined;
  /** Whether the call that fails takes effect all the same. @default true */
  readonly takesEffect?: boolean | undefined;
  /** Whether every call after it fails too. @default true */
  readonly dies?: boolean | undefined;
}

/** A view of a store whose every call waits for its turn before it takes effect and before it answers, as calls of several processes do. */
export function interleavedStorage(storage: StorageAdapter, scheduler: Pick<Scheduler, 'schedule'>, { name, failsAt = Infinity, takesEffect = true, dies = true }: Actor): StorageAdapter {
  let calls = 0;
  const turn = (): Promise<void> => scheduler.schedule(Promise.resolve(), name);
  const failure = (call: number): StorageError => new StorageError('storage', `Call ${call} of ${name} failed for the test.`);
  const through = async <T>(work: () => Promise<T>): Promise<T> => {
    const call = ++calls;
    await turn();
    if ((call > failsAt && dies) || (call === failsAt && !takesEffect)) throw failure(call);
    const result = await work();
    if (call === failsAt) throw failure(call);
    await turn();
    return result;
  };
  return {
    name,
    supports: storage.supports,
    read: (...args) => through(() => storage.read(...args)),
    write: (...args) => through(() => storage.write(...args)),
    list: (...args) => through(() => storage.list(...args)),
    append: (...args) => through(() => storage.append(...args)),
    async *readLog(...args) {
      // Read entry by entry, so that others come in between.
      const entries = storage.readLog(...args)[Symbol.asyncIterator]();
      for (;;) {
        const next = await through(() => entries.next());
        if (next.done) return;
        yield next.value;
      }
    },
    deleteLog: (...args) => through(() => storage.deleteLog(...args)),
    writeBlob: (...args) => through(() => storage.writeBlob(...args)),
    readBlob: (...args) => through(() => storage.readBlob(...args)),
    deleteBlob: (...args) => through(() => storage.deleteBlob(...args)),
    close: async () => undefined,
    [Symbol.asyncDispose]: async () => undefined,
  };
}
