import { untilAborted } from './abort.ts';
import { isWellFormed, utf8 } from './bytes.ts';
import { ValidationError } from './errors.ts';
import { shown } from './shown.ts';

/**
 * What callers may store as a file: text (as UTF-8), bytes (an ArrayBuffer or any view of one, of which only the part that is viewed counts), a Blob or File, or a stream of
 * bytes or of texts.
 */
export type Content = string | ArrayBuffer | ArrayBufferView | Blob | ReadableStream<Uint8Array> | ReadableStream<string> | AsyncIterable<Uint8Array | string>;

const chunkBytes = 1024 * 1024;

/**
 * The bytes of a content, in chunks of the library's own: what the caller does to its arrays meanwhile tears no chunk. A stream can be read only once. Throws `ValidationError`, naming
 * `path`, for anything else, and for text with a lone surrogate; rejects with `AbortedError` as soon as `signal` fires, and then lets go of the source.
 */
export function contentChunks(content: Content, path: string, signal?: AbortSignal): AsyncIterable<Uint8Array> {
  if (typeof content === 'string') return chunksOf(utf8(wellFormed(content, path)));
  if (content instanceof ArrayBuffer) return chunksOf(new Uint8Array(content));
  if (ArrayBuffer.isView(content)) return chunksOf(new Uint8Array(content.buffer, content.byteOffset, content.byteLength));
  if (typeof content === 'object' && content !== null) {
    if (isBlob(content)) return encoded(chunksOfStream(content.stream()), path, signal);
    if (Symbol.asyncIterator in content) return encoded(content, path, signal);
    if (typeof (content as Partial<ReadableStream>).getReader === 'function') return encoded(chunksOfStream(content), path, signal);
  }
  throw new ValidationError(`${path} is not content; give a text, an ArrayBuffer or a view of one, a Blob, or a ReadableStream or an AsyncIterable of bytes or texts.`, { path });
}

/** The media type that a content has by itself; a more exact one is the caller's to give. */
export function mediaTypeOf(content: Content): string {
  if (typeof content === 'string') return 'text/plain; charset=utf-8';
  return (typeof content === 'object' && content !== null && isBlob(content) && content.type) || 'application/octet-stream';
}

function isBlob(content: object): content is Blob {
  return typeof (content as Partial<Blob>).stream === 'function' && typeof (content as Partial<Blob>).size === 'number';
}

function wellFormed(text: string, path: string): string {
  if (isWellFormed(text)) return text;
  throw new ValidationError(`${path} has a lone surrogate, which UTF-8 cannot hold; mend the text, or store its bytes.`, { path });
}

async function* chunksOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  // A copy, so that an array that is written to meanwhile cannot differ between the digest and the disk.
  for (let at = 0; at < bytes.length; at += chunkBytes) yield new Uint8Array(bytes.subarray(at, at + chunkBytes));
}

/** The chunks of a stream as bytes; a character that is split between two texts is put together again. */
async function* encoded(source: AsyncIterable<Uint8Array | string>, path: string, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
  let split = '';
  for await (const chunk of abortable(source, path, signal)) {
    if (typeof chunk !== 'string') {
      if (split !== '') wellFormed(split, path);
      if (!ArrayBuffer.isView(chunk)) throw new ValidationError(`${path} gave ${shown(chunk, 80)} where bytes or a text belong; encode it first.`, { path });
      yield chunk instanceof Uint8Array ? chunk : new Uint8Array((chunk as ArrayBufferView).buffer, (chunk as ArrayBufferView).byteOffset, (chunk as ArrayBufferView).byteLength);
      continue;
    }
    const text = split + chunk;
    const whole = /[\ud800-\udbff]$/.test(text) ? text.length - 1 : text.length;
    split = text.slice(whole);
    yield* chunksOf(utf8(wellFormed(text.slice(0, whole), path)));
  }
  wellFormed(split, path);
}

/** A source that hangs must not hold a caller who wants to leave. */
async function* abortable<T>(source: AsyncIterable<T>, path: string, signal: AbortSignal | undefined): AsyncGenerator<T> {
  const iterator = source[Symbol.asyncIterator]();
  let finished = false;
  try {
    for (;;) {
      // What throws has ended its source already.
      finished = true;
      const next = iterator.next();
      const result = await untilAborted(next, signal, `Reading ${path}`).catch((error: unknown) => {
        finished = signal?.aborted !== true;
        throw error;
      });
      if (result.done) return;
      finished = false;
      yield result.value;
    }
  } finally {
    const ended = finished ? undefined : Promise.resolve(iterator.return?.()).catch(() => undefined);
    // It may stand behind a read that hangs, and then nobody waits for it.
    if (signal?.aborted !== true) await ended;
  }
}

// Not every browser can iterate a ReadableStream.
async function* chunksOfStream<T>(stream: ReadableStream<T>): AsyncGenerator<T> {
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
