import { StorageError, type StorageAdapter } from 'modelkeep';

/** A view of a store that can be told to fail every write and read. */
export function failingWrites(storage: StorageAdapter): StorageAdapter & { fails: boolean } {
  const state = { fails: false };
  return new Proxy(storage as StorageAdapter & { fails: boolean }, {
    get: (_, name) => {
      if (name === 'fails') return state.fails;
      const value: unknown = Reflect.get(storage, name);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]): unknown => {
        if (state.fails && name !== 'onChange') return Promise.reject(new StorageError('storage', 'no disk'));
        return (value as (...all: unknown[]) => unknown).apply(storage, args);
      };
    },
    set: (_, name, value: boolean) => {
      if (name === 'fails') state.fails = value;
      return true;
    },
  });
}
