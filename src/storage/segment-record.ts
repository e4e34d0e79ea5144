import { concatBytes, fromUtf8, utf8 } from '../core/bytes.ts';
import { IntegrityError } from '../core/errors.ts';
import type { Key } from '../core/key.ts';

/** What a segment says of one append: its name, if it had one, and how many entries it has. */
export type SegmentAppend = readonly [operationId: string | null, entries: number];

/** The beginning of a segment: what it holds, and what came before it. */
export interface SegmentHeader {
  readonly format: 1;
  /** Bytes of all entries of this writer before this segment. */
  readonly before: number;
  /** Bytes of its own entries. */
  readonly size: number;
  readonly appends: readonly SegmentAppend[];
  /** Where the body lies when it does not fit in here: pieces under a name, counted from 0. */
  readonly parts?: { readonly group: string; readonly count: number } | undefined;
}

/** A segment that was read; the body is empty when it lies in parts. */
export interface Segment {
  readonly header: SegmentHeader;
  readonly count: number;
  readonly body: Uint8Array;
}

/** The body of a segment: the lengths of the entries, 32 bits little-endian each, and the entries. */
export function encodeBody(entries: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const lengths = new DataView(new ArrayBuffer(4 * entries.length));
  entries.forEach((entry, i) => lengths.setUint32(4 * i, entry.length, true));
  return concatBytes([new Uint8Array(lengths.buffer), ...entries]);
}

/** How many bytes a body has. */
export function bodyBytes(entries: readonly Uint8Array[]): number {
  return entries.reduce((sum, entry) => sum + 4 + entry.length, 0);
}

/** At most how many bytes a segment has besides its body, when it consists of these appends. */
export function headerBytes(operationIds: readonly (string | undefined)[]): number {
  // A character takes at most six bytes as JSON: what control characters are escaped to.
  return operationIds.reduce((sum, id) => sum + 24 + 6 * (id?.length ?? 0), 256);
}

/** The bytes of a segment: the length of the header, the header as JSON, the body. */
export function encodeSegment(header: SegmentHeader, body: Uint8Array): Uint8Array<ArrayBuffer> {
  const text = utf8(JSON.stringify(header));
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, text.length, true);
  return concatBytes([length, text, body]);
}

/** The segment of bytes that {@link encodeSegment} made. Throws `IntegrityError` for others. */
export function decodeSegment(bytes: Uint8Array, key: Key): Segment {
  try {
    const bodyAt = 4 + viewOf(bytes).getUint32(0, true);
    const header = JSON.parse(fromUtf8(bytes.subarray(4, bodyAt))) as SegmentHeader;
    const body = bytes.subarray(bodyAt);
    const count = header.appends.reduce((sum, [, entries]) => sum + entries, 0);
    const whole = header.parts ? body.length === 0 : body.length === header.size + 4 * count;
    if (header.format === 1 && bodyAt <= bytes.length && whole && Number.isSafeInteger(header.before + count) && count > 0) return { header, count, body };
  } catch {
    // Said below, as for any other bytes.
  }
  throw damaged(key);
}

/** The entries of a body, each a copy of its own. Throws `IntegrityError` when it does not hold what its segment says. */
export function decodeBody(body: Uint8Array, { header, count }: Segment, key: Key): Uint8Array[] {
  if (body.length !== header.size + 4 * count) throw damaged(key);
  const view = viewOf(body);
  let at = 4 * count;
  const entries = Array.from({ length: count }, (_, i) => {
    const start = at;
    at += view.getUint32(4 * i, true);
    return body.slice(start, at);
  });
  if (at !== body.length) throw damaged(key);
  return entries;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function damaged(key: Key): IntegrityError {
  return new IntegrityError(`The segment ${key} is damaged: its bytes are not what modelkeep writes. Restore it from a copy.`, { key });
}
