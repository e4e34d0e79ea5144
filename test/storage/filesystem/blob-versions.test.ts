import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { describe, expect, it } from 'vitest';
import { childProgram } from '../../child-program.ts';
import { collectBytes, fromUtf8, utf8 } from '../../../src/core/bytes.ts';
import { digestOf } from '../../../src/core/digest.ts';
import { isModelkeepError } from '../../../src/core/errors.ts';
import { seededRandom } from '../../../src/core/random.ts';
import { nodeFileSystem, type FileSystem } from '../../../src/storage/filesystem/file-system.ts';
import { SimulatedDisk } from '../faults/simulated-disk.ts';
import { everyChoice, Turns, type Choose } from './interleavings.ts';
import { temporaryDirectories } from './temporary-directory.ts';

const directory = temporaryDirectories();
const seed = Math.floor(Math.random() * 2 ** 31);
const text = 'some bytes';
const digest = digestOf(text);
const hex = digest.slice('sha256:'.length);

async function* streamOf(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const part of texts) yield utf8(part);
}

async function textOf(storage: FilesystemStorage): Promise<string | undefined> {
  const chunks = await storage.readBlob(digest);
  return chunks && fromUtf8(await collectBytes(chunks));
}

async function versionOf(storage: FilesystemStorage): Promise<string | undefined> {
  const { entries } = await storage.list({ kind: 'blob' });
  expect(entries.length).toBeLessThan(2);
  return entries[0]?.version;
}

/** What a delete at a version came to. */
async function deleted(storage: FilesystemStorage, match: string): Promise<boolean> {
  try {
    await storage.deleteBlob(digest, { match });
    return true;
  } catch (error) {
    if (isModelkeepError(error, 'conflict')) return false;
    throw error;
  }
}

const folder = `/data/store/blobs/sha256/${hex.slice(0, 2)}`;

function isOfBlob(path: string): boolean {
  return path.startsWith(`${folder}/${hex}`);
}

function isInFolder(path: string): boolean {
  return path.startsWith(folder);
}

interface Place {
  readonly disk: SimulatedDisk;
  readonly storage: FilesystemStorage;
  readonly version: string;
}

/** A simulated disk with the blob on it, and an instance that looks at it freely. */
async function placeWithBlob(random: () => number): Promise<Place> {
  const disk = new SimulatedDisk(random);
  const storage = new FilesystemStorage('/data/store', { fileSystem: disk.startProcess().fileSystem });
  await storage.writeBlob(streamOf(text));
  return { disk, storage, version: (await versionOf(storage))! };
}

async function expectThere(storage: FilesystemStorage): Promise<string> {
  expect(await textOf(storage)).toBe(text);
  const version = await versionOf(storage);
  expect(version).toBeDefined();
  return version!;
}

describe('a blob that is written anew while it is deleted at the version that it had', () => {
  it('is there from then on, in every order of their calls', async () => {
    const outcomes = new Set<boolean>();
    const runs = await everyChoice(async (choose) => {
      const { disk, storage, version } = await placeWithBlob(() => 0);
      const turns = new Turns(choose);
      let written = false;
      turns.start(disk.startProcess().fileSystem, isOfBlob, async (fileSystem) => {
        await new FilesystemStorage('/data/store', { fileSystem }).writeBlob(streamOf(text));
        written = true;
      });
      turns.start(disk.startProcess().fileSystem, isInFolder, async (fileSystem) => {
        outcomes.add(await deleted(new FilesystemStorage('/data/store', { fileSystem }), version));
      });
      await turns.run(async () => void (written && (await expectThere(storage))));
      expect([turns.over, written]).toEqual([true, true]);
      await expectThere(storage);
    });
    expect([...outcomes].sort()).toEqual([false, true]);
    expect(runs).toBeGreaterThan(50);
  });

  it('is there though who deletes it died at any of its calls, and goes whole when it is deleted as it is then', async () => {
    let aside = 0;
    await everyChoice(async (choose) => {
      const { disk, storage, version } = await placeWithBlob(() => 0);
      const turns = new Turns(choose);
      const lastTurn = choose(12);
      let written = false;
      turns.start(disk.startProcess().fileSystem, isInFolder, async (fileSystem) => void (await deleted(new FilesystemStorage('/data/store', { fileSystem }), version)));
      turns.start(disk.startProcess().fileSystem, isOfBlob, async (fileSystem) => {
        await new FilesystemStorage('/data/store', { fileSystem }).writeBlob(streamOf(text));
        written = true;
      });
      await turns.run(() => Promise.resolve(), (actor, turn) => actor === 0 && turn === lastTurn);
      expect(written).toBe(true);
      const present = await expectThere(storage);
      if (present.includes('+')) aside++;
      expect(await deleted(storage, present)).toBe(true);
      expect([await textOf(storage), await versionOf(storage)]).toEqual([undefined, undefined]);
      expect(await disk.startProcess().fileSystem.readDirectory(folder)).toEqual([]);
    });
    expect(aside).toBeGreaterThan(0);
  });

  it(`is there beside several who delete and write it, when they die, and when power is lost (seed ${seed})`, { timeout: 180_000 }, async () => {
    let lost = 0;
    for (let run = 0; run < 400; run++) {
      const random = seededRandom(seed + run);
      const choose: Choose = (of) => Math.floor(random() * of);
      const { disk, storage, version } = await placeWithBlob(random);
      const turns = new Turns(choose);
      let written = 0;
      const dying = [0, 1, 2, 3].map(() => (random() < 0.3 ? choose(14) : Infinity));
      for (let i = 0; i < 4; i++) {
        turns.start(disk.startProcess().fileSystem, isInFolder, async (fileSystem) => {
          const own = new FilesystemStorage('/data/store', { fileSystem });
          if (i % 2 === 0) await deleted(own, version);
          else {
            await own.writeBlob(streamOf(text));
            written++;
          }
        });
      }
      await turns.run(async () => void (written > 0 && (await expectThere(storage))), (actor, turn) => turn >= dying[actor]!);
      if (written === 0) continue;
      lost++;
      const after = new FilesystemStorage('/data/store', { fileSystem: disk.losePower().startProcess().fileSystem });
      await expectThere(after);
    }
    expect(lost).toBeGreaterThan(150);
  });

  it('is there with real processes', { timeout: 180_000 }, async () => {
    const root = join(directory(), 'store');
    await using storage = new FilesystemStorage(root);
    const script = childProgram('refresh-child.ts', import.meta.url);
    const children = ['write', 'delete', 'delete'].map((role) => fork(script, [root, role], { execArgv: [] }));
    try {
      await Promise.all(children.map((child) => once(child, 'message')));
      const outcomes = new Set<unknown>();
      const ask = async (asked: readonly (typeof children)[number][], version: string): Promise<void> => {
        const answers = asked.map((child) => once(child, 'message'));
        for (const child of asked) child.send(version);
        for (const [answer] of await Promise.all(answers)) outcomes.add(answer);
      };
      for (let round = 0; round < 90; round++) {
        await storage.writeBlob(streamOf(text));
        const version = await expectThere(storage);
        // On a busy machine the same one may win every race, so each goes first at times.
        if (round % 3 === 0) for (const child of children) await ask([child], version);
        else if (round % 3 === 1) for (const child of [...children].reverse()) await ask([child], version);
        else await ask(children, version);
        await expectThere(storage);
      }
      const exits = children.map((child) => once(child, 'exit'));
      for (const child of children) child.disconnect();
      await Promise.all(exits);
      expect(outcomes).toEqual(new Set(['written', true, false]));
    } finally {
      for (const child of children) child.kill('SIGKILL');
    }
  });
});

describe('the version of a blob', () => {
  it('changes with every writing where times are coarse and files have no numbers', async () => {
    const root = join(directory(), 'store');
    const floor = (ms: number): number => Math.floor(ms / 2000) * 2000;
    const coarse: FileSystem = {
      ...nodeFileSystem,
      async stat(path) {
        const stat = await nodeFileSystem.stat(path);
        return { ...stat, modifiedMs: floor(stat.modifiedMs), identity: String(floor(stat.modifiedMs)) };
      },
      setModified: (path, ms) => nodeFileSystem.setModified(path, floor(ms)),
    };
    await using storage = new FilesystemStorage(root, { fileSystem: coarse });
    const versions = new Set<string | undefined>();
    for (let i = 0; i < 6; i++) {
      await storage.writeBlob(streamOf(text));
      versions.add(await versionOf(storage));
    }
    expect(versions.size).toBe(6);
  });

  it('changes with every writing though the clock jumps back', async () => {
    const root = join(directory(), 'store');
    let now = 4e12;
    const jumping: FileSystem = {
      ...nodeFileSystem,
      async stat(path) {
        const stat = await nodeFileSystem.stat(path);
        return path.includes('/tmp/') ? { ...stat, modifiedMs: now } : stat;
      },
    };
    await using storage = new FilesystemStorage(root, { fileSystem: jumping });
    const versions: string[] = [];
    for (let i = 0; i < 6; i++) {
      await storage.writeBlob(streamOf(text));
      versions.push((await versionOf(storage))!);
      now -= 1e11;
    }
    expect(new Set(versions).size).toBe(6);
    for (const match of versions.slice(0, -1)) expect(await deleted(storage, match)).toBe(false);
    expect(await deleted(storage, versions.at(-1)!)).toBe(true);
  });
});

describe('a blob that someone took aside and did not give back', () => {
  it('is read, listed, refreshed and deleted like any other', async () => {
    const root = join(directory(), 'store');
    await using storage = new FilesystemStorage(root);
    await storage.writeBlob(streamOf(text));
    const before = await versionOf(storage);
    const folder = join(root, 'blobs/sha256', hex.slice(0, 2));
    renameSync(join(folder, hex), join(folder, `${hex}~0011223344556677`));
    expect([await textOf(storage), await versionOf(storage)]).toEqual([text, before]);
    const part = await storage.readBlob(digest, { range: { start: 5, end: 8 } });
    expect(fromUtf8(await collectBytes(part!))).toBe('byt');
    expect((await storage.list({ kind: 'blob' })).entries).toMatchObject([{ key: digest, size: text.length }]);
    await storage.writeBlob(streamOf(text));
    expect(readdirSync(folder)).toHaveLength(2);
    expect(await deleted(storage, before!)).toBe(false);
    expect(await deleted(storage, (await versionOf(storage))!)).toBe(true);
    expect([readdirSync(folder), await textOf(storage)]).toEqual([[], undefined]);
    await storage.writeBlob(streamOf(text));
    renameSync(join(folder, hex), join(folder, `${hex}~0011223344556677`));
    await storage.deleteBlob(digest);
    expect([readdirSync(folder), await textOf(storage)]).toEqual([[], undefined]);
  });
});
