import { StorageError } from 'modelkeep';
import type { StorageAdapter } from '../../src/storage/contract.ts';

/** Which call fails, whether it takes effect all the same, and whether the store answers afterwards. */
export interface Fault {
  /** By its number, or by what it does: such as the second write under a prefix. */
  readonly call: number | { readonly write: string; readonly nth?: number };
  readonly effect: 'none' | 'done';
  readonly then: 'alive' | 'dead';
}

/** A view of a store that fails at one call, as a disk that breaks or a connection that is lost. */
export function faultyStorage(storage: StorageAdapter, fault: Fault): StorageAdapter & { readonly calls: number } {
  let calls = 0;
  let matching = 0;
  let dead = false;
  const { call } = fault;
  const isHit = (what: string, key: string): boolean => {
    if (typeof call === 'number') return calls === call;
    return what === 'write' && key.startsWith(call.write) && ++matching === (call.nth ?? 1);
  };
  const through = async <T>(what: string, key: string, work: () => Promise<T>): Promise<T> => {
    calls++;
    const hit = !dead && isHit(what, key);
    const failure = new StorageError('storage', `Call ${calls}, ${what} ${key}, failed for the test.`);
    if (dead || (hit && fault.effect === 'none')) {
      dead ||= fault.then === 'dead';
      throw failure;
    }
    const result = await work();
    if (!hit) return result;
    dead = fault.then === 'dead';
    throw failure;
  };
  return {
    name: 'faulty',
    supports: storage.supports,
    get calls() {
      return calls;
    },
    read: (keys, options) => through('read', keys[0] ?? '', () => storage.read(keys, options)),
    write: (operations, options) => through('write', operations[0]?.key ?? '', () => storage.write(operations, options)),
    list: (...args) => through('list', '', () => storage.list(...args)),
    append: (...args) => through('append', '', () => storage.append(...args)),
    readLog: (...args) => storage.readLog(...args),
    deleteLog: (...args) => through('deleteLog', '', () => storage.deleteLog(...args)),
    writeBlob: (...args) => through('writeBlob', '', () => storage.writeBlob(...args)),
    readBlob: (...args) => through('readBlob', '', () => storage.readBlob(...args)),
    deleteBlob: (...args) => through('deleteBlob', '', () => storage.deleteBlob(...args)),
    close: () => storage.close(),
    [Symbol.asyncDispose]: () => storage.close(),
  };
}
