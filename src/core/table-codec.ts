import { concatBytes, isWellFormed, utf8 } from './bytes.ts';
import { encode } from './codec.ts';
import { embeddingSize, type Column, type EmbeddingColumn } from './column.ts';
import { align, EncodedTable, type ColumnHeader } from './encoded-table.ts';
import type { Table } from './table.ts';

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
  return new EncodedTable(bytes, key).table();
}

function isEmbedding(column: Column): column is EmbeddingColumn {
  return embeddingSize(column.type) !== undefined;
}

function bytesOf(array: ArrayBufferView): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

function padded(section: Uint8Array): Uint8Array[] {
  const gap = align(section.length) - section.length;
  return gap === 0 ? [section] : [section, new Uint8Array(gap)];
}
