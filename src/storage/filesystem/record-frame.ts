import type { Digest } from '../../core/digest.ts';
import type { Key } from '../../core/key.ts';
import type { Version, WriteResult } from '../contract.ts';
import { checksum } from './checksum.ts';

/** Where a version was made: the place of its frame, and who wrote it. The last tells apart two frames at one place, before and after a loss of power. */
export interface VersionId {
  readonly generation: number;
  readonly offset: number;
  readonly nonce: number;
}

/** What a frame of a record file may be. */
export const frameKinds = { put: 1, delete: 2, vouch: 3, seal: 4, record: 5, operation: 6, handover: 7, claim: 8 } as const;
export type FrameKind = (typeof frameKinds)[keyof typeof frameKinds];

/** The fixed part of a frame. Its own checksum tells a frame that ends early from one that was changed. */
export interface FrameHeader {
  readonly kind: FrameKind;
  readonly keyLength: number;
  readonly metaLength: number;
  readonly valueLength: number;
  readonly valueCrc: number;
  readonly metaCrc: number;
  /** Who wrote the frame: a random number of each writer of each file. */
  readonly nonce: number;
  /** Counts a writer's frames upwards, so that a copy of a frame is known for one. */
  readonly counter: number;
  /** Bytes of the whole frame. */
  readonly size: number;
}

/** Bytes of the fixed part. */
export const frameHeaderBytes = 40;

/** A frame to be written. */
export interface FrameDraft {
  readonly kind: FrameKind;
  readonly key: Key;
  /** What follows the key. */
  readonly rest: Buffer;
  readonly value: Uint8Array;
}

export const noBytes: Buffer = Buffer.alloc(0);

/** Bytes that a frame will take. */
export function frameSize(draft: FrameDraft): number {
  return frameHeaderBytes + draft.key.length + draft.rest.length + draft.value.length;
}

/** Writes a frame into `target` and returns the offset behind it. */
export function writeFrame(target: Buffer, start: number, draft: FrameDraft, salt: Buffer, nonce: number, counter: number): number {
  const { kind, key, rest, value } = draft;
  const metaAt = start + frameHeaderBytes;
  const valueAt = metaAt + key.length + rest.length;
  target.write(key, metaAt, 'latin1');
  rest.copy(target, metaAt + key.length);
  target.set(value, valueAt);
  salt.copy(target, start);
  target[start + 8] = kind;
  target[start + 9] = 0;
  target.writeUInt16LE(key.length, start + 10);
  target.writeUInt32LE(key.length + rest.length, start + 12);
  target.writeUInt32LE(value.length, start + 16);
  target.writeUInt32LE(checksum(value), start + 20);
  target.writeUInt32LE(checksum(target, metaAt, valueAt), start + 24);
  target.writeUInt32LE(nonce, start + 28);
  target.writeUInt32LE(counter, start + 32);
  target.writeUInt32LE(checksum(target, start, start + 36), start + 36);
  return valueAt + value.length;
}

/** The header at `at`, or `undefined` when there is none whose checksum holds. */
export function parseFrameHeader(bytes: Buffer, at: number, salt: Buffer): FrameHeader | undefined {
  if (at + frameHeaderBytes > bytes.length) return undefined;
  for (let i = 0; i < 8; i++) if (bytes[at + i] !== salt[i]) return undefined;
  if (uint32(bytes, at + 36) !== checksum(bytes, at, at + 36)) return undefined;
  const metaLength = uint32(bytes, at + 12);
  const valueLength = uint32(bytes, at + 16);
  return {
    kind: bytes[at + 8] as FrameKind,
    keyLength: bytes[at + 10]! | (bytes[at + 11]! << 8),
    metaLength,
    valueLength,
    valueCrc: uint32(bytes, at + 20),
    metaCrc: uint32(bytes, at + 24),
    nonce: uint32(bytes, at + 28),
    counter: uint32(bytes, at + 32),
    size: frameHeaderBytes + metaLength + valueLength,
  };
}

// Where there are a million headers to read, the checks of readUInt32LE cost as much as the rest.
function uint32(bytes: Buffer, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}

/** Whether a frame's key and what stands behind it are there as they were written. */
export function isMetaSound(bytes: Buffer, at: number, header: FrameHeader): boolean {
  const start = at + frameHeaderBytes;
  return isSound(bytes, start, start + header.metaLength, header.metaCrc);
}

/** The key of a frame and what stands behind it, when they are sound. */
export function metaOf(bytes: Buffer, at: number, header: FrameHeader): Buffer | undefined {
  const start = at + frameHeaderBytes;
  return isMetaSound(bytes, at, header) ? bytes.subarray(start, start + header.metaLength) : undefined;
}

/** Whether a frame's value is there as it was written. */
export function isValueSound(bytes: Buffer, at: number, header: FrameHeader): boolean {
  const end = at + header.size;
  return isSound(bytes, end - header.valueLength, end, header.valueCrc);
}

// The length is looked at too: to a checksum, bytes that were cut off are the same as zeros.
function isSound(bytes: Buffer, start: number, end: number, crc: number): boolean {
  return end <= bytes.length && checksum(bytes, start, end) === crc;
}

/** The value of a frame, when it is sound. */
export function valueOf(bytes: Buffer, at: number, header: FrameHeader): Buffer | undefined {
  return isValueSound(bytes, at, header) ? bytes.subarray(at + header.size - header.valueLength, at + header.size) : undefined;
}

/** The opaque text of a version. */
export function versionText(id: VersionId): Version {
  return `${id.generation}.${id.offset}.${id.nonce}`;
}

/** What {@link versionText} was made of, or `undefined` for a text that is no version of this store: it matches nothing. */
export function parseVersion(text: Version): VersionId | undefined {
  const parts = /^(\d{1,10})\.(\d{1,15})\.(\d{1,10})$/.exec(text);
  return parts ? { generation: Number(parts[1]), offset: Number(parts[2]), nonce: Number(parts[3]) } : undefined;
}

const versionBytes = 14;

function writeVersion(target: Buffer, at: number, id: VersionId): number {
  target.writeUInt32LE(id.generation >>> 0, at);
  target.writeUIntLE(id.offset, at + 4, 6);
  target.writeUInt32LE(id.nonce >>> 0, at + 10);
  return at + versionBytes;
}

function readVersion(bytes: Buffer, at: number): VersionId {
  return { generation: bytes.readUInt32LE(at), offset: bytes.readUIntLE(at + 4, 6), nonce: bytes.readUInt32LE(at + 10) };
}

/** On what a write depends, as it is stored. */
export type FrameCondition = 'none' | 'absent' | VersionId;

/** What stands behind the key of a put or delete. */
export interface WriteMeta {
  readonly condition: FrameCondition;
  readonly operationId: string | undefined;
  readonly blobs: readonly Digest[];
}

export function encodeWriteMeta({ condition, operationId = '', blobs }: WriteMeta): Buffer {
  const idLength = Buffer.byteLength(operationId);
  const matches = typeof condition === 'object';
  const bytes = Buffer.allocUnsafe(1 + (matches ? versionBytes : 0) + 2 + idLength + blobs.length * 32);
  bytes[0] = matches ? 2 : condition === 'absent' ? 1 : 0;
  let at = matches ? writeVersion(bytes, 1, condition) : 1;
  at = bytes.writeUInt16LE(idLength, at);
  at += bytes.write(operationId, at, 'utf8');
  writeBlobs(bytes, at, blobs);
  return bytes;
}

/** What a put or delete depends on and is named, and where its blobs begin, read from behind its key. */
export function decodeWriteMeta(bytes: Buffer, keyEnd: number): Omit<WriteMeta, 'blobs'> & { readonly blobsAt: number } {
  let at = keyEnd + 1;
  const mode = bytes[keyEnd];
  const condition = mode === 2 ? readVersion(bytes, at) : mode === 1 ? 'absent' : 'none';
  if (mode === 2) at += versionBytes;
  const idLength = bytes.readUInt16LE(at);
  at += 2;
  return { condition, operationId: idLength === 0 ? undefined : bytes.toString('utf8', at, at + idLength), blobsAt: at + idLength };
}

/** What stands behind the key of a record that a compaction carried over. */
export function encodeRecordMeta(version: VersionId, blobs: readonly Digest[]): Buffer {
  const bytes = Buffer.allocUnsafe(versionBytes + blobs.length * 32);
  writeBlobs(bytes, writeVersion(bytes, 0, version), blobs);
  return bytes;
}

export function decodeRecordVersion(bytes: Buffer, keyEnd: number): VersionId {
  return readVersion(bytes, keyEnd);
}

/** The blobs that a record names. */
export function decodeBlobs(kind: FrameKind, meta: Buffer, keyLength: number): readonly Digest[] {
  return readBlobs(meta, kind === frameKinds.record ? keyLength + versionBytes : decodeWriteMeta(meta, keyLength).blobsAt);
}

/** A named operation and its result, as a compaction carries it over. */
export function encodeOperation(operationId: string, result: WriteResult): Buffer {
  const id = Buffer.from(operationId);
  const version = result.version === undefined ? undefined : parseVersion(result.version);
  const bytes = Buffer.alloc(2 + (version ? versionBytes : 0) + id.length);
  bytes[0] = result.ok ? 1 : 0;
  bytes[1] = version ? 1 : 0;
  id.copy(bytes, version ? writeVersion(bytes, 2, version) : 2);
  return bytes;
}

/** Bytes of the frame of a named operation, more or less. */
export function operationSize(operationId: string): number {
  return frameHeaderBytes + 2 + versionBytes + operationId.length;
}

export function decodeOperation(meta: Buffer): { operationId: string; result: WriteResult } {
  const version = meta[1] === 1 ? versionText(readVersion(meta, 2)) : undefined;
  const operationId = meta.toString('utf8', meta[1] === 1 ? 2 + versionBytes : 2, meta.length);
  return { operationId, result: meta[0] === 1 ? { ok: true, version } : { ok: false, reason: 'conflict', version } };
}

/** Over how many more bytes of the file a claim to replace it holds. */
export function encodeClaim(bytes: number): Buffer {
  const claim = Buffer.allocUnsafe(6);
  claim.writeUIntLE(bytes, 0, 6);
  return claim;
}

export function decodeClaim(bytes: Buffer, at: number): number {
  return bytes.readUIntLE(at, 6);
}

function writeBlobs(target: Buffer, start: number, blobs: readonly Digest[]): void {
  blobs.forEach((digest, i) => target.write(digest.slice('sha256:'.length), start + i * 32, 'hex'));
}

function readBlobs(meta: Buffer, start: number): readonly Digest[] {
  const blobs: Digest[] = [];
  for (let at = start; at + 32 <= meta.length; at += 32) blobs.push(`sha256:${meta.toString('hex', at, at + 32)}`);
  return blobs;
}
