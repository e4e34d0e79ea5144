import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { CliHost } from './host.ts';

/** Writes a file as a whole or not at all, and gives how many bytes it has: what stood there before stays until everything is written. */
export async function writeFileWhole(file: string, pieces: Iterable<string | Uint8Array> | AsyncIterable<string | Uint8Array>, { directory }: Pick<CliHost, 'directory'>): Promise<number> {
  const path = resolve(directory, file);
  const unfinished = `${path}.part`;
  const stream = createWriteStream(unfinished);
  try {
    await pipeline(Readable.from(pieces, { objectMode: true }), stream);
    await rename(unfinished, path);
    return stream.bytesWritten;
  } catch (error) {
    await rm(unfinished, { force: true });
    throw error;
  }
}
