import { MemoryStorage, type StorageAdapter } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { HttpStorage } from 'modelkeep/http';
import { afterEach, describe, expect, it } from 'vitest';
import { temporaryDirectories } from '../storage/filesystem/temporary-directory.ts';
import { serveStorage } from '../storage/http/storage-server.ts';
import { pinned, pinStory } from './pin-story.ts';

const newDirectory = temporaryDirectories();
const undo: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of undo.splice(0).reverse()) await end();
});

/** Many may have the same storage in memory, which each of them closes. */
function shared(storage: StorageAdapter): StorageAdapter {
  return new Proxy(storage, {
    get(target, name) {
      if (name === 'close' || name === Symbol.asyncDispose) return async () => undefined;
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

const storages: Readonly<Record<string, () => Promise<() => StorageAdapter>>> = {
  memory: async () => {
    const storage = new MemoryStorage();
    return () => shared(storage);
  },
  filesystem: async () => {
    const directory = newDirectory();
    return () => new FilesystemStorage(directory);
  },
  'a server over a directory': async () => {
    const store = new FilesystemStorage(newDirectory());
    const server = await serveStorage(store);
    undo.push(() => store.close(), () => server.close());
    return () => new HttpStorage(server.url);
  },
};

describe('what is pinned to a version of a view', () => {
  it.each(Object.keys(storages))('stays readable whatever becomes of the view, in training as in serving: %s', async (kind) => {
    const answers = await pinStory(await storages[kind]!());
    expect(answers).toEqual(pinned.map((answer) => ({ ...answer, serving: answer.training })));
  });
});
