import { dirname } from 'node:path';
import type { Directories } from './directories.ts';
import { readAt, writeAll } from './file-reading.ts';
import type { FileSystem, OpenFile } from './file-system.ts';

const chunkBytes = 4 << 20;

/**
 * Flushes a file that nobody writes to any more as a new one under its name: after a failed flush the system may have dropped what it held for the old one, and
 * another flush of that would not tell (Rebello et al., "Can Applications Recover from fsync Failures?", USENIX ATC 2020).
 */
export async function flushAnew(fileSystem: FileSystem, directories: Directories, path: string): Promise<void> {
  const { path: temporary, file } = await directories.createTemporary();
  try {
    await copy(fileSystem, path, file).finally(() => file.close());
    await fileSystem.rename(temporary, path);
  } catch (error) {
    await fileSystem.unlink(temporary).catch(() => undefined);
    throw error;
  }
  await fileSystem.syncDirectory(dirname(path));
}

async function copy(fileSystem: FileSystem, path: string, target: OpenFile): Promise<void> {
  const source = await fileSystem.open(path, 'read');
  try {
    const { size } = await source.stat();
    for (let at = 0; at < size; at += chunkBytes) await writeAll(target, await readAt(source, at, Math.min(chunkBytes, size - at)));
    await target.sync();
  } finally {
    await source.close();
  }
}
