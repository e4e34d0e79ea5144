import { checksum } from './checksum.ts';

/** What a frame of a segment may be: the entries of one append, a mark that all before it was flushed, or a seal behind which nothing counts. */
export const segmentKinds = { batch: 1, mark: 2, seal: 3 } as const;
export type SegmentKind = (typeof segmentKinds)[keyof typeof segmentKinds];

/** The fixed part of a frame of a segment. */
export interface SegmentFrame {
  readonly kind: SegmentKind;
  readonly count: number;
  /** Bytes of the entries with their lengths. */
  readonly bodyLength: number;
  readonly operationLength: number;
  /** Bytes of the entries without their lengths. */
  readonly entryBytes: number;
  /** Sequence of the first entry, from 1 in the first segment of a writer. */
  readonly first: number;
  /** Bytes of the writer's entries before these. */
  readonly bytesBefore: number;
  /** How far the file was flushed when this was written: what is broken before here was whole once. */
  readonly flushedTo: number;
  readonly bodyCrc: number;
  /** Bytes of the whole frame. */
  readonly size: number;
}

/** Bytes before the operation id and the entries. */
export const segmentHeaderBytes = 60;
/** Bytes behind them: the size of the frame again, so that the last frame can be found from the end. */
export const segmentTrailerBytes = 4;

/** What a frame is made of. */
export interface SegmentDraft {
  readonly kind: SegmentKind;
  readonly entries: readonly Uint8Array[];
  readonly operationId: string;
}

/** Bytes of the entries of a draft, without and with their lengths. */
export function measureEntries(entries: readonly Uint8Array[]): { entryBytes: number; bodyLength: number } {
  let entryBytes = 0;
  let lengths = 0;
  for (const entry of entries) {
    entryBytes += entry.length;
    lengths += lengthOfLength(entry.length);
  }
  return { entryBytes, bodyLength: entryBytes + lengths };
}

/** The bytes of a frame. */
export function encodeSegmentFrame(
  draft: SegmentDraft,
  place: { readonly salt: Buffer; readonly first: number; readonly bytesBefore: number; readonly flushedTo: number },
): Buffer {
  const { entryBytes, bodyLength } = measureEntries(draft.entries);
  const operationLength = Buffer.byteLength(draft.operationId);
  const size = segmentHeaderBytes + operationLength + bodyLength + segmentTrailerBytes;
  const bytes = Buffer.allocUnsafe(size);
  let at = segmentHeaderBytes;
  at += bytes.write(draft.operationId, at, 'utf8');
  for (const entry of draft.entries) {
    at = writeLength(bytes, at, entry.length);
    bytes.set(entry, at);
    at += entry.length;
  }
  bytes.writeUInt32LE(size, at);
  place.salt.copy(bytes, 0);
  bytes.writeUInt32LE(draft.kind, 8);
  bytes.writeUInt32LE(draft.entries.length, 12);
  bytes.writeUInt32LE(bodyLength, 16);
  bytes.writeUInt32LE(operationLength, 20);
  bytes.writeUInt32LE(entryBytes, 24);
  bytes.writeUIntLE(place.first, 28, 6);
  bytes.writeUIntLE(place.bytesBefore, 34, 6);
  bytes.writeUIntLE(place.flushedTo, 40, 6);
  bytes.fill(0, 46, 52);
  bytes.writeUInt32LE(checksum(bytes, segmentHeaderBytes, at), 52);
  bytes.writeUInt32LE(checksum(bytes, 0, 56), 56);
  return bytes;
}

/** The frame at `at`, or `undefined` when there is none whose header holds. */
export function parseSegmentFrame(bytes: Buffer, at: number, salt: Buffer): SegmentFrame | undefined {
  if (at < 0 || at + segmentHeaderBytes > bytes.length) return undefined;
  for (let i = 0; i < 8; i++) if (bytes[at + i] !== salt[i]) return undefined;
  if (bytes.readUInt32LE(at + 56) !== checksum(bytes, at, at + 56)) return undefined;
  const bodyLength = bytes.readUInt32LE(at + 16);
  const operationLength = bytes.readUInt32LE(at + 20);
  return {
    kind: bytes.readUInt32LE(at + 8) as SegmentKind,
    count: bytes.readUInt32LE(at + 12),
    bodyLength,
    operationLength,
    entryBytes: bytes.readUInt32LE(at + 24),
    first: bytes.readUIntLE(at + 28, 6),
    bytesBefore: bytes.readUIntLE(at + 34, 6),
    flushedTo: bytes.readUIntLE(at + 40, 6),
    bodyCrc: bytes.readUInt32LE(at + 52),
    size: segmentHeaderBytes + operationLength + bodyLength + segmentTrailerBytes,
  };
}

/** Whether the operation id, the entries and the end of a frame that lies whole in `bytes` are what was written. */
export function isSegmentFrameSound(bytes: Buffer, at: number, frame: SegmentFrame): boolean {
  // Without this, a frame whose last bytes were cut off would seem whole as soon as another one follows.
  if (bytes.readUInt32LE(at + frame.size - segmentTrailerBytes) !== frame.size) return false;
  return checksum(bytes, at + segmentHeaderBytes, at + frame.size - segmentTrailerBytes) === frame.bodyCrc;
}

export function operationIdOf(bytes: Buffer, at: number, frame: SegmentFrame): string | undefined {
  const start = at + segmentHeaderBytes;
  return frame.operationLength === 0 ? undefined : bytes.toString('utf8', start, start + frame.operationLength);
}

/** The entries of a sound frame. */
export function* entriesOf(bytes: Buffer, start: number, frame: SegmentFrame): Generator<Uint8Array> {
  let at = start + segmentHeaderBytes + frame.operationLength;
  for (let i = 0; i < frame.count; i++) {
    let length = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++]!;
      length += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) break;
    }
    // A copy of its own: whoever keeps an entry must not keep the whole window that it was read in.
    yield Uint8Array.prototype.slice.call(bytes, at, at + length);
    at += length;
  }
}

function lengthOfLength(length: number): number {
  return length < 0x80 ? 1 : length < 0x4000 ? 2 : length < 0x20_0000 ? 3 : length < 0x1000_0000 ? 4 : 5;
}

function writeLength(bytes: Buffer, start: number, length: number): number {
  let at = start;
  let rest = length;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes[at++] = (rest & 0x7f) | 0x80;
  bytes[at++] = rest;
  return at;
}
