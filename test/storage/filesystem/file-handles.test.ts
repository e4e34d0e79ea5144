import { join } from 'node:path';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { describe, expect, it } from 'vitest';
import { fromUtf8, utf8 } from '../../../src/core/bytes.ts';
import { nodeFileSystem, type FileSystem, type OpenFile } from '../../../src/storage/filesystem/file-system.ts';
import { frameKinds, metaOf, parseFrameHeader } from '../../../src/storage/filesystem/record-frame.ts';
import { decodeVouch } from '../../../src/storage/filesystem/vouch.ts';
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

describe('a buffered writer', () => {
  it('vouches for nothing in a file that others put in the place of the last before it has flushed it', async () => {
    const root = join(directory(), 'store');
    const calls: { call: string; bytes: Buffer }[] = [];
    const fileSystem: FileSystem = {
      ...nodeFileSystem,
      async open(path, mode) {
        const file = await nodeFileSystem.open(path, mode);
        if (mode !== 'append' || !path.endsWith('0000000002.log')) return file;
        return {
          ...file,
          sync: () => (calls.push({ call: 'sync', bytes: Buffer.alloc(0) }), file.sync()),
          write: (bytes) => (calls.push({ call: 'write', bytes: Buffer.from(bytes) }), file.write(bytes)),
        };
      },
    };
    await using storage = new FilesystemStorage(root, { durability: 'buffered', compactAt: 1 << 30, fileSystem });
    await put(storage, 'r/a', 'first');
    await using other = new FilesystemStorage(root, { durability: 'buffered', compactAt: 1 << 30 });
    await put(other, 'r/a', 'second');
    await other.compact();
    await put(other, 'r/large', 'x'.repeat(5 << 20));
    await put(storage, 'r/b', 'third');
    const [first] = calls;
    expect(first?.call).toBe('write');
    for (let at = 0, header; (header = parseFrameHeader(first!.bytes, at, first!.bytes.subarray(0, 8))) !== undefined; at += header.size) {
      if (header.kind === frameKinds.vouch) expect(decodeVouch(metaOf(first!.bytes, at, header)!).to).toBeLessThan(1 << 20);
    }
  });
});
