import type { Key } from '../../core/key.ts';
import { checksum } from './checksum.ts';

/** Bytes of a file, from (included) to (excluded). */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** A frame that a vouch names: where it begins, and a hash of its key. */
export interface VouchedFrame {
  readonly offset: number;
  readonly keyHash: number;
}

/**
 * A writer's word that the bytes before `to` were whole and flushed, but for the gaps, which never became frames. What is broken there was broken later: damage.
 * What is broken and was never vouched for was a write that never finished. The frames since the last vouch are named, so that damage can be laid at a key
 * even when nothing of its frame can be read.
 */
export interface Vouch {
  /** Every frame of a key from here to `to` is named. */
  readonly from: number;
  readonly to: number;
  readonly gaps: readonly Span[];
  readonly frames: readonly VouchedFrame[];
}

const gapsAt = 14;
/** As many gaps as one vouch can name. */
export const maxGaps = 0xffff;

/** The hash by which a vouch names a key. */
export function hashKey(key: Key): number {
  return checksum(Buffer.from(key, 'latin1'));
}

/** The hash of the key that `bytes` hold from `start` to `end`. */
export function hashKeyIn(bytes: Uint8Array, start: number, end: number): number {
  return checksum(bytes, start, end);
}

export function encodeVouch({ from, to, gaps, frames }: Vouch): Buffer {
  const bytes = Buffer.allocUnsafe(gapsAt + gaps.length * 12 + frames.length * 10);
  let at = bytes.writeUIntLE(to, bytes.writeUIntLE(from, 0, 6), 6);
  at = bytes.writeUInt16LE(gaps.length, at);
  for (const gap of gaps) at = bytes.writeUIntLE(gap.to, bytes.writeUIntLE(gap.from, at, 6), 6);
  for (const frame of frames) at = bytes.writeUInt32LE(frame.keyHash, bytes.writeUIntLE(frame.offset, at, 6));
  return bytes;
}

export function decodeVouch(bytes: Buffer): Vouch {
  const gapsEnd = gapsAt + bytes.readUInt16LE(12) * 12;
  const gaps: Span[] = [];
  for (let at = gapsAt; at < gapsEnd; at += 12) gaps.push({ from: bytes.readUIntLE(at, 6), to: bytes.readUIntLE(at + 6, 6) });
  const frames: VouchedFrame[] = [];
  for (let at = gapsEnd; at + 10 <= bytes.length; at += 10) frames.push({ offset: bytes.readUIntLE(at, 6), keyHash: bytes.readUInt32LE(at + 6) });
  return { from: bytes.readUIntLE(0, 6), to: bytes.readUIntLE(6, 6), gaps, frames };
}

/** Whether a vouch says that the byte at `offset` was part of something whole. */
export function vouchesFor(vouch: Vouch, offset: number): boolean {
  return offset < vouch.to && !vouch.gaps.some((gap) => gap.from <= offset && offset < gap.to);
}
