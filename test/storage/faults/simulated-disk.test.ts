import { describe, expect, it } from 'vitest';
import { fromUtf8, utf8 } from '../../../src/core/bytes.ts';
import { seededRandom } from '../../../src/core/random.ts';
import type { FileSystem } from '../../../src/storage/filesystem/file-system.ts';
import { ProcessDead, SimulatedDisk } from './simulated-disk.ts';

async function readText(fileSystem: FileSystem, path: string): Promise<string | undefined> {
  const file = await fileSystem.open(path, 'read').catch(() => undefined);
  if (!file) return undefined;
  const bytes = new Uint8Array(100);
  return fromUtf8(bytes.subarray(0, await file.read(bytes, 0)));
}

/** What a file may hold after a loss of power, over many of them. */
async function outcomes(work: (fileSystem: FileSystem) => Promise<void>, path = '/d/file'): Promise<Set<string | undefined>> {
  const found = new Set<string | undefined>();
  for (let seed = 0; seed < 300; seed++) {
    const disk = new SimulatedDisk(seededRandom(seed));
    const { fileSystem } = disk.startProcess();
    await fileSystem.makeDirectory('/d');
    await fileSystem.syncDirectory('/');
    await work(fileSystem);
    found.add(await readText(disk.losePower().startProcess().fileSystem, path));
  }
  return found;
}

const create = async (fileSystem: FileSystem, path: string, text: string, sync: boolean): Promise<void> => {
  const file = await fileSystem.open(path, 'create');
  await file.write(utf8(text));
  if (sync) await file.sync();
  await file.close();
};

describe('SimulatedDisk', () => {
  it('keeps what was synced, contents and names', async () => {
    const found = await outcomes(async (fileSystem) => {
      await create(fileSystem, '/d/file', 'text', true);
      await fileSystem.syncDirectory('/d');
    });
    expect(found).toEqual(new Set(['text']));
  });

  it('drops, tears or keeps what was not', async () => {
    const found = await outcomes(async (fileSystem) => {
      await create(fileSystem, '/d/file', 'text', false);
      await fileSystem.syncDirectory('/d');
    });
    for (const outcome of ['', 'te', 'text', '\0\0\0\0']) expect(found).toContain(outcome);
    expect(found).not.toContain(undefined);
  });

  it('keeps a later write where it drops an earlier one', async () => {
    const found = await outcomes(async (fileSystem) => {
      const file = await fileSystem.open('/d/file', 'create');
      await file.write(utf8('ab'));
      await file.write(utf8('cd'));
      await fileSystem.syncDirectory('/d');
    });
    for (const outcome of ['ab', '\0\0cd', 'abcd']) expect(found).toContain(outcome);
  });

  it('forgets or remembers a name that was not synced, and takes back a rename', async () => {
    expect(await outcomes((fileSystem) => create(fileSystem, '/d/file', 'text', true))).toEqual(new Set(['text', undefined]));
    const renamed = await outcomes(async (fileSystem) => {
      await create(fileSystem, '/d/file', 'old', true);
      await create(fileSystem, '/d/new', 'new', true);
      await fileSystem.syncDirectory('/d');
      await fileSystem.rename('/d/new', '/d/file');
    });
    expect(renamed).toEqual(new Set(['old', 'new']));
  });

  it('never keeps what a failed sync was to keep, whatever the process syncs later', async () => {
    const found = new Set<string | undefined>();
    for (let seed = 0; seed < 100; seed++) {
      const disk = new SimulatedDisk(seededRandom(seed));
      let syncs = 0;
      const { fileSystem } = disk.startProcess(({ name }) => (name === 'sync' && ++syncs === 1 ? { code: 'EIO' } : undefined));
      const file = await fileSystem.open('/file', 'create');
      await fileSystem.syncDirectory('/');
      await file.write(utf8('ab'));
      await expect(file.sync()).rejects.toMatchObject({ code: 'EIO' });
      await file.write(utf8('cd'));
      await file.sync();
      found.add(await readText(disk.losePower().startProcess().fileSystem, '/file'));
    }
    expect(found).toContain('\0\0cd');
    expect([...found].every((text) => text?.endsWith('cd'))).toBe(true);
  });

  it('kills a process before or after a call, and leaves the others alive', async () => {
    for (const death of ['before', 'after'] as const) {
      const disk = new SimulatedDisk(seededRandom(1));
      const victim = disk.startProcess(({ name }) => (name === 'write' ? { death } : undefined));
      const file = await victim.fileSystem.open('/file', 'create');
      await expect(file.write(utf8('text'))).rejects.toBeInstanceOf(ProcessDead);
      expect(victim.dead).toBe(true);
      await expect(file.write(utf8('more'))).rejects.toBeInstanceOf(ProcessDead);
      expect(await readText(disk.startProcess().fileSystem, '/file')).toBe(death === 'before' ? '' : 'text');
    }
  });

  it('fails calls as it is told and writes short', async () => {
    const disk = new SimulatedDisk(seededRandom(1));
    const { fileSystem } = disk.startProcess(({ name, count }) => (name === 'write' ? (count % 2 === 0 ? { short: 2 } : { code: 'ENOSPC' }) : undefined));
    const file = await fileSystem.open('/file', 'create');
    expect(await file.write(utf8('text'))).toBe(2);
    await expect(file.write(utf8('text'))).rejects.toMatchObject({ code: 'ENOSPC' });
    expect(await file.stat()).toMatchObject({ size: 2, links: 1 });
    await expect(fileSystem.open('/file', 'create')).rejects.toMatchObject({ code: 'EEXIST' });
    await expect(fileSystem.open('/none', 'read')).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('makes a link the second name of one file and keeps an unlinked file for who has it open', async () => {
    const disk = new SimulatedDisk(seededRandom(1));
    const { fileSystem } = disk.startProcess();
    const file = await fileSystem.open('/file', 'create');
    await fileSystem.link('/file', '/second');
    await expect(fileSystem.link('/file', '/second')).rejects.toMatchObject({ code: 'EEXIST' });
    await file.write(utf8('text'));
    await fileSystem.unlink('/file');
    expect([await readText(fileSystem, '/second'), (await file.stat()).links]).toEqual(['text', 1]);
    await fileSystem.unlink('/second');
    expect((await file.stat()).links).toBe(0);
    expect(await file.read(new Uint8Array(4), 0)).toBe(4);
  });
});
