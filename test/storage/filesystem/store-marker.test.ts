import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { describe, expect, it } from 'vitest';
import { utf8 } from '../../../src/core/bytes.ts';
import { nodeFileSystem, type FileSystem } from '../../../src/storage/filesystem/file-system.ts';
import { temporaryDirectories } from './temporary-directory.ts';

const directory = temporaryDirectories();
const write = (root: string, fileSystem?: FileSystem): Promise<unknown> => new FilesystemStorage(root, { fileSystem }).write([{ kind: 'put', key: 'a', bytes: utf8('1') }]);
const read = (root: string): Promise<unknown> => new FilesystemStorage(root).read(['a']);

describe('the directory of a store', () => {
  it('is touched by nothing but a write, and made with all above it', async () => {
    const root = join(directory(), 'deep/er/store');
    const storage = new FilesystemStorage(root);
    expect(await storage.read(['a'])).toEqual([undefined]);
    expect((await storage.list({ kind: 'log' })).entries).toEqual([]);
    expect(() => readdirSync(root)).toThrow('ENOENT');
    await storage.write([{ kind: 'put', key: 'a', bytes: utf8('1') }]);
    expect(JSON.parse(readFileSync(join(root, 'modelkeep.json'), 'utf8'))).toEqual({ format: 'modelkeep', version: 1 });
    await storage.close();
  });

  it('may be empty, and is then made a store by any number at once', async () => {
    const root = directory();
    await Promise.all(Array.from({ length: 5 }, (_, i) => new FilesystemStorage(root).write([{ kind: 'put', key: `k/${i}`, bytes: utf8('1') }])));
    const storage = new FilesystemStorage(root);
    expect((await storage.list()).entries).toHaveLength(5);
    expect(readdirSync(root).sort()).toEqual(['modelkeep.json', 'records', 'tmp']);
    await storage.close();
  });

  it.each([
    ['holds something else', 'not-a-store', (root: string) => writeFileSync(join(root, 'thesis.doc'), 'x')],
    ['holds a marker that is none', 'not-a-store', (root: string) => writeFileSync(join(root, 'modelkeep.json'), '{"name":"mine"}')],
    ['holds a marker that is damaged', 'not-a-store', (root: string) => writeFileSync(join(root, 'modelkeep.json'), '{"format":"mod')],
    ['was written by a newer version', 'unknown-store-version', (root: string) => writeFileSync(join(root, 'modelkeep.json'), '{"format":"modelkeep","version":2}')],
  ])('that %s is refused with %s, and left as it is', async (_title, code, prepare) => {
    const root = directory();
    prepare(root);
    const before = readdirSync(root);
    await expect(read(root)).rejects.toMatchObject({ code });
    await expect(write(root)).rejects.toMatchObject({ code, details: { key: root } });
    expect(readdirSync(root)).toEqual(before);
  });

  it('may not be a file, nor lie below one', async () => {
    const file = join(directory(), 'file');
    writeFileSync(file, 'x');
    for (const root of [file, join(file, 'store')]) {
      await expect(read(root)).rejects.toMatchObject({ code: 'not-a-store' });
      await expect(write(root)).rejects.toMatchObject({ code: 'not-a-store' });
    }
  });

  it('may be a link to a directory', async () => {
    const parent = directory();
    mkdirSync(join(parent, 'real'));
    symlinkSync(join(parent, 'real'), join(parent, 'link'));
    await write(join(parent, 'link'));
    expect(await read(join(parent, 'real'))).toMatchObject([{ bytes: utf8('1') }]);
  });

  it('that may not be written says so, and works once it may', async () => {
    const root = join(directory(), 'store');
    let denied = true;
    const fileSystem: FileSystem = {
      ...nodeFileSystem,
      makeDirectory: (path) => (denied ? Promise.reject(Object.assign(new Error('denied'), { code: 'EACCES' })) : nodeFileSystem.makeDirectory(path)),
    };
    const storage = new FilesystemStorage(root, { fileSystem });
    const put = () => storage.write([{ kind: 'put', key: 'a', bytes: utf8('1') }]);
    await expect(put()).rejects.toMatchObject({ code: 'storage', message: expect.stringContaining('permission is missing') });
    denied = false;
    expect(await put()).toMatchObject([{ ok: true }]);
    await storage.close();
  });

  it.runIf(process.platform === 'linux').each([
    ['NFS', 0x6969],
    ['CIFS', 0xff534d42 | 0],
    ['SMB', 0xfe534d42],
  ])('on %s is refused', async (_name, type) => {
    const root = join(directory(), 'store');
    await expect(write(root, { ...nodeFileSystem, fileSystemType: async () => type })).rejects.toMatchObject({ code: 'unsupported' });
  });

  it('is checked where options enter', () => {
    expect(() => new FilesystemStorage('')).toThrow('path of a directory');
    expect(() => new FilesystemStorage('x', { durability: 'never' as 'flushed' })).toThrow("use 'flushed' or 'buffered'");
    expect(() => new FilesystemStorage('x', { compactAt: -1 })).toThrow('compactAt');
  });
});
