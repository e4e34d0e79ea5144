import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { describe, expect, it } from 'vitest';
import { fromUtf8, utf8 } from '../../../src/core/bytes.ts';
import { seededRandom } from '../../../src/core/random.ts';
import { nodeFileSystem, type FileSystem, type OpenFile } from '../../../src/storage/filesystem/file-system.ts';
import { SimulatedDisk, type DiskCall, type FaultPlan } from '../faults/simulated-disk.ts';
import { temporaryDirectories } from './temporary-directory.ts';

const directory = temporaryDirectories();
// Large enough that a copy takes several slices.
const count = 300;
const filler = 'f'.repeat(4000);

async function put(storage: FilesystemStorage, key: string, text: string): Promise<void> {
  await storage.write([{ kind: 'put', key, bytes: utf8(text) }]);
}

async function textOf(storage: FilesystemStorage, key: string): Promise<string | undefined> {
  const [record] = await storage.read([key]);
  return record && fromUtf8(record.bytes);
}

/** Many records, one of which was written over and one deleted. */
async function fill(storage: FilesystemStorage): Promise<void> {
  await storage.write(Array.from({ length: count }, (_, i) => ({ kind: 'put', key: `r/${i}`, bytes: utf8(`${filler}${i}`) })));
  await put(storage, 'r/over', 'the secret that was written over');
  await put(storage, 'r/over', 'what it says now');
  await put(storage, 'r/gone', 'the secret that was deleted');
  await storage.write([{ kind: 'delete', key: 'r/gone' }]);
}

async function assertFilled(storage: FilesystemStorage): Promise<void> {
  const keys = Array.from({ length: count }, (_, i) => `r/${i}`);
  const records = await storage.read(keys);
  records.forEach((record, i) => expect(record && fromUtf8(record.bytes)).toBe(`${filler}${i}`));
  expect(await textOf(storage, 'r/over')).toBe('what it says now');
  expect(await textOf(storage, 'r/gone')).toBeUndefined();
}

function generations(root: string): string[] {
  return readdirSync(join(root, 'records')).flatMap((shard) => readdirSync(join(root, 'records', shard)));
}

/** Every byte of a store, and the names in it. */
function everything(root: string): string {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .map((entry) => `${entry.name}\n${entry.isFile() ? readFileSync(join(entry.parentPath, entry.name), 'latin1') : ''}`)
    .join('\n');
}

/** A file system that waits before certain calls on open files until it is let go on. */
function halting(halts: (call: 'read' | 'write', path: string, length: number) => boolean): { fileSystem: FileSystem; reached: Promise<void>; goOn: () => void } {
  let reach!: () => void;
  let goOn!: () => void;
  const reached = new Promise<void>((resolve) => (reach = resolve));
  const released = new Promise<void>((resolve) => (goOn = resolve));
  const halt = async (): Promise<void> => {
    reach();
    await released;
  };
  const fileSystem: FileSystem = {
    ...nodeFileSystem,
    async open(path, mode): Promise<OpenFile> {
      const file = await nodeFileSystem.open(path, mode);
      return {
        stat: () => file.stat(),
        sync: () => file.sync(),
        close: () => file.close(),
        async read(target, position) {
          if (halts('read', path, target.length)) await halt();
          return file.read(target, position);
        },
        async write(bytes) {
          if (halts('write', path, bytes.length)) await halt();
          return file.write(bytes);
        },
      };
    },
  };
  return { fileSystem, reached, goOn };
}

const inCopy = (call: string, path: string, length: number): boolean => call === 'write' && path.endsWith('.tmp') && length > 1000;
/** Looking in the second generation for what was copied there. */
const inSecond = (call: string, path: string, length: number): boolean => call === 'read' && path.endsWith('0000000002.log') && length > 10_000;

describe('compact()', () => {
  it('takes what was deleted and written over off the disk, and leaves the rest', async () => {
    const root = join(directory(), 'store');
    const storage = new FilesystemStorage(root);
    const other = new FilesystemStorage(root);
    await fill(storage);
    await assertFilled(other);
    expect(everything(root)).toContain('the secret that was written over');
    const versions = (await other.list({ limit: count })).entries;
    const done: number[] = [];
    await storage.compact({ onProgress: (progress) => done.push(progress.done) });
    expect(everything(root)).not.toContain('secret');
    expect(everything(root)).not.toContain('r/gone');
    expect(done.length).toBeGreaterThan(2);
    expect(done).toEqual([...done].sort((a, b) => a - b));
    for (const each of [storage, other, new FilesystemStorage(root)]) {
      await assertFilled(each);
      expect((await each.list({ limit: count })).entries).toEqual(versions);
      await put(each, 'r/new', 'works');
      await each.close();
    }
  });

  it('leaves files alone that hold nothing of the kind, and makes no store', async () => {
    const root = join(directory(), 'store');
    const storage = new FilesystemStorage(root);
    await storage.compact();
    expect(() => readdirSync(root)).toThrow('ENOENT');
    await put(storage, 'a/1', 'kept');
    await put(storage, 'b/1', 'before');
    await put(storage, 'b/1', 'after');
    await storage.compact();
    expect(generations(root).sort()).toEqual(['0000000001.log', '0000000002.log']);
    await storage.compact();
    expect(generations(root).sort()).toEqual(['0000000001.log', '0000000002.log']);
    await storage.close();
    await expect(storage.compact()).rejects.toMatchObject({ code: 'closed' });
  });

  it('that is aborted leaves the store as it was and nothing behind', async () => {
    const root = join(directory(), 'store');
    const storage = new FilesystemStorage(root);
    await fill(storage);
    const controller = new AbortController();
    await expect(storage.compact({ signal: controller.signal, onProgress: () => controller.abort() })).rejects.toMatchObject({ code: 'aborted' });
    expect(readdirSync(join(root, 'tmp'))).toEqual([]);
    await assertFilled(storage);
    await storage.compact();
    expect(everything(root)).not.toContain('secret');
    await storage.close();
  });

  it('refuses to carry damage over, and names it', async () => {
    const root = join(directory(), 'store');
    await using storage = new FilesystemStorage(root);
    await fill(storage);
    const file = join(root, 'records', readdirSync(join(root, 'records'))[0]!, '0000000001.log');
    const bytes = readFileSync(file);
    bytes[bytes.indexOf(`${filler}7`) + 100]! ^= 1;
    writeFileSync(file, bytes);
    await expect(storage.compact()).rejects.toMatchObject({ code: 'integrity', details: { key: 'r/7' } });
    expect(await textOf(storage, 'r/8')).toBe(`${filler}8`);
  });
});

describe('while a file of records is copied', () => {
  it('writers of this and of other instances go on, and nothing that they write is lost', async () => {
    const root = join(directory(), 'store');
    await fill(new FilesystemStorage(root));
    const { fileSystem, reached, goOn } = halting(inCopy);
    const storage = new FilesystemStorage(root, { fileSystem });
    const other = new FilesystemStorage(root);
    const compacting = storage.compact();
    await reached;
    // All of this is done while the copy has come to a stand.
    for (const [i, each] of [storage, other].entries()) {
      await put(each, `r/${i}`, 'written over meanwhile');
      await put(each, `r/new-${i}`, 'new');
      await each.write([{ kind: 'delete', key: `r/${count - 1 - i}` }]);
      await put(each, `r/${count - 10 - i}`, 'first');
      await each.write([{ kind: 'delete', key: `r/${count - 10 - i}` }]);
      await put(each, `r/${count - 10 - i}`, 'again');
    }
    goOn();
    await compacting;
    expect(generations(root)).toEqual(['0000000002.log']);
    for (const each of [storage, other, new FilesystemStorage(root)]) {
      for (const i of [0, 1]) {
        expect(await textOf(each, `r/${i}`)).toBe('written over meanwhile');
        expect(await textOf(each, `r/new-${i}`)).toBe('new');
        expect(await textOf(each, `r/${count - 1 - i}`)).toBeUndefined();
        expect(await textOf(each, `r/${count - 10 - i}`)).toBe('again');
      }
      expect(await textOf(each, 'r/100')).toBe(`${filler}100`);
      expect((await each.list({ limit: 1000 })).entries).toHaveLength(count + 1);
      await each.close();
    }
  });

  it('the others leave it to the one that is at it, and take over when the file has grown without it', async () => {
    const disk = new SimulatedDisk(seededRandom(1));
    const copies: string[] = [];
    let dead = false;
    const first = disk.startProcess(({ name, path }) => {
      if (name !== 'write' || !path.endsWith('.tmp') || !copies.includes('first')) return name === 'open' && path.endsWith('.tmp') ? (copies.push('first'), undefined) : undefined;
      dead = true;
      return { death: 'before' };
    });
    const second = disk.startProcess(({ name, path }) => (name === 'open' && path.endsWith('.tmp') ? void copies.push('second') : undefined));
    const options = { compactAt: 20_000 };
    const a = new FilesystemStorage('/store', { ...options, fileSystem: first.fileSystem });
    const b = new FilesystemStorage('/store', { ...options, fileSystem: second.fileSystem, cacheBytes: 0 });
    await put(b, 'r/x', 'begun by the second');
    copies.length = 0;
    while (!dead) await put(a, 'r/x', filler).catch(() => undefined);
    for (let i = 0; i < 10; i++) await put(b, 'r/x', `the claim stands ${i}`);
    expect(copies).toEqual(['first']);
    for (let i = 0; i < 10; i++) await put(b, 'r/x', `${filler}${i}`);
    await b.close();
    expect(copies).toContain('second');
    const c = new FilesystemStorage('/store', { fileSystem: disk.losePower().startProcess().fileSystem });
    expect(await textOf(c, 'r/x')).toBe(`${filler}9`);
    await c.close();
  });
});

describe('after a file of records was replaced', () => {
  it('values are read where they were until they are found in the new one', async () => {
    const root = join(directory(), 'store');
    await fill(new FilesystemStorage(root));
    const { fileSystem, reached, goOn } = halting(inSecond);
    const storage = new FilesystemStorage(root, { fileSystem, cacheBytes: 0 });
    await assertFilled(storage);
    await new FilesystemStorage(root).compact();
    await assertFilled(storage);
    await reached;
    await put(storage, 'r/0', 'newer');
    await storage.write([{ kind: 'delete', key: 'r/1' }]);
    expect([await textOf(storage, 'r/0'), await textOf(storage, 'r/1'), await textOf(storage, 'r/2')]).toEqual(['newer', undefined, `${filler}2`]);
    goOn();
    await storage.compact();
    for (const each of [storage, new FilesystemStorage(root)]) {
      expect([await textOf(each, 'r/0'), await textOf(each, 'r/1'), await textOf(each, 'r/2')]).toEqual(['newer', undefined, `${filler}2`]);
      await each.close();
    }
  });

  it('a copy that is damaged at once is found out, and costs the damaged key only', async () => {
    const root = join(directory(), 'store');
    await fill(new FilesystemStorage(root));
    const { fileSystem, reached, goOn } = halting(inSecond);
    const storage = new FilesystemStorage(root, { fileSystem, cacheBytes: 0 });
    await assertFilled(storage);
    await new FilesystemStorage(root).compact();
    await assertFilled(storage);
    await reached;
    const file = join(root, 'records', readdirSync(join(root, 'records'))[0]!, '0000000002.log');
    const bytes = readFileSync(file);
    bytes[bytes.indexOf(`${filler}7`) + 100]! ^= 1;
    writeFileSync(file, bytes);
    goOn();
    await storage.compact().catch(() => undefined);
    await expect(storage.read(['r/7'])).rejects.toMatchObject({ code: 'integrity', details: { key: 'r/7' } });
    expect(await textOf(storage, 'r/8')).toBe(`${filler}8`);
    await put(storage, 'r/7', 'healed');
    await storage.compact();
    expect(await textOf(storage, 'r/7')).toBe('healed');
    await storage.close();
  });
});

describe('a compaction of many records', () => {
  interface Attempt {
    readonly calls: DiskCall[];
    readonly acknowledged: Map<string, string>;
    readonly failed: unknown[];
  }

  /** Compacts while another writes; tells what was acknowledged. */
  async function compactAndWrite(disk: SimulatedDisk, plan: FaultPlan): Promise<Attempt> {
    const attempt: Attempt = { calls: [], acknowledged: new Map(), failed: [] };
    const process = disk.startProcess((call) => {
      attempt.calls.push(call);
      return plan(call);
    });
    const storage = new FilesystemStorage('/store', { fileSystem: process.fileSystem });
    let ended = false;
    const compacting = storage
      .compact()
      .catch((error: unknown) => attempt.failed.push(error))
      .finally(() => (ended = true));
    for (let i = 0; !ended && i < 40; i++) {
      await put(storage, `r/${i % 7}`, `new ${i}`).then(
        () => attempt.acknowledged.set(`r/${i % 7}`, `new ${i}`),
        (error: unknown) => attempt.failed.push(error),
      );
    }
    await compacting;
    await storage.close().catch(() => undefined);
    return attempt;
  }

  async function assertKept(disk: SimulatedDisk, acknowledged: ReadonlyMap<string, string>, what: string): Promise<void> {
    const storage = new FilesystemStorage('/store', { fileSystem: disk.startProcess().fileSystem });
    const orderOf = (text: string | undefined): number => Number(/^new (\d+)$/.exec(text ?? '')?.[1] ?? -1);
    for (let i = 0; i < count; i += i < 7 ? 1 : 31) {
      const text = await textOf(storage, `r/${i}`);
      if (i < 7) expect(orderOf(text), `${what}: r/${i}`).toBeGreaterThanOrEqual(orderOf(acknowledged.get(`r/${i}`)));
      else expect(text, `${what}: r/${i}`).toBe(`${filler}${i}`);
    }
    expect(await textOf(storage, 'r/over'), what).toBe('what it says now');
    expect(await textOf(storage, 'r/gone'), what).toBeUndefined();
    await put(storage, 'r/new', 'works');
    await storage.compact();
    expect((await storage.list({ limit: 1000 })).entries, what).toHaveLength(count + 2);
    await storage.close();
  }

  async function filledDisk(seed: number): Promise<SimulatedDisk> {
    const disk = new SimulatedDisk(seededRandom(seed));
    const storage = new FilesystemStorage('/store', { fileSystem: disk.startProcess().fileSystem });
    await fill(storage);
    await storage.close();
    return disk;
  }

  it('may be cut short by death or loss of power anywhere while others write', { timeout: 180_000 }, async () => {
    const { calls } = await compactAndWrite(await filledDisk(0), () => undefined);
    expect(calls.filter((call) => call.name === 'write' && call.path.endsWith('.tmp')).length).toBeGreaterThan(2);
    for (let at = 1; at <= calls.length; at += 2) {
      const disk = await filledDisk(at);
      const death = at % 4 === 1 ? 'before' : 'after';
      const { acknowledged } = await compactAndWrite(disk, (call) => (call.count >= at ? { death } : undefined));
      const what = `death ${death} call ${at}, ${calls[at - 1]?.name} ${calls[at - 1]?.path}`;
      await assertKept(at % 3 === 0 ? disk : disk.losePower(), acknowledged, what);
    }
  });

  it.each(['ENOSPC', 'EIO', 'EMFILE'])('that meets %s anywhere while others write fails with a code, or not at all, and loses nothing', { timeout: 180_000 }, async (code) => {
    const { calls } = await compactAndWrite(await filledDisk(0), () => undefined);
    for (let at = 1; at <= calls.length; at += 3) {
      const disk = await filledDisk(at);
      const { acknowledged, failed } = await compactAndWrite(disk, ({ count: n, name }) => (n === at && name !== 'close' ? { code } : undefined));
      const what = `${code} at call ${at}, ${calls[at - 1]?.name} ${calls[at - 1]?.path}`;
      for (const error of failed) expect(error, what).toMatchObject({ code: code === 'ENOSPC' ? 'storage-full' : 'storage' });
      await assertKept(disk.losePower(), acknowledged, what);
    }
  });
});
