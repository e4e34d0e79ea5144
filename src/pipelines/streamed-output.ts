import { textOrContentChunks, type TextStream } from '../core/content.ts';
import type { Digest } from '../core/digest.ts';
import { IntegrityError } from '../core/errors.ts';
import type { OperationOptions } from '../core/progress.ts';
import type { BlobRange, StorageAdapter } from '../storage/contract.ts';

/** What a step returns to have its bytes stored as they come: a Blob, or a stream of bytes or of texts, which are stored as UTF-8. */
export type OutputStream = Blob | ReadableStream<Uint8Array> | AsyncIterable<Uint8Array> | TextStream;

/** How the bytes of a streamed output are read. */
export interface ReadStreamedOptions extends OperationOptions {
  /** From byte `start` (included) to `end` (excluded). Not verified: a digest is one of the whole. @default the whole */
  readonly range?: BlobRange | undefined;
}

/** What a step put out as a stream, as whoever needs it gets it. The bytes lie in the store and are read in pieces, as often as wanted; iterating it reads them all. */
export interface StreamedOutput extends AsyncIterable<Uint8Array> {
  /** The SHA-256 of the bytes. */
  readonly digest: Digest;
  /** How many bytes there are. */
  readonly size: number;
  /** The bytes in pieces. Of the whole, the digest is checked: the last piece is followed by an `IntegrityError` when they are not what was stored, and so is none at all when they are gone. */
  read(options?: ReadStreamedOptions): AsyncIterable<Uint8Array>;
}

/** What others get of what a step returned. */
export type KeptOutput<Output> = Output extends OutputStream ? StreamedOutput : Output;

/** The blob of bytes that a step put out as a stream, as they are. */
export interface StoredStream {
  readonly blob: Digest;
  readonly size: number;
  readonly streamed: true;
}

/** What fails in the store while a stream is written to it: no failure of the step. */
export class StoreFault {
  readonly error: unknown;

  constructor(error: unknown) {
    this.error = error;
  }
}

/** A stream that was stored while its attempt went on. */
export class WrittenStream {
  readonly stored: StoredStream;

  constructor(stored: StoredStream) {
    this.stored = stored;
  }
}

/** Writes a stream to a blob as it comes, within the memory of a few pieces. Rejects with what the stream throws, and gives what the store does. */
export async function writeStream(storage: StorageAdapter, source: OutputStream, path: string, signal: AbortSignal): Promise<WrittenStream | StoreFault> {
  let failed: { readonly error: unknown } | undefined;
  const chunks = textOrContentChunks(source, path, signal);
  const watched = async function* (): AsyncGenerator<Uint8Array> {
    try {
      yield* chunks;
    } catch (error) {
      failed = { error };
      throw error;
    }
  };
  try {
    const { digest, size } = await storage.writeBlob(watched(), { signal });
    return new WrittenStream({ blob: digest, size, streamed: true });
  } catch (error) {
    if (failed) throw failed.error;
    signal.throwIfAborted();
    return new StoreFault(error);
  }
}

/** The streamed output that a blob holds. */
export function openStream(storage: StorageAdapter, { blob: digest, size }: StoredStream, name: string): StreamedOutput {
  const read = async function* ({ range, signal }: ReadStreamedOptions = {}): AsyncGenerator<Uint8Array> {
    const chunks = await storage.readBlob(digest, { range, signal });
    if (!chunks) throw new IntegrityError(`The output of ${name} is lost: its blob ${digest} is not in the store. Restore it from a copy, or start a new run.`, { key: digest });
    yield* chunks;
  };
  return { digest, size, read, [Symbol.asyncIterator]: () => read() };
}
