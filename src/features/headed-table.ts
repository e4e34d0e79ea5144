import { concatBytes } from '../core/bytes.ts';
import { decode, encode } from '../core/codec.ts';
import { align, uint32At } from '../core/encoded-table.ts';
import { IntegrityError, StorageError } from '../core/errors.ts';
import { KnownBytes } from '../core/known-bytes.ts';
import type { Table } from '../core/table.ts';
import { decodeTable } from '../core/table-codec.ts';

/** Plain data, its form among it, and a table that is encoded already: the head's length, the head, and the table at the next multiple of 8 bytes. */
export function encodeHeaded(head: { readonly format: string } & Readonly<Record<string, unknown>>, table: Uint8Array): Uint8Array {
  const bytes = encode(head);
  const start = new Uint8Array(8 + Math.ceil(bytes.length / 8) * 8);
  new DataView(start.buffer).setUint32(0, bytes.length, true);
  start.set(bytes, 8);
  return concatBytes([start, table]);
}

/** What {@link encodeHeaded} was given. Throws `IntegrityError`, naming `key`, when the bytes are not of that form, and `StorageError` when they are of another format. */
export function decodeHeaded<Head>(bytes: Uint8Array, key: string, formats: string | readonly string[]): { head: Head; table: Table } {
  const { head, aligned, at } = openHeaded<Head>(bytes, key, formats);
  return { head, table: decodeTable(aligned.subarray(at), key) };
}

/** An entry as it is stored. */
export interface OpenedEntry<Head> {
  readonly head: Head;
  /** Its bytes, where typed arrays can lie on them. */
  readonly aligned: Uint8Array;
  /** Where what follows the head begins, the table first. */
  readonly at: number;
}

/** As {@link decodeHeaded}, but with the table as it is. The head is shared by those who have the same among `heads`, since those of small entries that were written together are, and must not be changed then. */
export function openHeaded<Head>(bytes: Uint8Array, key: string, formats: string | readonly string[], heads?: KnownBytes<unknown>): OpenedEntry<Head> {
  // Typed arrays need an aligned start, which an entry inside a larger buffer may not have.
  const aligned = bytes.byteOffset % 8 === 0 ? bytes : bytes.slice();
  if (aligned.length < 8) throw new IntegrityError(`${key} holds ${aligned.length} bytes, too few for a table of features; restore it from a copy.`, { key });
  const headLength = uint32At(aligned, 0);
  const end = 8 + headLength;
  const head = (heads?.find(aligned, 8, end) ?? heads?.keep(aligned, 8, end, decode(aligned.subarray(8, end), key)) ?? decode(aligned.subarray(8, end), key)) as Head & { readonly format?: unknown };
  if (typeof head.format !== 'string' || !(typeof formats === 'string' ? formats === head.format : formats.includes(head.format))) {
    throw new StorageError('unknown-store-version', `${key} is of the form ${String(head.format)}, which this version of modelkeep does not know; use a newer one.`, { key });
  }
  return { head, aligned, at: 8 + align(headLength) };
}
