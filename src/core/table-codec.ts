import { concatBytes, fromUtf8, isWellFormed, utf8 } from './bytes.ts';
import { decode, encode } from './codec.ts';
import { embeddingSize, type Column, type ColumnType, type EmbeddingColumn } from './column.ts';
import { IntegrityError } from './errors.ts';
import type { Table } from './table.ts';

interface ColumnHeader {
  name: string;
  type: ColumnType;
  masked: boolean;
  /** Bytes of one text code: as few as the dictionary allows. */
  width?: 1 | 2 | 4;
  /** Bytes of the JSON that holds a dictionary or json values. */
  json?: number;
  /** Bytes of all values of a column of bytes. */
  bytes?: number;
}

/**
 * A table as bytes: a length-prefixed JSON header, then each column's mask, values (little-endian, aligned to 8) and dictionary. Compact and quick: typed
 * arrays are copied as they are, texts are stored once each.
 */
export function encodeTable(table: Table): Uint8Array<ArrayBuffer> {
  const headers: ColumnHeader[] = [];
  const sections: Uint8Array[] = [];
  for (const [name, column] of Object.entries(table.columns)) {
    const header: ColumnHeader = { name, type: column.type, masked: column.valid !== undefined };
    if (column.valid) sections.push(column.valid);
    if (column.type === 'json') {
      const text = encode(column.values, name);
      header.json = text.length;
      sections.push(text);
    } else if (column.type === 'string') {
      const count = column.dictionary.length;
      header.width = count <= 0x100 ? 1 : count <= 0x1_0000 ? 2 : 4;
      const codes = header.width === 1 ? Uint8Array.from(column.values) : header.width === 2 ? Uint16Array.from(column.values) : column.values;
      const text = encode(column.dictionary, name);
      header.json = text.length;
      sections.push(bytesOf(codes), text);
    } else if (column.type === 'bytes') {
      const all = concatBytes(column.values.map((value) => value ?? new Uint8Array(0)));
      header.bytes = all.length;
      sections.push(bytesOf(Uint32Array.from(column.values, (value) => value?.length ?? 0)), all);
    } else if (isEmbedding(column)) {
      const size = embeddingSize(column.type)!;
      const all = new Float32Array(size * table.rowCount);
      column.values.forEach((vector, i) => vector && all.set(vector, i * size));
      sections.push(bytesOf(all));
    } else {
      sections.push(bytesOf(column.values));
    }
    headers.push(header);
  }
  const head = encodeHead(table.rowCount, headers);
  const length = new Uint8Array(8);
  new DataView(length.buffer).setUint32(0, head.length, true);
  return concatBytes([length, ...padded(head), ...sections.flatMap(padded)]);
}

/** What `encode` gives, at a fraction of the time: small tables are mostly their heads. */
function encodeHead(rows: number, headers: readonly ColumnHeader[]): Uint8Array<ArrayBuffer> {
  if (!headers.every(({ name }) => isWellFormed(name))) return encode({ rows, columns: headers });
  return utf8(JSON.stringify({ columns: headers.map(({ bytes, json, masked, name, type, width }) => ({ bytes, json, masked, name, type, width })), rows }));
}

/** The table of bytes that {@link encodeTable} wrote. Throws `IntegrityError`, naming `key`, when they are not of that form. */
export function decodeTable(bytes: Uint8Array, key: string): Table {
  try {
    // Typed arrays need an aligned start, which a slice of a larger buffer may not have.
    const aligned = bytes.byteOffset % 8 === 0 ? bytes : new Uint8Array(bytes);
    const headLength = new DataView(aligned.buffer, aligned.byteOffset, 8).getUint32(0, true);
    const head = JSON.parse(fromUtf8(aligned.subarray(8, 8 + headLength))) as { rows: number; columns: ColumnHeader[] };
    const reader = new SectionReader(aligned, align(8 + headLength), key);
    const columns = head.columns.map((header) => [header.name, readColumn(reader, header, head.rows)] as const);
    return { rowCount: head.rows, columns: Object.fromEntries(columns) };
  } catch (cause) {
    throw new IntegrityError(`A table in ${key} cannot be read: its bytes are not what modelkeep writes.`, { key, cause });
  }
}

function readColumn(reader: SectionReader, header: ColumnHeader, rows: number): Column {
  const valid = header.masked ? reader.take(rows) : undefined;
  switch (header.type) {
    case 'float64':
    case 'timestamp':
      return { type: header.type, values: reader.view(Float64Array, rows), valid };
    case 'int64':
      return { type: 'int64', values: reader.view(BigInt64Array, rows), valid };
    case 'bool':
      return { type: 'bool', values: reader.take(rows), valid };
    case 'string': {
      const values =
        header.width === 1
          ? Uint32Array.from(reader.take(rows))
          : header.width === 2
            ? Uint32Array.from(reader.view(Uint16Array, rows))
            : reader.view(Uint32Array, rows);
      return { type: 'string', values, dictionary: reader.json(header.json!) as string[], valid };
    }
    case 'json':
      return { type: 'json', values: reader.json(header.json!) as unknown[], valid };
    case 'bytes': {
      const lengths = reader.view(Uint32Array, rows);
      const all = reader.take(header.bytes!);
      let at = 0;
      const values = Array.from(lengths, (length, i) => {
        at += length;
        return valid?.[i] === 0 ? null : all.subarray(at - length, at);
      });
      if (at !== all.length) throw new RangeError('The bytes of a column end elsewhere.');
      return { type: 'bytes', values, valid };
    }
    default: {
      const size = embeddingSize(header.type);
      if (size === undefined) throw new RangeError('A column is of an unknown type.');
      const all = reader.view(Float32Array, rows * size);
      return { type: header.type, values: Array.from({ length: rows }, (_, i) => (valid?.[i] === 0 ? null : all.subarray(i * size, (i + 1) * size))), valid };
    }
  }
}

function isEmbedding(column: Column): column is EmbeddingColumn {
  return embeddingSize(column.type) !== undefined;
}

class SectionReader {
  readonly #bytes: Uint8Array;
  readonly #key: string;
  #at: number;

  constructor(bytes: Uint8Array, at: number, key: string) {
    this.#bytes = bytes;
    this.#at = at;
    this.#key = key;
  }

  take(length: number): Uint8Array {
    if (this.#at + length > this.#bytes.length) throw new RangeError('The table ends too early.');
    const section = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at = align(this.#at + length);
    return section;
  }

  view<A>(type: { new (buffer: ArrayBuffer, offset: number, length: number): A; readonly BYTES_PER_ELEMENT: number }, length: number): A {
    const section = this.take(length * type.BYTES_PER_ELEMENT);
    return new type(section.buffer as ArrayBuffer, section.byteOffset, length);
  }

  json(length: number): unknown {
    return decode(this.take(length), this.#key);
  }
}

function bytesOf(array: ArrayBufferView): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

function align(at: number): number {
  return Math.ceil(at / 8) * 8;
}

function padded(section: Uint8Array): Uint8Array[] {
  const gap = align(section.length) - section.length;
  return gap === 0 ? [section] : [section, new Uint8Array(gap)];
}
