import { concatBytes, fromUtf8, utf8 } from '../core/bytes.ts';
import { StorageError, ValidationError } from '../core/errors.ts';

const prefixBytes = 8;
const maxHeaderBytes = 1024 * 1024;

/** A piece of a body: a JSON header, and bytes. */
export interface Frame {
  readonly header: unknown;
  readonly body: Uint8Array;
}

/** The bytes of a frame: both lengths as 32 bits little-endian, the header as JSON, the body. */
export function encodeFrame(header: object, parts: readonly Uint8Array[] = []): Uint8Array<ArrayBuffer> {
  const text = utf8(JSON.stringify(header));
  const prefix = new Uint8Array(prefixBytes);
  const view = new DataView(prefix.buffer);
  view.setUint32(0, text.length, true);
  view.setUint32(4, parts.reduce((sum, part) => sum + part.length, 0), true);
  return concatBytes([prefix, text, ...parts]);
}

/** How frames are read. */
export interface ReadFramesOptions {
  /** The largest body of a frame, in bytes: what announces more is refused before it is gathered. */
  readonly maxBodyBytes: number;
}

/**
 * The frames of a stream until it ends. Throws `StorageError` with code `unavailable` when it ends within a frame, and `ValidationError` for what cannot be a frame; that it
 * ended where it should is for the caller to see by a last frame.
 */
export async function* readFrames(source: AsyncIterable<Uint8Array>, { maxBodyBytes }: ReadFramesOptions): AsyncGenerator<Frame> {
  let parts: Uint8Array[] = [];
  let held = 0;
  let needed = prefixBytes;
  for await (const chunk of source) {
    parts.push(chunk);
    held += chunk.length;
    if (held < needed) continue;
    const bytes = parts.length === 1 ? parts[0]! : concatBytes(parts);
    let at = 0;
    for (;;) {
      needed = sizeOfFrame(bytes, at, maxBodyBytes);
      if (bytes.length - at < needed) break;
      yield frameAt(bytes, at);
      at += needed;
    }
    const rest = bytes.subarray(at);
    parts = rest.length > 0 ? [rest] : [];
    held = rest.length;
  }
  if (held > 0) throw new StorageError('unavailable', 'The bytes ended in the middle of a frame: the connection was cut.', { cut: true });
}

/** How many bytes the frame at `at` has, or how many are needed to know. */
function sizeOfFrame(bytes: Uint8Array, at: number, maxBodyBytes: number): number {
  if (bytes.length - at < prefixBytes) return prefixBytes;
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, prefixBytes);
  const [headerBytes, bodyBytes] = [view.getUint32(0, true), view.getUint32(4, true)];
  if (headerBytes > maxHeaderBytes || bodyBytes > maxBodyBytes) {
    throw new ValidationError(`A frame announces a header of ${headerBytes} and a body of ${bodyBytes} bytes; at most ${maxHeaderBytes} and ${maxBodyBytes} are taken.`, {
      size: bodyBytes,
      limit: maxBodyBytes,
    });
  }
  return prefixBytes + headerBytes + bodyBytes;
}

function frameAt(bytes: Uint8Array, at: number): Frame {
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, prefixBytes);
  const start = at + prefixBytes;
  const bodyAt = start + view.getUint32(0, true);
  return { header: parseHeader(bytes.subarray(start, bodyAt)), body: bytes.subarray(bodyAt, bodyAt + view.getUint32(4, true)) };
}

function parseHeader(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(fromUtf8(bytes));
  } catch (cause) {
    throw new ValidationError('The header of a frame is not JSON.', { cause });
  }
}
