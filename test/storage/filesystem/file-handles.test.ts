import { join } from 'node:path';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { describe, expect, it } from 'vitest';
import { fromUtf8, utf8 } from '../../../src/core/bytes.ts';
import { nodeFileSystem, type FileSystem, type OpenFile } from '../../../src/storage/filesystem/file-system.ts';
import { temporaryDirectories } from './temporary-directory.ts';

const directory = temporaryDirectories();

/** A file system that knows which files are open, and refuses what is asked of a closed one, as the host does as long as the number is not given out again. */
function watched(change: Partial<FileSystem> = {}): { fileSystem: FileSystem; open: Set<string> } {
  const open = new Set<string>();
  let count = 0;
  const fileSystem: FileSystem = {
    ...nodeFileSystem,
    ...change,
    async open(path, mode): Promise<OpenFile> {
      const file = await (change.open ?? nodeFileSystem.open)(path, mode);
      const name = `${++count} ${mode} ${path}`;
      open.add(name);
      const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
        if (!open.has(name)) throw Object.assign(new Error(`${name} was closed`), { code: 'EBADF' });
        return work();
      };
      return {
        stat: () => guarded(() => file.stat()),
        read: (target, position) => guarded(() => file.read(target, position)),
        write: (bytes) => guarded(() => file.write(bytes)),
        sync: () => guarded(() => file.sync()),
        close: () =>
          guarded(() => {
            open.delete(name);
            return file.close();
          }),
      };
    },
  };
  return { fileSystem, open };
}

async function put(storage: FilesystemStorage, key: string, text: string): Promise<void> {
  await storage.write([{ kind: 'put', key, bytes: utf8(text) }]);
}

async function textOf(storage: FilesystemStorage, key: string): Promise<string | undefined> {
  const [record] = await storage.read([key]);
  return record && fromUtf8(record.bytes);
}

async function storeWithGarbage(): Promise<string> {
  const root = join(directory(), 'store');
  await using storage = new FilesystemStorage(root);
  for (let i = 0; i < 10; i++) await put(storage, 'r/a', `version ${i}`);
  return root;
}

describe('the files that a storage has open', () => {
  it('are closed with it, though a write and a compaction made the same file ready for writing', async () => {
    const root = await storeWithGarbage();
    const { fileSystem, open } = watched();
    const storage = new FilesystemStorage(root, { fileSystem });
    for (let i = 0; i < 5; i++) await Promise.all([storage.compact(), put(storage, 'r/a', `changed ${i}`), storage.compact()]);
    expect(await textOf(storage, 'r/a')).toBe('changed 4');
    await storage.close();
    expect([...open]).toEqual([]);
  });

  it('are closed when the directory cannot be read behind their opening', async () => {
    const root = await storeWithGarbage();
    let looks = 0;
    const { fileSystem, open } = watched({
      readDirectory: async (path) => {
        if (path.includes('records') && ++looks === 2) throw Object.assign(new Error('it failed'), { code: 'EIO' });
        return nodeFileSystem.readDirectory(path);
      },
    });
    const storage = new FilesystemStorage(root, { fileSystem });
    await expect(storage.read(['r/a'])).rejects.toMatchObject({ code: 'storage' });
    expect(await textOf(storage, 'r/a')).toBe('version 9');
    await storage.close();
    expect([...open]).toEqual([]);
  });

  it('stay open while a sealed one is copied, though another process replaces it meanwhile', async () => {
    const root = await storeWithGarbage();
    // It seals the file and comes no further.
    const failing = watched({ link: () => Promise.reject(Object.assign(new Error('it failed'), { code: 'EIO' })) });
    await using sealing = new FilesystemStorage(root, { fileSystem: failing.fileSystem });
    await expect(sealing.compact()).rejects.toMatchObject({ code: 'storage' });

    let reach!: () => void;
    let goOn!: () => void;
    const reached = new Promise<void>((resolve) => (reach = resolve));
    const released = new Promise<void>((resolve) => (goOn = resolve));
    const { fileSystem, open } = watched({
      open: async (path, mode) => {
        if (mode === 'create') {
          reach();
          await released;
        }
        return nodeFileSystem.open(path, mode);
      },
    });
    const slow = new FilesystemStorage(root, { fileSystem });
    const writing = put(slow, 'r/slow', 'slow');
    await reached;
    await using fast = new FilesystemStorage(root);
    await put(fast, 'r/fast', 'fast');
    expect(await textOf(slow, 'r/fast')).toBe('fast');
    goOn();
    await writing;
    expect([await textOf(fast, 'r/slow'), await textOf(fast, 'r/a')]).toEqual(['slow', 'version 9']);
    await slow.close();
    expect([...open]).toEqual([]);
  });
});
