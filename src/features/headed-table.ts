import { concatBytes, fromUtf8 } from '../core/bytes.ts';
import { decode, encode } from '../core/codec.ts';
import { IntegrityError, StorageError } from '../core/errors.ts';
import type { Table } from '../core/table.ts';
import { decodeTable } from '../core/table-codec.ts';

/** Heads that were met, by their text, since those of small entries that were written together are the same. */
export class KnownHeads {
  readonly #known = new Map<string, unknown>();

  /** The head of those bytes, which is shared by all who have the same. */
  of(bytes: Uint8Array, key: string): unknown {
    const text = fromUtf8(bytes);
    let head = this.#known.get(text);
    if (head !== undefined) return head;
    head = decode(bytes, key);
    if (this.#known.size >= maxHeads) this.#known.clear();
    this.#known.set(text, head);
    return head;
  }
}

const maxHeads = 64;

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
  const { head, rest } = openHeaded<Head>(bytes, key, formats);
  return { head, table: decodeTable(rest, key) };
}

/** As {@link decodeHeaded}, but with the bytes behind the head, the table's first, as they are. With `heads`, the head is shared and must not be changed. */
export function openHeaded<Head>(bytes: Uint8Array, key: string, formats: string | readonly string[], heads?: KnownHeads): { head: Head; rest: Uint8Array } {
  // Typed arrays need an aligned start, which an entry inside a larger buffer may not have.
  const aligned = bytes.byteOffset % 8 === 0 ? bytes : bytes.slice();
  if (aligned.length < 8) throw new IntegrityError(`${key} holds ${aligned.length} bytes, too few for a table of features; restore it from a copy.`, { key });
  const headLength = new DataView(aligned.buffer, aligned.byteOffset).getUint32(0, true);
  const encoded = aligned.subarray(8, 8 + headLength);
  const head = (heads ? heads.of(encoded, key) : decode(encoded, key)) as Head & { readonly format?: unknown };
  if (typeof head.format !== 'string' || !(typeof formats === 'string' ? formats === head.format : formats.includes(head.format))) {
    throw new StorageError('unknown-store-version', `${key} is of the form ${String(head.format)}, which this version of modelkeep does not know; use a newer one.`, { key });
  }
  return { head, rest: aligned.subarray(8 + Math.ceil(headLength / 8) * 8) };
}
