import { untilAborted } from './abort.ts';
import { isWellFormed, utf8 } from './bytes.ts';
import { ValidationError } from './errors.ts';
import { shown } from './shown.ts';

/**
 * What callers may store as a file: text (as UTF-8), bytes (an ArrayBuffer or any view of one, of which only the part that is viewed counts), a Blob or File, or a stream of bytes.
 */
export type Content = string | ArrayBuffer | ArrayBufferView | Blob | ReadableStream<Uint8Array> | AsyncIterable<Uint8Array>;

/** A stream of texts, or of texts and bytes, which is stored as UTF-8. */
export type TextStream = ReadableStream<string> | AsyncIterable<Uint8Array | string>;

const chunkBytes = 1024 * 1024;

/**
 * The bytes of a content, in chunks of the library's own: what the caller does to its arrays meanwhile tears no chunk. A stream can be read only once. Throws `ValidationError`, naming
 * `path`, for anything else, and for text with a lone surrogate; rejects with `AbortedError` as soon as `signal` fires, and then lets go of the source.
 */
export function contentChunks(content: Content, path: string, signal?: AbortSignal): AsyncIterable<Uint8Array> {
  return chunksOfContent(content, path, (stream) => bytesOnly(abortable(stream, path, signal), path));
}

/** As {@link contentChunks}, for streams of texts too; a character that is split between two texts is put together again. */
export function textOrContentChunks(content: Content | TextStream, path: string, signal?: AbortSignal): AsyncIterable<Uint8Array> {
  return chunksOfContent(content, path, (stream) => encoded(abortable(stream, path, signal), path));
}

/** Whether a value is a content that is read in pieces: a Blob, or a stream of bytes or texts. */
export function isContentStream(value: unknown): value is Blob | ReadableStream<Uint8Array> | AsyncIterable<Uint8Array> | TextStream {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return false;
  return isBlob(value) || Symbol.asyncIterator in value || typeof (value as Partial<ReadableStream>).getReader === 'function';
}

type ChunkSource = AsyncIterable<Uint8Array | string>;

function chunksOfContent(content: Content | TextStream, path: string, read: (stream: ChunkSource) => AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  if (typeof content === 'string') return chunksOf(utf8(wellFormed(content, path)));
  if (content instanceof ArrayBuffer) return chunksOf(new Uint8Array(content));
  if (ArrayBuffer.isView(content)) return chunksOf(new Uint8Array(content.buffer, content.byteOffset, content.byteLength));
  if (typeof content === 'object' && content !== null) {
    if (isBlob(content)) return read(chunksOfStream(content.stream()));
    if (Symbol.asyncIterator in content) return read(content as ChunkSource);
    if (typeof (content as Partial<ReadableStream>).getReader === 'function') return read(chunksOfStream(content as ReadableStream<Uint8Array | string>));
  }
  throw new ValidationError(`${path} is not content; give a text, an ArrayBuffer or a view of one such as a Uint8Array, a Blob, or a ReadableStream or an AsyncIterable of them.`, { path });
}

/** The media type that a content has by itself; a more exact one is the caller's to give. */
export function mediaTypeOf(content: Content | TextStream): string {
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

async function* bytesOnly(chunks: ChunkSource, path: string): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) yield viewed(chunk, path);
}

async function* encoded(chunks: ChunkSource, path: string): AsyncGenerator<Uint8Array> {
  let split = '';
  for await (const chunk of chunks) {
    if (typeof chunk !== 'string') {
      if (split !== '') wellFormed(split, path);
      yield viewed(chunk, path);
      continue;
    }
    const text = split + chunk;
    const whole = /[\ud800-\udbff]$/.test(text) ? text.length - 1 : text.length;
    split = text.slice(whole);
    yield* chunksOf(utf8(wellFormed(text.slice(0, whole), path)));
  }
  wellFormed(split, path);
}

function viewed(chunk: unknown, path: string): Uint8Array {
  if (chunk instanceof Uint8Array) return chunk;
  if (ArrayBuffer.isView(chunk)) return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  throw new ValidationError(`${path} gave ${shown(chunk, 80)} where a Uint8Array belongs; encode it first.`, { path });
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

/** What a stream gives, also in browsers that cannot iterate one; who stops early cancels it. */
export async function* chunksOfStream<T>(stream: ReadableStream<T>): AsyncGenerator<T> {
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
