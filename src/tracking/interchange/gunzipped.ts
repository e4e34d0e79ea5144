import { IntegrityError, UnsupportedError } from '../../core/errors.ts';
import type { OpenSourceOptions, SourceFile } from './source-directory.ts';

/**
 * A file as it is, or, where it is gzip (RFC 1952, told by its first bytes and not by its name), what is in it: places are those of the contents. A file that was cut off or changed is an `IntegrityError` at its end. A reading that does not
 * begin at the start costs as much as one that does.
 */
export function gunzipped(file: SourceFile): SourceFile {
  let isZipped: boolean | undefined;
  return {
    name: file.name,
    async *open(options: OpenSourceOptions = {}) {
      const { start = 0, signal } = options;
      isZipped ??= await beginsAsGzip(file, options);
      if (!isZipped) yield* file.open(options);
      else yield* skipped(inflated(file.name, file.open({ signal })), start);
    },
  };
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

async function* skipped(chunks: AsyncIterable<Uint8Array>, bytes: number): AsyncGenerator<Uint8Array> {
  let left = bytes;
  for await (const chunk of chunks) {
    if (left < chunk.length) yield chunk.subarray(left);
    left = Math.max(0, left - chunk.length);
  }
}

async function* inflated(name: string, chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  if (typeof DecompressionStream === 'undefined') throw new UnsupportedError(`${name} is compressed, and this host has no DecompressionStream; decompress it first.`, { key: name });
  const stream = new DecompressionStream('gzip');
  const writer = stream.writable.getWriter();
  const reader = stream.readable.getReader();
  let failed: { readonly error: unknown } | undefined;
  const source = async function* (): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    try {
      // A copy, since whoever reads a file may use its buffer again.
      for await (const chunk of chunks) yield chunk.slice();
    } catch (error) {
      failed = { error };
      throw error;
    }
  };
  const feed = async (): Promise<void> => {
    try {
      for await (const chunk of source()) await writer.write(chunk);
      await writer.close();
    } catch (error) {
      await writer.abort(error).catch(() => undefined);
    }
  };
  const fed = feed();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } catch (cause) {
    if (failed) throw failed.error;
    throw new IntegrityError(`${name} cannot be decompressed: it was cut off or changed, or something stands behind its end.`, { key: name, cause });
  } finally {
    await reader.cancel().catch(() => undefined);
    await fed;
  }
}
