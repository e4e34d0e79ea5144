import * as z from 'zod/mini';
import { concatBytes, fromUtf8, toHex, utf8 } from '../core/bytes.ts';
import { crc32 } from '../core/crc32.ts';
import { createHasher, isDigest, type Digest } from '../core/digest.ts';
import { IntegrityError, isModelkeepError, StorageError, ValidationError } from '../core/errors.ts';
import { check } from '../core/schema.ts';

const magic = 'MKEXPORT';
const formatVersion = 1;
const prefixBytes = 12;
const maxHeaderBytes = 16 * 1024 * 1024;
const maxBodyBytes = 256 * 1024 * 1024;

const count = /* @__PURE__ */ z.number().check(/* @__PURE__ */ z.int(), /* @__PURE__ */ z.nonnegative());
const digest = /* @__PURE__ */ z.custom<Digest>((value) => typeof value === 'string' && isDigest(value), 'must be a digest');

/** The header of a frame. */
export type ExportHeader =
  /** The first frame. */
  | { readonly kind: 'start'; readonly format: number }
  /** A log begins. `record` is there when a record of the same key follows it: the digest of its bytes and of the blobs that it names. */
  | { readonly kind: 'log'; readonly key: string; readonly record?: Digest | undefined }
  /** Entries of one writer of that log, in its sequence from `first` on; the body holds them one behind the other. */
  | { readonly kind: 'entries'; readonly writer: string; readonly first: number; readonly sizes: readonly number[] }
  /** A blob begins, comes in pieces, and ends: always before the first record that names it. */
  | { readonly kind: 'blob'; readonly digest: Digest }
  | { readonly kind: 'piece' }
  | { readonly kind: 'blob-end' }
  /** A record; the body is its bytes. */
  | { readonly kind: 'record'; readonly key: string; readonly blobs: readonly Digest[] }
  /** The last frame: how much there was. */
  | ({ readonly kind: 'end'; readonly digest: Digest } & Readonly<ExportCounts>);

const frameSchema: z.ZodMiniType<ExportHeader> = /* @__PURE__ */ z.discriminatedUnion('kind', [
  /* @__PURE__ */ z.object({ kind: /* @__PURE__ */ z.literal('start'), format: count }),
  /* @__PURE__ */ z.object({ kind: /* @__PURE__ */ z.literal('log'), key: /* @__PURE__ */ z.string(), record: /* @__PURE__ */ z.optional(digest) }),
  /* @__PURE__ */ z.object({ kind: /* @__PURE__ */ z.literal('entries'), writer: /* @__PURE__ */ z.string(), first: count, sizes: /* @__PURE__ */ z.array(count) }),
  /* @__PURE__ */ z.object({ kind: /* @__PURE__ */ z.literal('blob'), digest }),
  /* @__PURE__ */ z.object({ kind: /* @__PURE__ */ z.literal('piece') }),
  /* @__PURE__ */ z.object({ kind: /* @__PURE__ */ z.literal('blob-end') }),
  /* @__PURE__ */ z.object({ kind: /* @__PURE__ */ z.literal('record'), key: /* @__PURE__ */ z.string(), blobs: /* @__PURE__ */ z.array(digest) }),
  /* @__PURE__ */ z.object({ kind: /* @__PURE__ */ z.literal('end'), records: count, logs: count, entries: count, blobs: count, digest }),
]);

/** A frame of an export. */
export interface ExportFrame {
  readonly header: ExportHeader;
  readonly body: Uint8Array;
}

/** How much an export holds. */
export interface ExportCounts {
  records: number;
  logs: number;
  entries: number;
  blobs: number;
}

/** Counts frames, and chains them for the digest at the end. */
class FrameChain {
  readonly counts: ExportCounts = { records: 0, logs: 0, entries: 0, blobs: 0 };
  readonly #hasher = createHasher();

  take(prefix: Uint8Array, header: ExportHeader): void {
    this.#hasher.update(prefix);
    if (header.kind === 'record') this.counts.records++;
    else if (header.kind === 'log') this.counts.logs++;
    else if (header.kind === 'entries') this.counts.entries += header.sizes.length;
    else if (header.kind === 'blob') this.counts.blobs++;
  }

  digest(): Digest {
    return this.#hasher.digest();
  }
}

const chunkBytes = 64 * 1024;

/**
 * The bytes of an export of these frames, with its beginning and its end, in version 1 of the format: eight bytes of magic, then frames. A frame is the length of its header, the length of its
 * body and a CRC-32 over these two, the header and the body (each 32 bits, little-endian), the header as JSON in UTF-8, and the body; which frames there are stands in {@link ExportHeader}. The digest
 * in the last one is the SHA-256 of the first twelve bytes of every frame before it, in order: so a frame that is missing, doubled or out of place shows too.
 */
export async function* encodeExport(frames: AsyncIterable<ExportFrame>): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const chain = new FrameChain();
  let parts: Uint8Array[] = [];
  let held = 0;
  const add = (header: ExportHeader, body: Uint8Array): void => {
    const text = utf8(JSON.stringify(header));
    const prefix = prefixOf(text, body);
    if (header.kind !== 'end') chain.take(prefix, header);
    parts.push(prefix, text, body);
    held += prefixBytes + text.length + body.length;
  };
  parts.push(utf8(magic));
  add({ kind: 'start', format: formatVersion }, new Uint8Array(0));
  for await (const { header, body } of frames) {
    add(header, body);
    if (held < chunkBytes) continue;
    yield concatBytes(parts);
    parts = [];
    held = 0;
  }
  add({ kind: 'end', ...chain.counts, digest: chain.digest() }, new Uint8Array(0));
  yield concatBytes(parts);
}

/** The frames of an export between its first and its last, which it checks. Throws `IntegrityError` where the bytes are not what was written or end too early. */
export async function* decodeExport(source: AsyncIterable<Uint8Array>): AsyncGenerator<ExportFrame> {
  const chain = new FrameChain();
  let state: 'new' | 'open' | 'ended' = 'new';
  for await (const { frame, prefix, offset } of framesOf(source)) {
    const { header } = frame;
    if (state === 'ended') throw damaged(offset, 'there are bytes behind its end');
    if (state === 'new' && header.kind !== 'start') throw damaged(offset, 'it does not begin with its version');
    if (state !== 'new' && header.kind === 'start') throw damaged(offset, 'it begins anew');
    if (header.kind === 'start') {
      if (header.format !== formatVersion) throw unknownFormat(header.format);
      state = 'open';
    }
    if (header.kind === 'end') {
      checkEnd(header, chain, offset);
      state = 'ended';
    } else {
      chain.take(prefix, header);
      if (header.kind !== 'start') yield frame;
    }
  }
  if (state !== 'ended') throw damaged(undefined, 'it ends before its last frame: it was cut off');
}

interface PlacedFrame {
  readonly frame: ExportFrame;
  readonly prefix: Uint8Array;
  readonly offset: number;
}

async function* framesOf(source: AsyncIterable<Uint8Array>): AsyncGenerator<PlacedFrame> {
  let parts: Uint8Array[] = [];
  let held = 0;
  let needed = magic.length;
  let offset = 0;
  for await (const chunk of source) {
    if (!(chunk instanceof Uint8Array)) throw new ValidationError('The source of an import must give Uint8Arrays.', { path: 'source' });
    parts.push(chunk);
    held += chunk.length;
    if (held < needed) continue;
    const bytes = parts.length === 1 ? parts[0]! : concatBytes(parts);
    let at = 0;
    if (offset === 0) {
      checkMagic(bytes);
      at = offset = magic.length;
    }
    for (;;) {
      needed = sizeAt(bytes, at, offset);
      if (bytes.length - at < needed) break;
      yield frameAt(bytes, at, offset);
      at += needed;
      offset += needed;
    }
    const rest = bytes.subarray(at);
    parts = rest.length > 0 ? [rest] : [];
    held = rest.length;
  }
  if (offset === 0) throw held === 0 ? damaged(0, 'it is empty') : notAnExport();
  if (held > 0) throw damaged(offset + held, 'it ends in the middle of a frame: it was cut off');
}

/** How many bytes the frame at `at` has, or how many are needed to know. */
function sizeAt(bytes: Uint8Array, at: number, offset: number): number {
  if (bytes.length - at < prefixBytes) return prefixBytes;
  const [headerBytes, bodyBytes] = lengthsAt(bytes, at);
  if (headerBytes > maxHeaderBytes || bodyBytes > maxBodyBytes) throw damaged(offset, 'a frame has an impossible length');
  return prefixBytes + headerBytes + bodyBytes;
}

function frameAt(bytes: Uint8Array, at: number, offset: number): PlacedFrame {
  const [headerBytes, bodyBytes] = lengthsAt(bytes, at);
  const text = bytes.subarray(at + prefixBytes, at + prefixBytes + headerBytes);
  const body = bytes.subarray(at + prefixBytes + headerBytes, at + prefixBytes + headerBytes + bodyBytes);
  const prefix = bytes.subarray(at, at + prefixBytes);
  if (toHex(prefixOf(text, body)) !== toHex(prefix)) throw damaged(offset, 'the checksum of a frame does not hold');
  return { frame: { header: parseHeader(text, body, offset), body }, prefix, offset };
}

function parseHeader(text: Uint8Array, body: Uint8Array, offset: number): ExportHeader {
  try {
    const header = check(frameSchema, JSON.parse(fromUtf8(text)), 'frame');
    if (header.kind === 'entries' && header.sizes.reduce((sum, size) => sum + size, 0) !== body.length) throw damaged(offset, 'entries do not fill their frame');
    return header;
  } catch (error) {
    if (isModelkeepError(error, 'integrity')) throw error;
    throw damaged(offset, 'a frame is none of those that this version knows', error);
  }
}

function prefixOf(text: Uint8Array, body: Uint8Array): Uint8Array {
  const prefix = new Uint8Array(prefixBytes);
  const view = new DataView(prefix.buffer);
  view.setUint32(0, text.length, true);
  view.setUint32(4, body.length, true);
  view.setUint32(8, crc32(body, crc32(text, crc32(prefix, 0, 0, 8))), true);
  return prefix;
}

function lengthsAt(bytes: Uint8Array, at: number): [headerBytes: number, bodyBytes: number] {
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, prefixBytes);
  return [view.getUint32(0, true), view.getUint32(4, true)];
}

function checkMagic(bytes: Uint8Array): void {
  for (let i = 0; i < magic.length; i++) if (bytes[i] !== magic.charCodeAt(i)) throw notAnExport();
}

function checkEnd(end: Extract<ExportHeader, { kind: 'end' }>, chain: FrameChain, offset: number): void {
  const { records, logs, entries, blobs } = chain.counts;
  const complete = end.records === records && end.logs === logs && end.entries === entries && end.blobs === blobs && end.digest === chain.digest();
  if (!complete) throw damaged(offset, 'frames are missing, doubled or out of place');
}

function damaged(offset: number | undefined, why: string, cause?: unknown): IntegrityError {
  return new IntegrityError(`The export is damaged${offset === undefined ? '' : ` at byte ${offset}`}: ${why}.`, { offset, cause });
}

function notAnExport(): IntegrityError {
  return new IntegrityError('This is not an export of a store. If it is compressed, decompress it first.', { offset: 0 });
}

function unknownFormat(format: number): StorageError {
  return new StorageError('unknown-store-version', `The export has format ${format}; this modelkeep knows format ${formatVersion}. Update modelkeep.`, { version: format });
}
