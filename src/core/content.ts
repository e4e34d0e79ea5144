import { utf8 } from './bytes.ts';
import { ValidationError } from './errors.ts';

/** What callers may store as a file: bytes, text (as UTF-8), a Blob, or a stream of bytes. */
export type Content = string | Uint8Array | ArrayBuffer | Blob | ReadableStream<Uint8Array> | AsyncIterable<Uint8Array>;

const chunkBytes = 1024 * 1024;

/** The bytes of a content, in chunks. A stream can be read only once. Throws `ValidationError`, naming `path`, for anything else. */
export function contentChunks(content: Content, path: string): AsyncIterable<Uint8Array> {
  if (typeof content === 'string') return chunksOf(utf8(content));
  if (content instanceof Uint8Array) return chunksOf(content);
  if (content instanceof ArrayBuffer) return chunksOf(new Uint8Array(content));
  if (typeof content === 'object' && content !== null) {
    if (isBlob(content)) return chunksOfStream(content.stream());
    if (Symbol.asyncIterator in content) return content;
    if (typeof (content as Partial<ReadableStream>).getReader === 'function') return chunksOfStream(content);
  }
  throw new ValidationError(`${path} is not content; give a text, a Uint8Array, an ArrayBuffer, a Blob, a ReadableStream or an AsyncIterable of bytes.`, { path });
}

/** The media type that a content has by itself; a more exact one is the caller's to give. */
export function mediaTypeOf(content: Content): string {
  if (typeof content === 'string') return 'text/plain; charset=utf-8';
  return (typeof content === 'object' && content !== null && isBlob(content) && content.type) || 'application/octet-stream';
}

function isBlob(content: object): content is Blob {
  return typeof (content as Partial<Blob>).stream === 'function' && typeof (content as Partial<Blob>).size === 'number';
}

async function* chunksOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
}

// Not every browser can iterate a ReadableStream.
async function* chunksOfStream(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader();
  let finished = false;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      finished = done;
      if (done) return;
      yield value;
    }
  } finally {
    if (!finished) await reader.cancel().catch(() => undefined);
    reader.releaseLock();
  }
}
