import { fromUtf8 } from './bytes.ts';
import { decode } from './codec.ts';
import { embeddingSize, valueAt, type Column, type ColumnType } from './column.ts';
import { IntegrityError } from './errors.ts';
import { KnownBytes } from './known-bytes.ts';
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

/** Where a column lies, from the beginning of the sections. */
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
  readonly #known = new KnownBytes<TableShape>();

  /** The shape that the head from `start` to `end` describes. */
  of(bytes: Uint8Array, start: number, end: number): TableShape {
    return this.#known.find(bytes, start, end) ?? this.#known.keep(bytes, start, end, shapeOf(bytes.subarray(start, end)));
  }
}

/** A table in its encoded form: each column is decoded when it is first asked for, and kept unless its values are the bytes themselves. It lies in the bytes that it was made of. */
export class EncodedTable {
  readonly #bytes: Uint8Array;
  readonly #key: string;
  readonly #shape: TableShape;
  /** Where its sections begin. */
  readonly #start: number;
  #columns: Map<string, Column> | undefined;
  #numbers: Float64Array | undefined;

  /** The table in `bytes` from `at` on, a multiple of 8. Throws `IntegrityError`, naming `key`, when they are not of that form. */
  constructor(bytes: Uint8Array, key: string, shapes?: TableShapes, at = 0) {
    // Typed arrays need an aligned start, which a slice of a larger buffer may not have.
    this.#bytes = bytes.byteOffset % 8 === 0 ? bytes : new Uint8Array(bytes);
    this.#key = key;
    const head = at + 8;
    const end = head + uint32At(bytes, at);
    this.#start = align(end);
    try {
      this.#shape = shapes ? shapes.of(bytes, head, end) : shapeOf(bytes.subarray(head, end));
      if (this.#start + this.#shape.byteLength > bytes.length) throw new RangeError('The table ends too early.');
    } catch (cause) {
      throw unreadable(key, cause);
    }
  }

  get rowCount(): number {
    return this.#shape.rowCount;
  }

  get columnCount(): number {
    return this.#shape.columns.size;
  }

  /** Bytes of what it lies in. */
  get byteLength(): number {
    return this.#bytes.length;
  }

  /** Bytes that decoded columns take in memory beside those that they were made of, roughly. */
  get decodedBytes(): number {
    if (this.#columns === undefined) return 0;
    let bytes = 0;
    for (const name of this.#columns.keys()) bytes += decodedSize(this.#shape.columns.get(name)!.header, this.rowCount);
    return bytes;
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
    let column: Column;
    try {
      column = readColumn({ bytes: this.#bytes, start: this.#start, rows: this.rowCount, key: this.#key }, place);
    } catch (cause) {
      throw unreadable(this.#key, cause);
    }
    if (!viewed.has(column.type)) (this.#columns ??= new Map()).set(name, column);
    return column;
  }

  /** One value of a column as `valueAt` gives it, without decoding the others where they are numbers; `null` when there is no such column. */
  valueAt(name: string, row: number): unknown {
    const place = this.#shape.columns.get(name);
    if (place === undefined) return null;
    const { type } = place.header;
    if (type !== 'float64' && type !== 'timestamp') return valueAt(this.column(name)!, row);
    if (place.mask !== undefined && this.#bytes[this.#start + place.mask + row] === 0) return null;
    return this.#allNumbers()[(this.#start + place.values) / 8 + row]!;
  }

  /** Puts the numbers of rows from `from` to `to` (excluded) of a column into `into`; `false`, with nothing done, where it is no column of numbers or one with missing values. */
  readNumbers(name: string, from: number, to: number, into: Float64Array): boolean {
    const place = this.#shape.columns.get(name);
    if (place === undefined || place.header.type !== 'float64' || place.mask !== undefined) return false;
    const numbers = this.#allNumbers();
    const first = (this.#start + place.values) / 8;
    for (let row = from; row < to; row++) into[row - from] = numbers[first + row]!;
    return true;
  }

  #allNumbers(): Float64Array {
    return (this.#numbers ??= new Float64Array(this.#bytes.buffer, this.#bytes.byteOffset, this.#bytes.length >>> 3));
  }

  /** All of it. */
  table(): Table {
    return { rowCount: this.rowCount, columns: Object.fromEntries([...this.#shape.columns.keys()].map((name) => [name, this.column(name)!])) };
  }
}

function unreadable(key: string, cause: unknown): IntegrityError {
  return new IntegrityError(`A table in ${key} cannot be read: its bytes are not what modelkeep writes.`, { key, cause });
}

/** The number in four bytes, the lowest first. */
export function uint32At(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24)) >>> 0;
}

/** Types of which a column is a view of the bytes, made faster than it is found. */
const viewed: ReadonlySet<ColumnType> = /* @__PURE__ */ new Set<ColumnType>(['float64', 'timestamp', 'int64', 'bool']);

/** Where everything lies in a table with that head. */
function shapeOf(head: Uint8Array): TableShape {
  const { rows, columns: headers } = JSON.parse(fromUtf8(head)) as { rows: number; columns: ColumnHeader[] };
  let at = 0;
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

function decodedSize({ type, json = 0 }: ColumnHeader, rows: number): number {
  if (type === 'string') return 400 + 40 * rows + json;
  // An object weighs several times its text.
  return type === 'json' ? 400 + 4 * json : 400 + 150 * rows;
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
  readonly start: number;
  readonly rows: number;
  readonly key: string;
}

function readColumn({ bytes, start, rows, key }: Source, { header, mask, values, rest: restAt }: ColumnPlace): Column {
  const [from, rest] = [start + values, start + restAt];
  const valid = mask === undefined ? undefined : bytes.subarray(start + mask, start + mask + rows);
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
