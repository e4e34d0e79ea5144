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

/** A frame without its place in a segment: all is written but what its header says of that. */
export interface SegmentDraft {
  readonly bytes: Buffer;
  readonly count: number;
  /** Bytes of the entries without their lengths. */
  readonly entryBytes: number;
}

/** What a frame says of its place. */
export interface SegmentPlace {
  readonly salt: Buffer;
  readonly first: number;
  readonly bytesBefore: number;
  readonly flushedTo: number;
}

/** Copies entries into a frame, which is given its place later. */
export function draftSegmentFrame(kind: SegmentKind, entries: readonly Uint8Array[] = [], operationId = ''): SegmentDraft {
  const operationLength = operationId === '' ? 0 : Buffer.byteLength(operationId);
  let entryBytes = 0;
  let bodyLength = 0;
  for (const { length } of entries) {
    entryBytes += length;
    bodyLength += length + lengthOfLength(length);
  }
  const size = segmentHeaderBytes + operationLength + bodyLength + segmentTrailerBytes;
  const bytes = Buffer.allocUnsafe(size);
  let at = segmentHeaderBytes;
  if (operationLength > 0) at += bytes.write(operationId, at, 'utf8');
  for (const entry of entries) {
    at = writeLength(bytes, at, entry.length);
    copyInto(bytes, at, entry);
    at += entry.length;
  }
  bytes.writeUInt32LE(size, at);
  bytes.writeUInt32LE(kind, 8);
  bytes.writeUInt32LE(entries.length, 12);
  bytes.writeUInt32LE(bodyLength, 16);
  bytes.writeUInt32LE(operationLength, 20);
  bytes.writeUInt32LE(entryBytes, 24);
  bytes.fill(0, 46, 52);
  bytes.writeUInt32LE(checksum(bytes, segmentHeaderBytes, at), 52);
  return { bytes, count: entries.length, entryBytes };
}

/** The bytes of a frame at a place. Those of the draft itself, which can be placed again when this came to nothing. */
export function placeSegmentFrame({ bytes }: SegmentDraft, place: SegmentPlace): Buffer {
  place.salt.copy(bytes, 0);
  bytes.writeUIntLE(place.first, 28, 6);
  bytes.writeUIntLE(place.bytesBefore, 34, 6);
  bytes.writeUIntLE(place.flushedTo, 40, 6);
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

/** Walks through the entries of a sound frame. */
export class FrameEntries {
  readonly #bytes: Buffer;
  #at: number;
  #left: number;

  constructor(bytes: Buffer, at: number, frame: SegmentFrame) {
    this.#bytes = bytes;
    this.#at = at + segmentHeaderBytes + frame.operationLength;
    this.#left = frame.count;
  }

  /** The next entry, as a copy of its own, so that whoever keeps it does not keep all that was read with it; `undefined` behind the last. */
  next(): Uint8Array | undefined {
    return this.#left === 0 ? undefined : this.#copy(this.#step());
  }

  /** The next entry, where it lies when it is large; there, what is before it in these bytes is written over, so that it begins at a multiple of 8. */
  lend(): Uint8Array | undefined {
    if (this.#left === 0) return undefined;
    const length = this.#step();
    if (length < lentFrom) return this.#copy(length);
    const { buffer, byteOffset } = this.#bytes;
    const start = this.#at - length;
    const aligned = start - ((byteOffset + start) % 8);
    if (aligned !== start) this.#bytes.copyWithin(aligned, start, this.#at);
    return new Uint8Array(buffer, byteOffset + aligned, length);
  }

  #copy(length: number): Uint8Array {
    const end = this.#at;
    const entry = new Uint8Array(length);
    if (length > loopUpTo) entry.set(this.#bytes.subarray(end - length, end));
    else for (let i = 0, from = end - length; i < length; i++) entry[i] = this.#bytes[from + i]!;
    return entry;
  }

  /** Passes over entries. */
  skip(count: number): void {
    for (let i = 0; i < count; i++) this.#step();
  }

  #step(): number {
    let length = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.#bytes[this.#at++]!;
      length += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) break;
    }
    this.#at += length;
    this.#left--;
    return length;
  }
}

// A call costs more than a loop does for few bytes.
const loopUpTo = 48;

// A copy of fewer bytes costs less than a view does.
const lentFrom = 4_096;

function copyInto(bytes: Buffer, start: number, entry: Uint8Array): void {
  if (entry.length > loopUpTo) bytes.set(entry, start);
  else for (let i = 0; i < entry.length; i++) bytes[start + i] = entry[i]!;
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
