import { throwIfAborted } from '../../core/abort.ts';
import { crc32 } from '../../core/crc32.ts';
import { IntegrityError } from '../../core/errors.ts';
import type { OperationOptions } from '../../core/progress.ts';
import type { SourceFile } from '../../tracking/interchange/source-directory.ts';

/** A record of a W&B file, still as bytes. */
export interface WandbLogRecord {
  readonly bytes: Uint8Array;
  /** The byte at which it begins. */
  readonly offset: number;
}

/** A place of a W&B file where records could not be read. */
export interface WandbLogDamage {
  readonly offset: number;
  readonly message: string;
}

const blockBytes = 32_768;
const headerBytes = 7;
/** More than a record of a run ever has, so that a forged file cannot fill the memory. */
const longestRecord = 1 << 28;
const [full, first, middle, last] = [1, 2, 3, 4];

/**
 * The records of a W&B offline file, those of a block at once: the log format of LevelDB (blocks of 32 KiB; a record is split over blocks; each piece has a CRC-32 over its kind and bytes, here that of IEEE 802.3 and unmasked) behind a header of
 * 7 bytes. What is broken is told, and reading goes on at the next block; a file that ends within a record was torn there. Throws `IntegrityError` when the file is none of W&B.
 */
export async function* wandbLog(file: SourceFile, options: OperationOptions = {}): AsyncGenerator<(WandbLogRecord | WandbLogDamage)[]> {
  let pieces: Uint8Array[] | undefined;
  let begun = 0;
  let size = 0;
  for await (const { bytes: block, offset: base, isLast } of blocks(file, options)) {
    const found: (WandbLogRecord | WandbLogDamage)[] = [];
    const view = new DataView(block.buffer, block.byteOffset, block.length);
    let at = 0;
    if (base === 0) {
      checkHeader(block, file.name);
      at = headerBytes;
    }
    const damage = (offset: number, message: string): void => {
      found.push({ offset, message });
      pieces = undefined;
    };
    // Fewer bytes than a header has are filled up with zeros.
    while (at + headerBytes <= Math.min(block.length, blockBytes)) {
      const [sum, length, kind] = [view.getUint32(at, true), view.getUint16(at + 4, true), block[at + 6]!];
      const end = at + headerBytes + length;
      const offset = base + at;
      if (sum === 0 && length === 0 && kind === 0) {
        if (block.subarray(at).some((byte) => byte !== 0)) damage(offset, `The header at byte ${offset} is empty; what follows up to byte ${base + block.length} is left out.`);
        else if (isLast) damage(offset, `The file is filled with zeros from byte ${offset} on: it was torn there.`);
        break;
      }
      if (end > block.length) {
        if (isLast && end <= blockBytes) damage(pieces === undefined ? offset : begun, `The file ends within the record at byte ${pieces === undefined ? offset : begun}: it was torn there.`);
        else damage(offset, `The record at byte ${offset} does not fit into its block; what follows up to byte ${base + block.length} is left out.`);
        at = blockBytes;
        break;
      }
      if (crc32(block, 0, at + 6, end) !== sum) {
        damage(offset, `The record at byte ${offset} is not what was written; what follows up to byte ${base + block.length} is left out.`);
        at = blockBytes;
        break;
      }
      const bytes = block.subarray(at + headerBytes, end);
      if (kind === full || kind === first) {
        // An empty piece at the end of a block, which LevelDB once wrote for nothing, is no loss.
        if (pieces !== undefined && size > 0) damage(begun, `The record at byte ${begun} has no end, and is left out.`);
        if (kind === full) found.push({ bytes, offset });
        else [pieces, begun, size] = [[bytes.slice()], offset, bytes.length];
      } else if (pieces !== undefined && (kind === middle || kind === last)) {
        pieces.push(bytes.slice());
        if ((size += bytes.length) > longestRecord) damage(begun, `The record at byte ${begun} has more than 256 MB, and is left out.`);
        else if (kind === last) {
          found.push({ bytes: whole(pieces), offset: begun });
          pieces = undefined;
        }
      } else if (kind > last) damage(offset, `The record at byte ${offset} is of the unknown kind ${kind}, and is left out.`);
      at = end;
    }
    if (isLast && at < block.length && block.length - at < headerBytes && block.length < blockBytes) {
      damage(pieces === undefined ? base + at : begun, `The file ends within the record at byte ${pieces === undefined ? base + at : begun}: it was torn there.`);
    }
    if (isLast && pieces !== undefined) damage(begun, `The file ends within the record at byte ${begun}: it was torn there.`);
    if (found.length > 0) yield found;
  }
}

async function* blocks(file: SourceFile, options: OperationOptions): AsyncGenerator<{ bytes: Uint8Array; offset: number; isLast: boolean }> {
  let block = new Uint8Array(blockBytes);
  let size = 0;
  let offset = 0;
  for await (const chunk of file.open(options)) {
    throwIfAborted(options.signal, `Reading ${file.name}`);
    for (let from = 0; from < chunk.length; ) {
      // A full block is given only when more follows, so that the last one is known.
      if (size === blockBytes) {
        yield { bytes: block, offset, isLast: false };
        offset += blockBytes;
        block = new Uint8Array(blockBytes);
        size = 0;
      }
      const taken = Math.min(blockBytes - size, chunk.length - from);
      block.set(chunk.subarray(from, from + taken), size);
      size += taken;
      from += taken;
    }
  }
  yield { bytes: block.subarray(0, size), offset, isLast: true };
}

function checkHeader(block: Uint8Array, name: string): void {
  const expected = [0x3a, 0x57, 0x26, 0x42, 0xe1, 0xbe, 0x00];
  if (block.length >= headerBytes && expected.every((byte, i) => block[i] === byte)) return;
  throw new IntegrityError(`${name} is no W&B file: it does not begin with ':W&B' and format 0.`, { key: name, offset: 0 });
}

function whole(pieces: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}
