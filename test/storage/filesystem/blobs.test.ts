import { existsSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { describe, expect, it } from 'vitest';
import { collectBytes, utf8 } from '../../../src/core/bytes.ts';
import { digestOf } from '../../../src/core/digest.ts';
import { checksum } from '../../../src/storage/filesystem/checksum.ts';
import { nodeFileSystem, type FileSystem } from '../../../src/storage/filesystem/file-system.ts';
import { temporaryDirectories } from './temporary-directory.ts';

const directory = temporaryDirectories();

async function* streamOf(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield utf8(text);
}

function pathOf(root: string, text: string): string {
  const hex = digestOf(text).slice('sha256:'.length);
  return join(root, 'blobs/sha256', hex.slice(0, 2), hex);
}

describe('a blob', () => {
  it('is a file named by its digest, and nothing else is left', async () => {
    const root = join(directory(), 'store');
    await using storage = new FilesystemStorage(root);
    await storage.writeBlob(streamOf('some ', 'bytes'));
    expect(readFileSync(pathOf(root, 'some bytes'), 'utf8')).toBe('some bytes');
    expect(readdirSync(join(root, 'tmp'))).toEqual([]);
  });

  it.each([
    ['a bit flipped', (bytes: Buffer) => Buffer.from(bytes).fill(bytes[3]! ^ 4, 3, 4)],
    ['its end cut off', (bytes: Buffer) => bytes.subarray(0, 5)],
    ['something behind it', (bytes: Buffer) => Buffer.concat([bytes, Buffer.from('x')])],
    ['nothing left', () => Buffer.alloc(0)],
  ])('with %s is an error with its digest, and healed by writing it again', async (_title, damage) => {
    const root = join(directory(), 'store');
    await using storage = new FilesystemStorage(root);
    const { digest } = await storage.writeBlob(streamOf('some bytes'));
    writeFileSync(pathOf(root, 'some bytes'), damage(readFileSync(pathOf(root, 'some bytes'))));
    await expect(storage.readBlob(digest).then((chunks) => collectBytes(chunks!))).rejects.toMatchObject({ code: 'integrity', details: { key: digest } });
    await storage.writeBlob(streamOf('some bytes'));
    expect(await collectBytes((await storage.readBlob(digest))!)).toEqual(utf8('some bytes'));
  });

  it('is refreshed when it is written again', async () => {
    const root = join(directory(), 'store');
    await using storage = new FilesystemStorage(root);
    await storage.writeBlob(streamOf('some bytes'));
    utimesSync(pathOf(root, 'some bytes'), 1000, 1000);
    await storage.writeBlob(streamOf('some bytes'));
    expect(Date.now() - statSync(pathOf(root, 'some bytes')).mtimeMs).toBeLessThan(60_000);
  });

  it('that cannot take its name because someone reads it, as on Windows, is refreshed all the same', async () => {
    const root = join(directory(), 'store');
    await new FilesystemStorage(root).writeBlob(streamOf('some bytes'));
    const fileSystem: FileSystem = { ...nodeFileSystem, rename: () => Promise.reject(Object.assign(new Error('in use'), { code: 'EPERM' })) };
    await using storage = new FilesystemStorage(root, { fileSystem });
    const versions = new Set<string | undefined>();
    for (let i = 0; i < 5; i++) {
      await storage.writeBlob(streamOf('some bytes'));
      versions.add((await storage.list({ kind: 'blob' })).entries[0]?.version);
    }
    expect(versions.size).toBe(5);
    writeFileSync(pathOf(root, 'some bytes'), 'SOME BYTES');
    await expect(storage.writeBlob(streamOf('some bytes'))).rejects.toMatchObject({ code: 'storage', details: { key: digestOf('some bytes'), system: 'EPERM' } });
    await expect(storage.writeBlob(streamOf('others'))).rejects.toMatchObject({ code: 'storage', details: { key: digestOf('others') } });
    expect(readdirSync(join(root, 'tmp'))).toEqual([]);
  });

  it.each(['ENOSPC', 'EIO'])('that meets %s leaves nothing, names itself, and can be written later', async (code) => {
    const root = join(directory(), 'store');
    let failing = true;
    const fileSystem: FileSystem = {
      ...nodeFileSystem,
      async open(path, mode) {
        const file = await nodeFileSystem.open(path, mode);
        const isBlob = path.startsWith(join(root, 'tmp'));
        const write = (bytes: Uint8Array): Promise<number> => (failing && bytes.length > 6 ? Promise.reject(Object.assign(new Error(code), { code })) : file.write(bytes.subarray(0, 3)));
        return isBlob ? { ...file, write } : file;
      },
    };
    await using storage = new FilesystemStorage(root, { fileSystem });
    const digest = digestOf('one two threefour');
    await expect(storage.writeBlob(streamOf('one ', 'two ', 'threefour'), { digest })).rejects.toMatchObject({ code: code === 'ENOSPC' ? 'storage-full' : 'storage', details: { key: digest } });
    expect(readdirSync(join(root, 'tmp'))).toEqual([]);
    expect(existsSync(join(root, 'blobs'))).toBe(false);
    failing = false;
    expect(await storage.writeBlob(streamOf('one ', 'two ', 'threefour'), { digest })).toEqual({ digest, size: 17 });
    expect(await collectBytes((await storage.readBlob(digest))!)).toEqual(utf8('one two threefour'));
  });
});

describe('a large blob', () => {
  async function* blocks(count: number): AsyncGenerator<Uint8Array> {
    const block = new Uint8Array(1 << 20);
    for (let i = 0; i < count; i++) yield block.fill(i);
  }

  it('is not acknowledged when an early flush of it failed, though the last one did not', async () => {
    const root = join(directory(), 'store');
    let syncs = 0;
    let failing = true;
    const fileSystem: FileSystem = {
      ...nodeFileSystem,
      async open(path, mode) {
        const file = await nodeFileSystem.open(path, mode);
        const sync = (): Promise<void> => (++syncs === 1 && failing ? Promise.reject(Object.assign(new Error('EIO'), { code: 'EIO' })) : file.sync());
        return path.startsWith(join(root, 'tmp')) ? { ...file, sync } : file;
      },
    };
    await using storage = new FilesystemStorage(root, { fileSystem });
    await expect(storage.writeBlob(blocks(12))).rejects.toMatchObject({ code: 'storage', details: { system: 'EIO' } });
    expect([(await storage.list({ kind: 'blob' })).entries, readdirSync(join(root, 'tmp'))]).toEqual([[], []]);
    failing = false;
    const { digest, size } = await storage.writeBlob(blocks(12));
    let read = 0;
    for await (const chunk of (await storage.readBlob(digest))!) read += chunk.length;
    expect([read, size]).toEqual([12 << 20, 12 << 20]);
    expect(syncs).toBeGreaterThan(2);
  });

  it('waits for the disk when that is slower than its source', async () => {
    const root = join(directory(), 'store');
    let under = 0;
    let most = 0;
    let made = 0;
    const fileSystem: FileSystem = {
      ...nodeFileSystem,
      async open(path, mode) {
        const file = await nodeFileSystem.open(path, mode);
        const write = async (bytes: Uint8Array): Promise<number> => {
          for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve));
          under += bytes.length;
          return file.write(bytes);
        };
        return path.startsWith(join(root, 'tmp')) ? { ...file, write } : file;
      },
    };
    const source = async function* (): AsyncGenerator<Uint8Array> {
      for await (const block of blocks(20)) {
        most = Math.max(most, made - under);
        made += block.length;
        yield block;
      }
    };
    await using storage = new FilesystemStorage(root, { fileSystem });
    await storage.writeBlob(source());
    expect(most).toBeGreaterThan(1 << 20);
    expect(most).toBeLessThanOrEqual(5 << 20);
  });
});

describe('temporary files that were left', () => {
  it('are removed once they are a day old and their process is dead, and no others', async () => {
    const root = join(directory(), 'store');
    const first = new FilesystemStorage(root);
    await first.writeBlob(streamOf('x'));
    await first.close();
    const held = new FilesystemStorage(root);
    let go = (): void => undefined;
    const waiting = new Promise<void>((resolve) => (go = resolve));
    const writing = held.writeBlob(
      (async function* () {
        yield utf8('slow');
        await waiting;
      })(),
    );
    while (readdirSync(join(root, 'tmp')).length === 0) await new Promise((resolve) => setImmediate(resolve));
    const [live] = readdirSync(join(root, 'tmp'));
    const leave = (name: string, ageMs: number): void => {
      writeFileSync(join(root, 'tmp', name), 'left');
      utimesSync(join(root, 'tmp', name), (Date.now() - ageMs) / 1000, (Date.now() - ageMs) / 1000);
    };
    const hour = 3_600_000;
    utimesSync(join(root, 'tmp', live!), 1000, 1000);
    leave('00000000-1-aaaa.tmp', 25 * hour);
    leave(`${live!.slice(0, 8)}-999999999-bbbb.tmp`, 25 * hour);
    leave('00000000-1-cccc.tmp', 23 * hour);
    leave('notes.txt', 100 * hour);
    await using sweeping = new FilesystemStorage(root);
    await sweeping.writeBlob(streamOf('y'));
    expect(readdirSync(join(root, 'tmp')).sort()).toEqual(['00000000-1-cccc.tmp', live!, 'notes.txt'].sort());
    go();
    expect(await writing).toEqual({ digest: digestOf('slow'), size: 4 });
    await held.close();
  });

  it('of processes that live are left alone though the clock jumps, and what is from the future waits', async () => {
    const root = join(directory(), 'store');
    const first = new FilesystemStorage(root);
    await first.writeBlob(streamOf('x'));
    await first.close();
    const year = 366 * 86_400_000;
    for (const jump of [year, -year]) {
      const own = `${checksum(Buffer.from(hostname())).toString(16).padStart(8, '0')}-${process.pid}-abcd.tmp`;
      const later = '00000000-1-dcba.tmp';
      for (const name of [own, later]) writeFileSync(join(root, 'tmp', name), 'left');
      if (jump > 0) utimesSync(join(root, 'tmp', later), (Date.now() + year) / 1000, (Date.now() + year) / 1000);
      const fileSystem: FileSystem = {
        ...nodeFileSystem,
        async stat(path) {
          const stat = await nodeFileSystem.stat(path);
          return path.endsWith(own) || path.endsWith(later) ? stat : { ...stat, modifiedMs: stat.modifiedMs + jump };
        },
      };
      await using storage = new FilesystemStorage(root, { fileSystem });
      await storage.writeBlob(streamOf('y'));
      expect(readdirSync(join(root, 'tmp')).sort()).toEqual([own, later].sort());
    }
  });

  it('of deleted logs are directories, and go after a day', async () => {
    const root = join(directory(), 'store');
    const first = new FilesystemStorage(root);
    for (const log of ['a/b/c', 'a/other']) await first.append(log, [utf8('x')]);
    await first.deleteLog('a/b/c');
    await first.close();
    for (const name of readdirSync(join(root, 'tmp'))) utimesSync(join(root, 'tmp', name), 1000, 1000);
    await using second = new FilesystemStorage(root);
    await second.deleteLog('a/other');
    expect(readdirSync(join(root, 'logs/a'))).toEqual(['other']);
    expect((await second.list({ kind: 'log' })).entries).toEqual([]);
    await second.append('a/b/c', [utf8('anew')]);
    expect((await second.list({ kind: 'log' })).entries).toMatchObject([{ key: 'a/b/c', size: 4 }]);
  });
});
