import { readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { describe, expect, it } from 'vitest';
import { fromUtf8, utf8 } from '../../../src/core/bytes.ts';
import { nodeFileSystem, type FileSystem } from '../../../src/storage/filesystem/file-system.ts';
import { temporaryDirectories } from './temporary-directory.ts';

const directory = temporaryDirectories();

async function entriesOf(storage: FilesystemStorage, log = 'log', after?: string): Promise<[string, number][]> {
  const entries: [string, number][] = [];
  for await (const entry of storage.readLog(log, { after })) entries.push([fromUtf8(entry.bytes), entry.sequence]);
  return entries;
}

function segments(root: string, log = 'log'): string[] {
  return readdirSync(join(root, 'logs', log)).sort().map((name) => join(root, 'logs', log, name));
}

async function append(storage: FilesystemStorage, texts: readonly string[], options: { writer?: string; operationId?: string; durability?: 'buffered' | 'flushed' } = {}): Promise<string> {
  return storage.append('log', texts.map(utf8), options);
}

describe('a segment of a log', () => {
  it('with a bit flipped anywhere is an error with the key, or as it was', async () => {
    const root = join(directory(), 'store');
    const storage = new FilesystemStorage(root);
    for (const text of ['one', 'two', 'three']) await append(storage, [text, `${text}!`]);
    await storage.close();
    const [file] = segments(root);
    const sound = readFileSync(file!);
    const whole = [['one', 1], ['one!', 2], ['two', 3], ['two!', 4], ['three', 5], ['three!', 6]];
    let failures = 0;
    for (let at = 0; at < sound.length; at++) {
      const bytes = Buffer.from(sound);
      bytes[at]! ^= 1 << at % 8;
      writeFileSync(file!, bytes);
      const again = new FilesystemStorage(root);
      const outcome = await entriesOf(again).catch((error: unknown) => error);
      if (Array.isArray(outcome)) expect(outcome, `byte ${at}`).toEqual(whole);
      else {
        failures++;
        expect(outcome, `byte ${at}`).toMatchObject({ code: 'integrity', details: { key: 'log' } });
      }
      await again.close();
    }
    expect(failures).toBeGreaterThan(3 * 60);
  });

  it('torn at every byte of its last frame gives what is before', async () => {
    const root = join(directory(), 'store');
    const storage = new FilesystemStorage(root);
    await append(storage, ['one', 'two'], { writer: 'w' });
    const before = readFileSync(segments(root)[0]!).length;
    await append(storage, ['three', 'four'], { writer: 'w', operationId: 'x' });
    const whole = readFileSync(segments(root)[0]!);
    for (let length = before; length < whole.length; length += 3) {
      const copy = join(directory(), 'store');
      const other = new FilesystemStorage(copy);
      await append(other, ['placeholder'], { writer: 'w' });
      await other.close();
      writeFileSync(segments(copy)[0]!, whole);
      truncateSync(segments(copy)[0]!, length);
      const again = new FilesystemStorage(copy);
      expect(await entriesOf(again)).toEqual([['one', 1], ['two', 2]]);
      expect(await append(again, ['three', 'four'], { writer: 'w', operationId: 'x' })).toBe('w:4');
      expect(await append(again, ['three', 'four'], { writer: 'w', operationId: 'x' })).toBe('w:4');
      expect(await entriesOf(again)).toEqual([['one', 1], ['two', 2], ['three', 3], ['four', 4]]);
      expect((await again.list({ kind: 'log' })).entries).toMatchObject([{ key: 'log', size: 15 }]);
      expect(readFileSync(segments(copy)[0]!).subarray(0, length)).toEqual(whole.subarray(0, length));
      await again.close();
    }
    await storage.close();
  });

  it('that is missing below a later one is an error with the key', async () => {
    const root = join(directory(), 'store');
    for (const text of ['one', 'two', 'three']) {
      const storage = new FilesystemStorage(root);
      await append(storage, [text], { writer: 'w' });
      await storage.close();
    }
    const [, second] = segments(root);
    truncateSync(second!, 110);
    const storage = new FilesystemStorage(root);
    await expect(entriesOf(storage)).rejects.toMatchObject({ code: 'integrity', details: { key: 'log' } });
    await storage.close();
  });
});

describe('writers of a log', () => {
  it('of one name in turn go on in a new segment, and know each other’s named appends', async () => {
    const root = join(directory(), 'store');
    for (let i = 0; i < 4; i++) {
      const storage = new FilesystemStorage(root);
      await append(storage, [`${i}`], { writer: 'w', operationId: `op ${i}` });
      await append(storage, ['again'], { writer: 'w', operationId: 'op 0' });
      await storage.close();
    }
    expect(segments(root)).toHaveLength(4);
    const storage = new FilesystemStorage(root);
    expect(await entriesOf(storage)).toEqual([['0', 1], ['1', 2], ['2', 3], ['3', 4]]);
    expect(await entriesOf(storage, 'log', 'w:2')).toEqual([['2', 3], ['3', 4]]);
    await storage.close();
  });

  it('of one name at once lose and double nothing', async () => {
    const root = join(directory(), 'store');
    const storages = [1, 2, 3].map(() => new FilesystemStorage(root));
    await Promise.all(
      storages.map(async (storage, i) => {
        for (let n = 0; n < 8; n++) await append(storage, [`${i}.${n}`], { writer: 'w', ...(n % 2 ? { operationId: `${i}.${n}` } : {}) });
      }),
    );
    const entries = await entriesOf(storages[0]!);
    expect(entries.map(([, sequence]) => sequence)).toEqual(Array.from({ length: 24 }, (_, i) => i + 1));
    for (const i of [0, 1, 2]) expect(entries.map(([text]) => text).filter((text) => text.startsWith(`${i}`))).toEqual(Array.from({ length: 8 }, (_, n) => `${i}.${n}`));
    await Promise.all(storages.map((storage) => storage.close()));
  });

  it('use few files however much they append, and more only when there are many logs', async () => {
    const root = join(directory(), 'store');
    const storage = new FilesystemStorage(root, { durability: 'buffered' });
    for (let i = 0; i < 100; i++) await append(storage, [`${i}`]);
    expect(segments(root)).toHaveLength(1);
    for (let turn = 0; turn < 2; turn++) for (let i = 0; i < 140; i++) await storage.append(`many/${i}`, [utf8(`${turn}`)]);
    expect((await storage.list({ kind: 'log', prefix: 'many/' })).entries).toHaveLength(140);
    for (const i of [0, 70, 139]) expect(await entriesOf(storage, `many/${i}`)).toEqual([['0', 1], ['1', 2]]);
    await storage.close();
  });

  it('whose disk fills up in the middle of a write go on in a new segment without what was refused', async () => {
    const root = join(directory(), 'store');
    let room = Infinity;
    const fileSystem: FileSystem = {
      ...nodeFileSystem,
      async open(path, mode) {
        const file = await nodeFileSystem.open(path, mode);
        const write = async (bytes: Uint8Array): Promise<number> => {
          if (room <= 0) throw Object.assign(new Error('full'), { code: 'ENOSPC' });
          const written = await file.write(bytes.subarray(0, room));
          room -= written;
          return written;
        };
        return { ...file, write };
      },
    };
    const storage = new FilesystemStorage(root, { fileSystem });
    await append(storage, ['one'], { operationId: '1' });
    for (const left of [0, 5, 30, 61, 64]) {
      room = left;
      await expect(append(storage, ['refused'])).rejects.toMatchObject({ code: 'storage-full', details: { key: 'log' } });
      room = Infinity;
      await append(storage, [`after ${left}`]);
    }
    await append(storage, ['not again'], { operationId: '1' });
    const expected = [['one', 1], ['after 0', 2], ['after 5', 3], ['after 30', 4], ['after 61', 5], ['after 64', 6]];
    expect(await entriesOf(storage)).toEqual(expected);
    await storage.close();
    const again = new FilesystemStorage(root);
    expect(await entriesOf(again)).toEqual(expected);
    await again.close();
  });
});

describe('reading a log', () => {
  it('gives entries in order to who asks for many at once, and ends for who leaves early', async () => {
    const root = join(directory(), 'store');
    await using storage = new FilesystemStorage(root);
    for (let i = 0; i < 5; i++) await append(storage, [`${2 * i}`, `${2 * i + 1}`]);
    const iterator = storage.readLog('log')[Symbol.asyncIterator]();
    const results = await Promise.all(Array.from({ length: 14 }, () => iterator.next()));
    expect(results.map(({ value }) => value && fromUtf8(value.bytes))).toEqual([...Array.from({ length: 10 }, (_, i) => `${i}`), ...Array.from({ length: 4 }, () => undefined)]);
    expect(results.map(({ done }) => done)).toEqual([...Array.from({ length: 10 }, () => false), ...Array.from({ length: 4 }, () => true)]);
    const early = storage.readLog('log')[Symbol.asyncIterator]();
    const [first, left, none] = await Promise.all([early.next(), early.return!(), early.next()]);
    expect([first.value?.sequence, left.done, none.done]).toEqual([1, true, true]);
    const from = storage.readLog('log', { after: first.value!.position.replace(/1$/, '3') })[Symbol.asyncIterator]();
    expect(await from.next()).toMatchObject({ value: { sequence: 4 } });
    await from.return!();
  });

  it('hands out entries that are their reader’s own', async () => {
    const root = join(directory(), 'store');
    await using storage = new FilesystemStorage(root);
    await append(storage, ['short', 'x'.repeat(1000)]);
    for await (const { bytes } of storage.readLog('log')) {
      expect([bytes.constructor, bytes.buffer.byteLength]).toEqual([Uint8Array, bytes.length]);
      bytes.fill(0);
    }
    expect(await entriesOf(storage)).toEqual([['short', 1], ['x'.repeat(1000), 2]]);
  });
});

describe('deleting a log', () => {
  it('leaves logs below and beside it, and their order', async () => {
    const root = join(directory(), 'store');
    const storage = new FilesystemStorage(root, { durability: 'buffered' });
    const keys = ['a', 'a-b', 'a.b', 'a/b', 'a/b/c', 'a/b-c', 'a0', 'ab/c/d/e'];
    for (const key of keys) await storage.append(key, [utf8(key)]);
    const list = async (query = {}) => (await storage.list({ kind: 'log', ...query })).entries.map((entry) => entry.key);
    expect(await list()).toEqual([...keys].sort());
    expect(await list({ prefix: 'a/' })).toEqual(['a/b', 'a/b-c', 'a/b/c']);
    expect(await list({ after: 'a/b' })).toEqual([...keys].sort().filter((key) => key > 'a/b'));
    await storage.deleteLog('a/b');
    await storage.deleteLog('ab/c/d/e');
    await storage.deleteLog('nothing/here');
    expect(await list()).toEqual([...keys].sort().filter((key) => key !== 'a/b' && key !== 'ab/c/d/e'));
    await storage.close();
  });

  it('beside readers and writers leaves a log that can be read', async () => {
    const root = join(directory(), 'store');
    const storages = [1, 2, 3].map(() => new FilesystemStorage(root, { durability: 'buffered' }));
    let stop = false;
    const writing = storages.slice(0, 2).map(async (storage, i) => {
      for (let n = 0; !stop; n++) await append(storage, [`${i}.${n}`], i === 0 ? {} : { writer: 'w' });
    });
    for (let turn = 0; turn < 40; turn++) {
      for await (const { sequence } of storages[2]!.readLog('log')) expect(sequence).toBeGreaterThan(0);
      await storages[2]!.deleteLog('log');
    }
    stop = true;
    await Promise.all(writing);
    await storages[2]!.deleteLog('log');
    expect(await entriesOf(storages[0]!)).toEqual([]);
    await append(storages[0]!, ['anew']);
    expect(await entriesOf(storages[1]!)).toEqual([['anew', 1]]);
    await Promise.all(storages.map((storage) => storage.close()));
  });
});
