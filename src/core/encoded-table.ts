import { fromUtf8 } from './bytes.ts';
import { decode } from './codec.ts';
import { embeddingSize, valueAt, type Column, type ColumnType } from './column.ts';
import { IntegrityError } from './errors.ts';
import type { Table } from './table.ts';

/** What the head of an encoded table says of a column. */
export interface ColumnHeader {
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

/** Where a column lies. */
interface ColumnPlace {
  readonly header: ColumnHeader;
  /** Where its mask begins; absent when it has none. */
  readonly mask: number | undefined;
  /** Where its values begin, or what they are found by: codes of texts, lengths of bytes. */
  readonly values: number;
  /** Where the rest begins: the dictionary of texts, json, bytes. */
  readonly rest: number;
}

/** Where everything lies in tables that have the same head. */
interface TableShape {
  readonly rowCount: number;
  readonly columns: ReadonlyMap<string, ColumnPlace>;
  readonly byteLength: number;
}

/** Shapes of small tables that were met, since many have the same. */
export class TableShapes {
  readonly #known = new Map<string, TableShape>();

  /** The shape that a head of that text and length describes. */
  of(head: string, start: number): TableShape {
    let shape = this.#known.get(head);
    if (shape !== undefined) return shape;
    shape = shapeOf(head, start);
    if (this.#known.size >= maxShapes) this.#known.clear();
    this.#known.set(head, shape);
    return shape;
  }
}

const maxShapes = 64;

/** A table in its encoded form: each column is decoded when it is first asked for, and kept unless its values are the bytes themselves. It lies in the bytes that it was made of. */
export class EncodedTable {
  readonly #bytes: Uint8Array;
  readonly #key: string;
  readonly #shape: TableShape;
  #columns: Map<string, Column> | undefined;
  #numbers: Float64Array | undefined;

  /** Throws `IntegrityError`, naming `key`, when the bytes are not of that form. */
  constructor(bytes: Uint8Array, key: string, shapes?: TableShapes) {
    // Typed arrays need an aligned start, which a slice of a larger buffer may not have.
    this.#bytes = bytes.byteOffset % 8 === 0 ? bytes : new Uint8Array(bytes);
    this.#key = key;
    this.#shape = this.#sound(() => {
      const [a = 0, b = 0, c = 0, d = 0] = bytes;
      const headLength = (a | (b << 8) | (c << 16) | (d << 24)) >>> 0;
      const head = fromUtf8(bytes.subarray(8, 8 + headLength));
      const start = align(8 + headLength);
      const shape = shapes ? shapes.of(head, start) : shapeOf(head, start);
      if (shape.byteLength > bytes.length) throw new RangeError('The table ends too early.');
      return shape;
    });
  }

  get rowCount(): number {
    return this.#shape.rowCount;
  }

  get columnCount(): number {
    return this.#shape.columns.size;
  }

  /** The type of a column; `undefined` when there is none of that name. */
  typeOf(name: string): ColumnType | undefined {
    return this.#shape.columns.get(name)?.header.type;
  }

  /** A column; `undefined` when there is none of that name. Throws `IntegrityError` when it cannot be read. */
  column(name: string): Column | undefined {
    const known = this.#columns?.get(name);
    if (known !== undefined) return known;
    const place = this.#shape.columns.get(name);
    if (place === undefined) return undefined;
    const column = this.#sound(() => readColumn({ bytes: this.#bytes, rows: this.rowCount, key: this.#key }, place));
    if (!viewed.has(column.type)) (this.#columns ??= new Map()).set(name, column);
    return column;
  }

  /** One value of a column as `valueAt` gives it, without decoding the others where they are numbers; `null` when there is no such column. */
  valueAt(name: string, row: number): unknown {
    const place = this.#shape.columns.get(name);
    if (place === undefined) return null;
    const { type } = place.header;
    if (type !== 'float64' && type !== 'timestamp') return valueAt(this.column(name)!, row);
    if (place.mask !== undefined && this.#bytes[place.mask + row] === 0) return null;
    this.#numbers ??= new Float64Array(this.#bytes.buffer, this.#bytes.byteOffset, this.#bytes.length >>> 3);
    return this.#numbers[place.values / 8 + row]!;
  }

  /** All of it. */
  table(): Table {
    return { rowCount: this.rowCount, columns: Object.fromEntries([...this.#shape.columns.keys()].map((name) => [name, this.column(name)!])) };
  }

  #sound<T>(read: () => T): T {
    try {
      return read();
    } catch (cause) {
      throw new IntegrityError(`A table in ${this.#key} cannot be read: its bytes are not what modelkeep writes.`, { key: this.#key, cause });
    }
  }
}

/** Types of which a column is a view of the bytes, made faster than it is found. */
const viewed: ReadonlySet<ColumnType> = /* @__PURE__ */ new Set<ColumnType>(['float64', 'timestamp', 'int64', 'bool']);

/** Where everything lies in a table whose sections begin at `start`. */
function shapeOf(text: string, start: number): TableShape {
  const { rows, columns: headers } = JSON.parse(text) as { rows: number; columns: ColumnHeader[] };
  let at = start;
  const take = (length: number): number => {
    const from = at;
    at = align(at + length);
    return from;
  };
  const columns = new Map<string, ColumnPlace>();
  for (const header of headers) {
    const mask = header.masked ? take(rows) : undefined;
    const values = take(bytesPerRow(header) * rows);
    columns.set(header.name, { header, mask, values, rest: take(header.json ?? header.bytes ?? 0) });
  }
  if (!Number.isSafeInteger(rows) || rows < 0 || !Number.isSafeInteger(at)) throw new RangeError('A table has no such size.');
  return { rowCount: rows, columns, byteLength: at };
}

function bytesPerRow({ type, width }: ColumnHeader): number {
  switch (type) {
    case 'float64':
    case 'timestamp':
    case 'int64':
      return 8;
    case 'bool':
      return 1;
    case 'string':
      return width!;
    case 'bytes':
      return 4;
    case 'json':
      return 0;
    default: {
      const size = embeddingSize(type);
      if (size === undefined) throw new RangeError('A column is of an unknown type.');
      return 4 * size;
    }
  }
}

interface Source {
  readonly bytes: Uint8Array;
  readonly rows: number;
  readonly key: string;
}

function readColumn({ bytes, rows, key }: Source, { header, mask, values: from, rest }: ColumnPlace): Column {
  const valid = mask === undefined ? undefined : bytes.subarray(mask, mask + rows);
  const view = <A>(type: { new (buffer: ArrayBuffer, offset: number, length: number): A }, length: number): A => new type(bytes.buffer as ArrayBuffer, bytes.byteOffset + from, length);
  switch (header.type) {
    case 'float64':
    case 'timestamp':
      return { type: header.type, values: view(Float64Array, rows), valid };
    case 'int64':
      return { type: 'int64', values: view(BigInt64Array, rows), valid };
    case 'bool':
      return { type: 'bool', values: view(Uint8Array, rows), valid };
    case 'string': {
      const codes = header.width === 4 ? view(Uint32Array, rows) : Uint32Array.from(header.width === 1 ? view(Uint8Array, rows) : view(Uint16Array, rows));
      return { type: 'string', values: codes, dictionary: decode(bytes.subarray(rest, rest + header.json!), key) as string[], valid };
    }
    case 'json':
      return { type: 'json', values: decode(bytes.subarray(rest, rest + header.json!), key) as unknown[], valid };
    case 'bytes':
      return { type: 'bytes', values: readBytes(view(Uint32Array, rows), bytes.subarray(rest, rest + header.bytes!), valid), valid };
    default: {
      const size = embeddingSize(header.type)!;
      const all = view(Float32Array, rows * size);
      return { type: header.type, values: Array.from({ length: rows }, (_, i) => (valid?.[i] === 0 ? null : all.subarray(i * size, (i + 1) * size))), valid };
    }
  }
}

function readBytes(lengths: Uint32Array, all: Uint8Array, valid: Uint8Array | undefined): (Uint8Array | null)[] {
  let at = 0;
  const values = Array.from(lengths, (length, i) => {
    at += length;
    return valid?.[i] === 0 ? null : all.subarray(at - length, at);
  });
  if (at !== all.length) throw new RangeError('The bytes of a column end elsewhere.');
  return values;
}

/** The next multiple of 8: where each section begins. */
export function align(at: number): number {
  return Math.ceil(at / 8) * 8;
}
