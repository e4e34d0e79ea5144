import { expect, it } from 'vitest';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { fromUtf8, utf8 } from '../../../src/core/bytes.ts';
import { seededRandom } from '../../../src/core/random.ts';
import type { StorageAdapter } from '../../../src/storage/contract.ts';
import { fileHeaderBytes, parseFileHeader } from '../../../src/storage/filesystem/file-header.ts';
import { readAt, writeAll } from '../../../src/storage/filesystem/file-reading.ts';
import type { FileSystem } from '../../../src/storage/filesystem/file-system.ts';
import { encodeWriteMeta, frameKinds, frameSize, noBytes, writeFrame, type FrameDraft } from '../../../src/storage/filesystem/record-frame.ts';
import { SimulatedDisk } from './simulated-disk.ts';

const root = '/data/store';

async function textOf(storage: StorageAdapter, key: string): Promise<string | undefined> {
  const [record] = await storage.read([key]);
  return record && fromUtf8(record.bytes);
}

/** What two processes leave behind that die at once: one has sealed the file to replace it, the other's delete came behind the seal; neither was flushed. */
async function sealAndDelete(fileSystem: FileSystem, key: string): Promise<void> {
  const [shard] = await fileSystem.readDirectory(`${root}/records`);
  const [log] = await fileSystem.readDirectory(`${root}/records/${shard!.name}`);
  const path = `${root}/records/${shard!.name}/${log!.name}`;
  const { salt } = parseFileHeader(await readAt(await fileSystem.open(path, 'read'), 0, fileHeaderBytes))!;
  const frames: FrameDraft[] = [
    { kind: frameKinds.seal, key: '', rest: noBytes, value: noBytes },
    { kind: frameKinds.delete, key, rest: encodeWriteMeta({ condition: 'none', operationId: undefined, blobs: [] }), value: noBytes },
  ];
  const file = await fileSystem.open(path, 'append');
  for (const [i, frame] of frames.entries()) {
    const bytes = Buffer.alloc(frameSize(frame));
    writeFrame(bytes, 0, frame, salt, i + 1, 1);
    await writeAll(file, bytes);
  }
  await file.close();
}

async function abandoned(seed: number): Promise<SimulatedDisk> {
  const disk = new SimulatedDisk(seededRandom(seed));
  const { fileSystem } = disk.startProcess();
  const storage = new FilesystemStorage(root, { fileSystem });
  await storage.write([{ kind: 'put', key: 'a/key', bytes: utf8('acknowledged') }]);
  await storage.close();
  await sealAndDelete(fileSystem, 'a/key');
  return disk;
}

// What is left of unflushed writes after a loss of power is drawn by lot.
const seeds = Array.from({ length: 40 }, (_, seed) => seed);

it('who was told that a write behind a seal never happened is told so after a loss of power too, which may take the seal', async () => {
  for (const seed of seeds) {
    const disk = await abandoned(seed);
    const storage = new FilesystemStorage(root, { fileSystem: disk.startProcess().fileSystem });
    expect(await textOf(storage, 'a/key'), `seed ${seed}`).toBe('acknowledged');

    const after = new FilesystemStorage(root, { fileSystem: disk.losePower().startProcess().fileSystem });
    expect(await textOf(after, 'a/key'), `seed ${seed}, after the loss`).toBe('acknowledged');
    await after.close();
  }
});

it('nor does it happen when the file was replaced in between, by a process whose new file is lost with its name', async () => {
  for (const seed of seeds) {
    const disk = await abandoned(seed);
    const replacing = new FilesystemStorage(root, { fileSystem: disk.startProcess(({ name, path }) => (name === 'syncDirectory' && path.includes('/records/') ? { death: 'before' } : undefined)).fileSystem });
    await expect(replacing.write([{ kind: 'put', key: 'a/key', bytes: utf8('cut short') }])).rejects.toThrow('the process died');
    const storage = new FilesystemStorage(root, { fileSystem: disk.startProcess().fileSystem });
    expect(await textOf(storage, 'a/key'), `seed ${seed}`).toBe('acknowledged');

    const after = new FilesystemStorage(root, { fileSystem: disk.losePower().startProcess().fileSystem });
    expect(await textOf(after, 'a/key'), `seed ${seed}, after the loss`).toBe('acknowledged');
    await after.close();
  }
});

it('is read by who may not write to the file, or cannot flush it', async () => {
  for (const code of ['EACCES', 'EROFS', 'EIO', 'ENOSPC']) {
    const disk = await abandoned(1);
    const { fileSystem } = disk.startProcess(({ name }) => (name === 'sync' ? { code } : undefined));
    const storage = new FilesystemStorage(root, { fileSystem });
    expect(await textOf(storage, 'a/key'), code).toBe('acknowledged');
    await storage.close();
  }
});
