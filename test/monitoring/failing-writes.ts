import { MemoryStorage, type StorageAdapter } from 'modelkeep';

/** A storage in memory whose writes of records fail as long as `fails` says so. */
export function failingWrites(fails: () => boolean): StorageAdapter {
  return new Proxy(new MemoryStorage(), {
    get(target, name) {
      if (name === 'write' && fails()) return () => Promise.reject(new Error('the disk is full'));
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}
