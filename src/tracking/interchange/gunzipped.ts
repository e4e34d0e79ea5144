import { throwIfAborted } from '../../core/abort.ts';
import { IntegrityError, isModelkeepError } from '../../core/errors.ts';
import { examineGzip, gzipBytes, type GzipContents } from './gzip-members.ts';
import type { OpenSourceOptions, SourceFile } from './source-directory.ts';

/**
 * A file as it is, or, where it is gzip (RFC 1952, told by its first bytes and not by its name; of several members too), what is in it: places are those of the contents. Of one that was cut off or changed, what is sure to be as it was
 * written is given, and then an `IntegrityError` with the byte of the file (`offset`): all up to where it was cut off; of a member that was changed nothing, since its checksum does not say where. It is read once more for that, the first
 * time. A reading that does not begin at the start costs as much as one that does.
 */
export function gunzipped(file: SourceFile): SourceFile {
  let isZipped: boolean | undefined;
  let contents: GzipContents | undefined;
  return {
    name: file.name,
    async *open(options: OpenSourceOptions = {}) {
      const { start = 0, signal } = options;
      isZipped ??= await beginsAsGzip(file, options);
      if (!isZipped) {
        yield* file.open(options);
        return;
      }
      contents ??= await examineGzip(watched(file, signal));
      yield* between(gzipBytes(watched(file, signal)), start, contents.bytes);
      const { fault } = contents;
      if (fault) throw new IntegrityError(`${file.name} cannot be decompressed further. ${fault.message} Make the file anew.`, { key: file.name, offset: fault.offset });
    },
  };
}

/** What is read of a compressed file, and last, where it was cut off or changed, what is wrong with it. A line that is not whole there has not been given. */
export async function* untilFault<T>(parts: AsyncIterable<T[]>, file: SourceFile): AsyncGenerator<(T | { readonly offset: number; readonly message: string })[]> {
  try {
    yield* parts;
  } catch (error) {
    if (!isModelkeepError(error, 'integrity') || error.details['key'] !== file.name || typeof error.details['offset'] !== 'number') throw error;
    yield [{ offset: error.details['offset'], message: error.message }];
  }
}

/** Its name in a folder, without the extension that says how it is packed and the one that says what is in it. */
export function baseName(file: SourceFile): string {
  const name = file.name.slice(file.name.lastIndexOf('/') + 1);
  return name.replace(/\.gz$/i, '').replace(/\.[^.]*$/, '');
}

async function beginsAsGzip(file: SourceFile, { signal }: OpenSourceOptions): Promise<boolean> {
  const first: number[] = [];
  for await (const chunk of file.open({ signal })) {
    first.push(...chunk.subarray(0, 2 - first.length));
    if (first.length >= 2) break;
  }
  return first[0] === 0x1f && first[1] === 0x8b;
}

async function* watched(file: SourceFile, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
  for await (const chunk of file.open({ signal })) {
    throwIfAborted(signal, `Reading ${file.name}`);
    yield chunk;
  }
}

async function* between(chunks: AsyncIterable<Uint8Array>, start: number, end: number): AsyncGenerator<Uint8Array> {
  if (start >= end) return;
  let at = 0;
  for await (const chunk of chunks) {
    const part = chunk.subarray(Math.max(0, start - at), end - at);
    if (part.length > 0) yield part;
    if ((at += chunk.length) >= end) return;
  }
}
