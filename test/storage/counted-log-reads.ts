import type { StorageAdapter } from 'modelkeep';

/** Counts the entries of logs that are read. */
export function countingLogReads(storage: StorageAdapter): { storage: StorageAdapter; read: number } {
  const counted = { storage, read: 0 };
  counted.storage = new Proxy(storage, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (name !== 'readLog') return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      return async function* (...given: Parameters<StorageAdapter['readLog']>) {
        for await (const entry of target.readLog(...given)) {
          counted.read++;
          yield entry;
        }
      };
    },
  });
  return counted;
}
