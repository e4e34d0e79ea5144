import { createWriteStream } from 'node:fs';
import { readlink, realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { NotFoundError } from '../core/errors.ts';
import type { CliHost } from './host.ts';

/**
 * Writes a file as a whole or not at all, and gives how many bytes it has: what stood there before stays until everything is written. A link stays one, and its target is written. What is no file, such as a device or a named pipe, is
 * written to as it comes. Throws `NotFoundError` where there is no directory for it.
 */
export async function writeFileWhole(file: string, pieces: Iterable<string | Uint8Array> | AsyncIterable<string | Uint8Array>, { directory }: Pick<CliHost, 'directory'>): Promise<number> {
  const path = await writtenPath(resolve(directory, file));
  if (path.special) return written(path.name, pieces);
  // Another process may write the same file: each has an unfinished one of its own.
  const unfinished = `${path.name}.${process.pid}.part`;
  try {
    const bytes = await written(unfinished, pieces);
    await rename(unfinished, path.name);
    return bytes;
  } catch (error) {
    await rm(unfinished, { force: true });
    throw error;
  }
}

/** What is written at a path: the target of a link, also where there is none yet; `special` where nothing may be put in its place. */
async function writtenPath(path: string): Promise<{ readonly name: string; readonly special: boolean }> {
  try {
    return (await stat(path)).isFile() ? { name: await realpath(path), special: false } : { name: path, special: true };
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
  }
  const directory = await realpath(dirname(path)).catch((cause: unknown) => {
    throw codeOf(cause) === 'ENOENT' ? new NotFoundError(`There is no directory ${dirname(path)} to write ${basename(path)} to; make it first.`, { key: dirname(path), cause }) : cause;
  });
  const target = await readlink(path).catch(() => undefined);
  return target === undefined ? { name: join(directory, basename(path)), special: false } : writtenPath(resolve(directory, target));
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}

async function written(path: string, pieces: Iterable<string | Uint8Array> | AsyncIterable<string | Uint8Array>): Promise<number> {
  const stream = createWriteStream(path);
  await pipeline(Readable.from(pieces, { objectMode: true }), stream);
  return stream.bytesWritten;
}
