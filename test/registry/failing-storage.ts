import type { StorageAdapter } from '../../src/storage/contract.ts';

/** When a call fails: at once, or when its work is done and only the answer is lost; and whether the store works again afterwards. */
export interface Fault {
  /** The call that fails, from 1. */
  readonly at: number;
  readonly when: 'before' | 'after';
  readonly then: 'recovers' | 'stays down';
}

type Waiting = 'read' | 'write' | 'list' | 'append' | 'deleteLog' | 'writeBlob' | 'readBlob' | 'deleteBlob';

/** A view of a store whose n-th call fails, and how many calls it has seen. */
export function failingStorage(storage: StorageAdapter, fault: Fault): { storage: StorageAdapter; calls(): number } {
  let calls = 0;
  const fails = (): boolean => calls === fault.at || (calls > fault.at && fault.then === 'stays down');
  const call = <K extends Waiting>(name: K): StorageAdapter[K] => {
    const method = async (...args: unknown[]): Promise<unknown> => {
      calls++;
      const late = calls === fault.at && fault.when === 'after';
      if (fails() && !late) throw new Error(`call ${calls} failed`);
      const result = await (storage[name] as (...all: unknown[]) => Promise<unknown>).apply(storage, args);
      if (late) throw new Error(`the answer to call ${calls} was lost`);
      return result;
    };
    return method as StorageAdapter[K];
  };
  const view: StorageAdapter = {
    name: storage.name,
    supports: storage.supports,
    read: call('read'),
    write: call('write'),
    list: call('list'),
    append: call('append'),
    async *readLog(log, query) {
      calls++;
      if (fails()) throw new Error(`call ${calls} failed`);
      yield* storage.readLog(log, query);
    },
    deleteLog: call('deleteLog'),
    writeBlob: call('writeBlob'),
    readBlob: call('readBlob'),
    deleteBlob: call('deleteBlob'),
    close: async () => undefined,
    [Symbol.asyncDispose]: async () => undefined,
  };
  return { storage: view, calls: () => calls };
}
