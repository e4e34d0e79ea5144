import type { StorageAdapter } from '../../src/storage/contract.ts';

/** When a call fails: at once, or when its work is done and only the answer is lost; and whether the store works again afterwards. */
export interface Fault {
  /** The call that fails, from 1. */
  readonly at: number;
  readonly when: 'before' | 'after';
  readonly then: 'recovers' | 'stays down';
}

/** A view of a store whose n-th call fails, and how many calls it has seen. */
export function failingStorage(storage: StorageAdapter, fault: Fault): { storage: StorageAdapter; calls(): number } {
  let calls = 0;
  const fails = (): boolean => calls === fault.at || (calls > fault.at && fault.then === 'stays down');
  const call = <A extends unknown[], R>(method: (...args: A) => Promise<R>): ((...args: A) => Promise<R>) => {
    return async (...args) => {
      calls++;
      const late = calls === fault.at && fault.when === 'after';
      if (fails() && !late) throw new Error(`call ${calls} failed`);
      const result = await method.apply(storage, args);
      if (late) throw new Error(`the answer to call ${calls} was lost`);
      return result;
    };
  };
  const view: StorageAdapter = {
    name: storage.name,
    supports: storage.supports,
    read: call(storage.read),
    write: call(storage.write),
    list: call(storage.list),
    append: call(storage.append),
    async *readLog(log, query) {
      calls++;
      if (fails()) throw new Error(`call ${calls} failed`);
      yield* storage.readLog(log, query);
    },
    deleteLog: call(storage.deleteLog),
    writeBlob: call(storage.writeBlob),
    readBlob: call(storage.readBlob),
    deleteBlob: call(storage.deleteBlob),
    close: async () => undefined,
    [Symbol.asyncDispose]: async () => undefined,
  };
  return { storage: view, calls: () => calls };
}
