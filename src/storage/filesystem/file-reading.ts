import { codeOf, type FileSystem, type OpenFile } from './file-system.ts';

/** The bytes from `position`, `length` of them or fewer at the end of the file. */
export async function readAt(file: OpenFile, position: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length);
  const filled = await fillAt(file, bytes, position);
  return filled === length ? bytes : bytes.subarray(0, filled);
}

/** Reads the bytes from `position` into `bytes`, and says how many there are; fewer than it holds at the end of the file. */
export async function fillAt(file: OpenFile, bytes: Buffer, position: number): Promise<number> {
  let filled = 0;
  while (filled < bytes.length) {
    const read = await file.read(filled === 0 ? bytes : bytes.subarray(filled), position + filled);
    if (read === 0) break;
    filled += read;
  }
  return filled;
}

/** Appends all of `bytes` to a file that nobody else writes to. */
export async function writeAll(file: OpenFile, bytes: Uint8Array): Promise<void> {
  let written = 0;
  while (written < bytes.length) {
    const now = await file.write(written === 0 ? bytes : bytes.subarray(written));
    if (now === 0) throw Object.assign(new Error('the system wrote nothing'), { code: 'EIO' });
    written += now;
  }
}

/** Flushes the names in a directory, if there is one. */
export async function syncIfThere(fileSystem: FileSystem, path: string): Promise<void> {
  try {
    await fileSystem.syncDirectory(path);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
  }
}
