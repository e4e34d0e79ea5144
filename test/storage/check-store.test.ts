import { appendFileSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, truncateSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { checkStore, collectGarbage, MemoryStorage, rewritableLog, withPrefix, type CheckStoreOptions, type Digest, type StorageAdapter, type StoreFinding } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { describe, expect, it } from 'vitest';
import { fromUtf8, utf8 } from '../../src/core/bytes.ts';
import { generationKey, pointerKey, readPointer } from '../../src/storage/log-generations.ts';
import { temporaryDirectories } from './filesystem/temporary-directory.ts';
import { interleavedStorage } from './interleaved-storage.ts';
import { SimulatedTime } from './simulated-time.ts';

const directory = temporaryDirectories();
const dayMs = 86_400_000;

async function check(storage: StorageAdapter, options?: CheckStoreOptions): Promise<StoreFinding[]> {
  const findings: StoreFinding[] = [];
  for await (const finding of checkStore(storage, options)) findings.push(finding);
  return findings;
}

const once = async function* (text: string): AsyncGenerator<Uint8Array> {
  yield utf8(text);
};
const writeBlob = async (storage: StorageAdapter, text: string): Promise<Digest> => (await storage.writeBlob(once(text))).digest;

async function fill(storage: StorageAdapter): Promise<{ blob: Digest; other: Digest }> {
  const [blob, other] = [await writeBlob(storage, 'a blob'), await writeBlob(storage, 'another blob')];
  await storage.write([
    { kind: 'put', key: 'models/a', bytes: utf8('one'), blobs: [blob] },
    { kind: 'put', key: 'models/b', bytes: utf8('two'), blobs: [blob, other] },
    { kind: 'put', key: 'runs/1', bytes: utf8('three') },
  ]);
  for (const writer of ['w1', 'w2']) await storage.append('models/a', [utf8('first'), utf8('second')], { writer });
  await storage.append('runs/log', [utf8('x')], { writer: 'w1' });
  return { blob, other };
}

describe.each([
  ['MemoryStorage', () => new MemoryStorage()],
  ['FilesystemStorage', () => new FilesystemStorage(directory())],
])('checkStore on a %s', (_name, open) => {
  it('finds nothing in a store that is well, empty or not', async () => {
    await using storage = open();
    expect(await check(storage)).toEqual([]);
    await fill(storage);
    const log = rewritableLog(storage, 'rows');
    await log.append(['1', '2'].map(utf8));
    await log.rewrite((entry) => fromUtf8(entry.bytes) === '1');
    await fill(withPrefix(storage, 'team'));
    expect(await check(storage)).toEqual([]);
    expect(await check(withPrefix(storage, 'team'), { deep: false })).toEqual([]);
  });

  it('names the records whose blobs are missing, and the blobs that no record names', async () => {
    await using storage = open();
    const { blob } = await fill(storage);
    await storage.deleteBlob(blob);
    const lone = await writeBlob(storage, 'nobody');
    const expected = [
      { kind: 'damage', where: 'models/a', repaired: false },
      { kind: 'damage', where: 'models/b', repaired: false },
      { kind: 'leftover', where: lone, repaired: false },
    ];
    expect(await check(storage)).toMatchObject(expected);
    expect(await check(storage, { repair: true, deep: false })).toMatchObject(expected);
    // What nobody in a part of the store names may be named elsewhere.
    expect(await check(withPrefix(storage, 'team'))).toEqual([]);
  });

  it('finds a log that a slow writer brought to life again, and deletes it', async () => {
    await using storage = open();
    for (const key of ['rows', 'team/rows']) {
      const log = rewritableLog(storage, key);
      await log.append([utf8('anna'), utf8('bert')]);
      await log.rewrite((entry) => fromUtf8(entry.bytes) !== 'anna');
      await storage.append(key, [utf8('anna')], { writer: 'slow' });
      await storage.append(generationKey(key, 'old'), [utf8('anna')], { writer: 'slow' });
    }
    const places = ['rows/_generations/old', 'rows', 'team/rows/_generations/old', 'team/rows'];
    const found = await check(storage);
    expect(found.map(({ where }) => where).sort()).toEqual([...places].sort());
    expect(found.every(({ kind, repaired }) => kind === 'leftover' && !repaired)).toBe(true);
    expect((await check(storage, { repair: true })).filter(({ repaired }) => repaired)).toHaveLength(4);
    expect(await check(storage)).toEqual([]);
    expect((await storage.list({ kind: 'log' })).entries).toHaveLength(2);
  });

  it('finds that entries of a rewritten log are lost', async () => {
    await using storage = open();
    const log = rewritableLog(storage, 'rows');
    await log.append(['1', '2', '3'].map(utf8));
    await log.rewrite((entry) => fromUtf8(entry.bytes) !== '1');
    const where = generationKey('rows', (await readPointer(storage, 'rows', {}))!.value.current);
    await storage.deleteLog(where);
    expect(await check(storage)).toMatchObject([{ kind: 'damage', where }]);
  });
});

describe('checkStore', () => {
  it('ends what a rewriting began that died at any call, and then finds nothing of what was to go or everything as it was', async () => {
    const clock = new SimulatedTime();
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.integer({ min: 1, max: 30 }), fc.boolean(), async (scheduler, failsAt, takesEffect) => {
        const storage = new MemoryStorage();
        await storage.append('rows', ['anna', 'bert', 'anna', 'carl'].map(utf8), { writer: 'w' });
        const dying = rewritableLog(interleavedStorage(storage, scheduler, { name: 'rewriter', failsAt, takesEffect }), 'rows', { clock });
        await scheduler.waitFor(dying.rewrite((entry) => fromUtf8(entry.bytes) !== 'anna').catch(() => undefined));
        const young = await check(storage, { repair: true, clock });
        expect(young.filter(({ where, repaired }) => where === pointerKey('rows') && repaired)).toEqual([]);
        clock.time += dayMs;
        await check(storage, { repair: true, clock });
        expect(await check(storage, { clock })).toEqual([]);
        const left: string[] = [];
        for (const { key } of (await storage.list({ kind: 'log' })).entries) for await (const entry of storage.readLog(key)) left.push(fromUtf8(entry.bytes));
        expect(left.sort()).toEqual(left.includes('anna') ? ['anna', 'anna', 'bert', 'carl'] : ['bert', 'carl']);
        expect((await storage.list({ kind: 'log' })).entries).toHaveLength(1);
      }),
      { numRuns: 60 },
    );
  });

  it('goes on behind what cannot be read or listed, and stops when the store cannot be reached', async () => {
    const storage = new MemoryStorage();
    await fill(storage);
    const { IntegrityError, StorageError } = await import('modelkeep');
    const [read, list] = [storage.read.bind(storage), storage.list.bind(storage)];
    storage.read = async (keys, options) => {
      if (keys.includes('models/a')) throw new IntegrityError('models/a is damaged.', { key: 'models/a' });
      return read(keys, options);
    };
    storage.list = async (query, options) => {
      const page = await list(query, options);
      if (query?.kind === 'log' && page.entries.some(({ key }) => key === 'models/a')) throw new IntegrityError('The log models/a is damaged.', { key: 'models/a' });
      return page;
    };
    expect(await check(storage)).toMatchObject([
      { kind: 'damage', where: 'models/a', message: 'The log models/a is damaged.' },
      { kind: 'damage', where: 'models/a', message: 'models/a is damaged.' },
    ]);
    storage.read = async () => {
      throw new StorageError('unavailable', 'The server is away.');
    };
    await expect(check(storage)).rejects.toMatchObject({ code: 'unavailable' });
    const controller = new AbortController();
    await expect(check(new MemoryStorage(), { signal: (controller.abort(), controller.signal) })).rejects.toMatchObject({ code: 'aborted' });
  });

  it('tells of notes of garbage that a clock which was ahead has left', async () => {
    const storage = new MemoryStorage();
    const clock = new SimulatedTime();
    await writeBlob(storage, 'x');
    clock.time += 1000 * dayMs;
    await collectGarbage(storage, { clock });
    clock.time -= 1000 * dayMs;
    expect(await check(storage, { clock })).toMatchObject([{ where: expect.stringContaining('sha256:') }, { kind: 'leftover', where: '_garbage' }]);
  });
});

describe('checkStore on a damaged directory', () => {
  /** A store with files of every kind, and where they are. */
  async function store(): Promise<{ root: string; files: string[] }> {
    const root = join(directory(), 'store');
    {
      await using storage = new FilesystemStorage(root);
      await fill(storage);
    }
    {
      // Another instance, so that the log has a second segment of the same writer, and the record files a last word.
      await using storage = new FilesystemStorage(root);
      await storage.append('models/a', [utf8('third')], { writer: 'w1' });
      await storage.write([{ kind: 'put', key: 'models/c', bytes: utf8('four') }]);
    }
    const files = (readdirSync(root, { recursive: true, encoding: 'utf8' })).map((name) => join(root, name)).filter((path) => statSync(path).isFile());
    return { root, files };
  }

  async function checkAt(root: string, options?: CheckStoreOptions): Promise<StoreFinding[]> {
    await using storage = new FilesystemStorage(root);
    return await check(storage, options);
  }

  it('names the record, log or blob when a byte is flipped, wherever it matters', { timeout: 180_000 }, async () => {
    const seed = Date.now() % 2 ** 31;
    const { root, files } = await store();
    const pristine = new Map(files.map((path) => [path, readFileSync(path)]));
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...files.filter((path) => !path.endsWith('.json'))), fc.nat(), async (path, place) => {
        const bytes = Buffer.from(pristine.get(path)!);
        if (bytes.length === 0) return;
        const at = place % bytes.length;
        bytes[at]! ^= 0x10;
        writeFileSync(path, bytes);
        try {
          const found = await checkAt(root);
          const contents = await readable(root);
          // Either everything reads as before (one of two headers, or a last word that nothing rests on), or the damage is told of.
          if (contents !== wholeContents) expect([path.slice(root.length), at, found.filter(({ kind }) => kind === 'damage').length]).not.toEqual([path.slice(root.length), at, 0]);
          expect(found.filter(({ kind }) => kind === 'damage').every(({ message }) => message.length > 20)).toBe(true);
        } finally {
          writeFileSync(path, pristine.get(path)!);
        }
      }),
      { numRuns: 80, seed },
    );
  });

  /** Everything that can be read, as one text; what cannot be is left out. */
  async function readable(root: string): Promise<string> {
    await using storage = new FilesystemStorage(root);
    const parts: string[] = [];
    for (const key of ['models/a', 'models/b', 'models/c', 'runs/1']) {
      const records = await storage.read([key]).catch(() => [undefined]);
      parts.push(`${key} ${records[0] === undefined ? '?' : fromUtf8(records[0].bytes)}`);
    }
    for (const log of ['models/a', 'runs/log']) {
      try {
        for await (const { writer, bytes } of storage.readLog(log)) parts.push(`${writer} ${fromUtf8(bytes)}`);
      } catch {
        parts.push('?');
      }
    }
    for (const text of ['a blob', 'another blob']) {
      const { digestOf } = await import('../../src/core/digest.ts');
      try {
        for await (const chunk of (await storage.readBlob(digestOf(text))) ?? []) parts.push(fromUtf8(chunk));
      } catch {
        parts.push('?');
      }
    }
    return parts.join('\n');
  }
  const wholeContents = [
    'models/a one', 'models/b two', 'models/c four', 'runs/1 three',
    'w1 first', 'w1 second', 'w1 third', 'w2 first', 'w2 second', 'w1 x', 'a blob', 'another blob',
  ].join('\n');

  it('reads the store that it damages as it should be', async () => {
    expect(await readable((await store()).root)).toBe(wholeContents);
  });

  it('names what was deleted or cut off, and still finds the rest', async () => {
    const { root, files } = await store();
    const find = (part: string): string => files.find((path) => path.includes(part))!;
    // A blob gone, another cut, a segment gone whose successor is there, another whose header is gone.
    const blobs = files.filter((path) => path.includes('/blobs/'));
    unlinkSync(blobs[0]!);
    truncateSync(blobs[1]!, 3);
    unlinkSync(find('/models/a/w1~00000000~00000001'));
    truncateSync(find('/runs/log/w1'), 10);
    const found = (await checkAt(root)).filter(({ kind }) => kind === 'damage').map(({ where }) => where);
    const [gone, cut] = blobs.map((path) => `sha256:${path.slice(-64)}`);
    expect(found).toEqual(expect.arrayContaining(['models/a', 'runs/log', cut]));
    expect(found.includes('models/b') || found.includes(gone!)).toBe(true);
  });

  it('names a file of records whose header is gone, and what it can still tell of the others', async () => {
    const { root, files } = await store();
    const path = files.find((file) => file.includes('/records/') && readFileSync(file).includes('three'))!;
    const bytes = readFileSync(path);
    writeFileSync(path, bytes.fill(0, 0, 96));
    const { digestOf } = await import('../../src/core/digest.ts');
    await using storage = new FilesystemStorage(root);
    await storage.deleteBlob(digestOf('another blob'));
    const found = await check(storage);
    expect(found.some(({ kind, where }) => kind === 'damage' && where.startsWith('records/'))).toBe(true);
    expect(found.some(({ where, message }) => where === 'models/b' && message.includes(digestOf('another blob')))).toBe(true);
    // What no record names is not known any more.
    expect(found.filter(({ where }) => where.startsWith('sha256:'))).toEqual([]);
  });

  it('finds what does not belong there, and removes what dead processes left when it is old', async () => {
    const { root } = await store();
    const shard = readdirSync(join(root, 'records'))[0]!;
    mkdirSync(join(root, 'tmp'), { recursive: true });
    const leftovers = [join(root, 'tmp', '00000000-1-0123456789abcdef.tmp'), join(root, 'records', shard, '0000000000.log'), join(root, 'modelkeep-0123456789abcdef.tmp')];
    const foreign = [join(root, 'notes.txt'), join(root, 'records', shard, 'old.bak'), join(root, 'logs', 'models', '.DS_Store'), join(root, 'blobs', 'sha256', 'zz')];
    for (const path of [...leftovers, ...foreign]) writeFileSync(path, 'x');
    const where = (paths: readonly string[]): string[] => paths.map((path) => path.slice(root.length + 1)).sort();
    const places = (findings: readonly StoreFinding[]): string[] => findings.map((finding) => finding.where).sort();
    // What is young may be someone's at work.
    expect(places(await checkAt(root, { repair: true }))).toEqual(where(foreign));
    for (const path of [...leftovers, ...foreign]) utimesSync(path, 1, 1);
    const found = await checkAt(root, { repair: true });
    expect(places(found)).toEqual(where([...leftovers, ...foreign]));
    expect(places(found.filter(({ repaired }) => repaired))).toEqual(where(leftovers));
    expect([leftovers.some(existsSync), foreign.every(existsSync)]).toEqual([false, true]);
    expect(places(await checkAt(root))).toEqual(where(foreign));
  });

  it('tells of no damage in a directory of format 1, with the torn tails that dead processes left in it', async () => {
    const root = join(directory(), 'store');
    cpSync(fileURLToPath(new URL('../fixtures/filesystem-format-1/store', import.meta.url)), root, { recursive: true });
    expect(await checkAt(root)).toEqual([]);
    appendFileSync(join(root, 'modelkeep.json'), ' ');
    expect(await checkAt(root)).toEqual([]);
  });
});

describe('erasure in a directory', () => {
  it('leaves no byte of what was taken out in any file', async () => {
    const root = join(directory(), 'store');
    const marker = 'anna-karenina';
    const holders = (): string[] =>
      readdirSync(root, { recursive: true, encoding: 'utf8' }).map((name) => join(root, name)).filter((path) => statSync(path).isFile() && readFileSync(path).includes(marker));
    await using storage = new FilesystemStorage(root);
    const log = rewritableLog(storage, 'rows');
    for (let i = 0; i < 50; i++) await log.append([utf8(`${marker} ${i}`), utf8(`bert ${i}`)]);
    // Another process has the log open too.
    await using other = new FilesystemStorage(root);
    const second = rewritableLog(other, 'rows');
    await second.append([utf8(`${marker} elsewhere`), utf8('bert elsewhere')]);
    expect(holders().length).toBeGreaterThan(0);
    expect(await log.rewrite((entry) => !fromUtf8(entry.bytes).startsWith(marker))).toEqual({ kept: 51, changed: 0, dropped: 51 });
    expect(holders()).toEqual([]);
    await second.append([utf8('bert again')]);
    expect(holders()).toEqual([]);
    let count = 0;
    for await (const entry of log.read()) expect([fromUtf8(entry.bytes).startsWith('bert'), ++count > 0]).toEqual([true, true]);
    expect(count).toBe(52);

    // Records: what was written over goes when the files are written anew.
    await storage.write([{ kind: 'put', key: 'people/1', bytes: utf8(marker) }]);
    await storage.write([{ kind: 'put', key: 'people/1', bytes: utf8('forgotten') }]);
    expect(holders()).toHaveLength(1);
    await storage.compact();
    expect(holders()).toEqual([]);
    expect(await check(storage)).toEqual([]);
  });
});
