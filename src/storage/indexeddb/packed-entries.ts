import { concatBytes } from '../../core/bytes.ts';
import { crc32 } from '../../core/crc32.ts';

/** Entries of one append in one row of the store, so that thousands of them are one put. */
export interface PackedEntries {
  /** All of them, one behind the other. */
  readonly bytes: Uint8Array;
  readonly lengths: Uint32Array;
  /** CRC-32 of the bytes. */
  readonly checksum: number;
}

// A reader holds a row as a whole.
const packBytes = 1 << 20;

/** Copies entries into as few packs as keep to a mebibyte each, but for entries that are larger. */
export function packEntries(entries: readonly Uint8Array[]): PackedEntries[] {
  const packs: PackedEntries[] = [];
  for (let start = 0, end = 0; start < entries.length; start = end) {
    for (let size = 0; end < entries.length && (end === start || size + entries[end]!.length <= packBytes); end++) size += entries[end]!.length;
    const packed = entries.slice(start, end);
    const bytes = concatBytes(packed);
    packs.push({ bytes, lengths: Uint32Array.from(packed, (entry) => entry.length), checksum: crc32(bytes) });
  }
  return packs;
}

/** The entries of a pack, each with its own memory, or undefined when they are not what was packed. */
export function unpackEntries({ bytes, lengths, checksum }: PackedEntries): Uint8Array[] | undefined {
  if (crc32(bytes) !== checksum) return undefined;
  if (lengths.length === 1) return lengths[0] === bytes.length ? [bytes] : undefined;
  const entries = new Array<Uint8Array>(lengths.length);
  let at = 0;
  for (let i = 0; i < lengths.length; i++) entries[i] = bytes.slice(at, (at += lengths[i]!));
  return at === bytes.length ? entries : undefined;
}
