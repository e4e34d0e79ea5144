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
    let size = 0;
    do size += entries[end++]!.length;
    while (end < entries.length && size + entries[end]!.length <= packBytes);
    const bytes = new Uint8Array(size);
    const lengths = new Uint32Array(end - start);
    for (let i = start, at = 0; i < end; i++) {
      const entry = entries[i]!;
      bytes.set(entry, at);
      at += lengths[i - start] = entry.length;
    }
    packs.push({ bytes, lengths, checksum: crc32(bytes) });
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
