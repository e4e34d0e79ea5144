import { concatBytes } from '../../core/bytes.ts';
import type { Key } from '../../core/key.ts';
import type { AppendJob } from './append-jobs.ts';
import type { PackedEntries } from './packed-entries.ts';

/** The first row of an append that was put aside; as many pieces of bytes follow: of each pack its lengths, then its entries. */
interface FirstRow {
  readonly log: Key;
  readonly writer: string;
  readonly operationId: string | undefined;
  readonly packs: readonly { readonly count: number; readonly size: number; readonly checksum: number }[];
  readonly pieces: number;
}

/** Chromium stores values of 64 KiB and more as blobs, whose bytes it takes from the page at the commit: too late when the page is gone by then. */
const pieceBytes = 1 << 15;

/** The rows that an append is put aside in. */
export function toRows({ log, writer, operationId, packs }: AppendJob): (FirstRow | Uint8Array)[] {
  const bytes = concatBytes(packs.flatMap((pack) => [new Uint8Array(pack.lengths.buffer, pack.lengths.byteOffset, pack.lengths.byteLength), pack.bytes]));
  const pieces = Array.from({ length: Math.ceil(bytes.length / pieceBytes) }, (_, i) => bytes.slice(i * pieceBytes, (i + 1) * pieceBytes));
  return [{ log, writer, operationId, packs: packs.map((pack) => ({ count: pack.lengths.length, size: pack.bytes.length, checksum: pack.checksum })), pieces: pieces.length }, ...pieces];
}

/** The appends that rows are of, in their order. */
export function fromRows(rows: readonly (FirstRow | Uint8Array)[]): AppendJob[] {
  const jobs: AppendJob[] = [];
  for (let at = 0; at < rows.length; ) {
    const { log, writer, operationId, packs, pieces } = rows[at] as FirstRow;
    const bytes = concatBytes(rows.slice(at + 1, at + 1 + pieces) as Uint8Array[]);
    let from = 0;
    const take = (size: number): Uint8Array => bytes.slice(from, (from += size));
    jobs.push({ log, writer, operationId, packs: packs.map(({ count, size, checksum }): PackedEntries => ({ lengths: new Uint32Array(take(4 * count).buffer), bytes: take(size), checksum })) });
    at += 1 + pieces;
  }
  return jobs;
}
