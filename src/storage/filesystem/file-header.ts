import { randomBytes } from 'node:crypto';
import { checksum } from './checksum.ts';

/** What stands at the start of a file of frames: twice, so that a flipped bit costs nothing. */
export interface FileHeader {
  readonly kind: 'records' | 'segment';
  /** Generation of a record file, epoch of a segment: which of its line it is, from 1. */
  readonly number: number;
  /** Eight random bytes that begin each frame of this file, so that no stored value can be taken for one. */
  readonly salt: Buffer;
  /** How many entries the segments before this one hold; 0 for records. */
  readonly entriesBefore: number;
  /** How many bytes the entries of the segments before this one have; 0 for records. */
  readonly bytesBefore: number;
}

const copyBytes = 48;
/** Bytes that a header takes. */
export const fileHeaderBytes: number = 2 * copyBytes;

const format = 1;
const kinds = ['records', 'segment'] as const;

/** The bytes of a header. */
export function encodeFileHeader(header: FileHeader): Buffer {
  const copy = Buffer.alloc(copyBytes);
  copy.write('MDLKEEP', 0, 'latin1');
  copy[7] = format;
  copy[8] = kinds.indexOf(header.kind);
  copy.writeUInt32LE(header.number, 12);
  header.salt.copy(copy, 16);
  copy.writeUIntLE(header.entriesBefore, 24, 6);
  copy.writeUIntLE(header.bytesBefore, 32, 6);
  copy.writeUInt32LE(checksum(copy, 0, 44), 44);
  return Buffer.concat([copy, copy]);
}

/** The header that `bytes` begin with, from whichever copy is whole; `undefined` when neither is. */
export function parseFileHeader(bytes: Buffer): FileHeader | undefined {
  for (let at = 0; at + copyBytes <= Math.min(bytes.length, fileHeaderBytes); at += copyBytes) {
    const copy = bytes.subarray(at, at + copyBytes);
    const kind = kinds[copy[8]!];
    if (copy.toString('latin1', 0, 7) !== 'MDLKEEP' || copy[7] !== format || kind === undefined) continue;
    if (copy.readUInt32LE(44) !== checksum(copy, 0, 44)) continue;
    return { kind, number: copy.readUInt32LE(12), salt: Buffer.from(copy.subarray(16, 24)), entriesBefore: copy.readUIntLE(24, 6), bytesBefore: copy.readUIntLE(32, 6) };
  }
  return undefined;
}

/**
 * A fresh salt. It begins with four bytes that end no length of a frame: where the last bytes of a frame were lost and another one follows, the beginning of that must not
 * be taken for them.
 */
export function newSalt(): Buffer {
  const salt = randomBytes(8);
  for (let i = 0; i < 4; i++) salt[i]! |= 0x80;
  return salt;
}
