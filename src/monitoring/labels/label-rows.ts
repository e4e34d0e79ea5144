import type { Table } from '../../core/table.ts';

/** Which bytes are kept with each row. */
export interface RowBytes {
  /** Names what the bytes mean: they are read back by the same only. */
  readonly id: string;
  /** How many there are. */
  readonly count: number;
}

/** Predictions or labels in the order of their coming, column by column: 64 bits of a hash of the id, when it came, what it says, which version of the model said it, and bytes about it where they are asked for. */
export class LabelRows {
  readonly #kept: RowBytes | undefined;
  /** Eight bytes of a row after eight of the one before, then the next eight of all rows. */
  #bytes: Uint8Array<ArrayBuffer>[];
  #size = 0;
  #ids = new Int32Array(128);
  #times = new Float64Array(64);
  #values = new Float64Array(64);
  #versions = new Uint32Array(64);
  readonly #codes = new Map<string, number>([['', 0]]);

  /** Of rows with these bytes, or with none. */
  constructor(kept?: RowBytes) {
    this.#kept = kept;
    this.#bytes = Array.from({ length: groupsOf(kept) }, () => new Uint8Array(8 * 64));
  }

  /** How many there are. */
  get size(): number {
    return this.#size;
  }

  /** Adds one; `version` is '' for none. */
  push(high: number, low: number, at: number, value: number, version: string, bytes?: Uint8Array): void {
    if (this.#size === this.#times.length) this.#grow();
    const i = this.#size++;
    this.#ids[2 * i] = low;
    this.#ids[2 * i + 1] = high;
    this.#times[i] = at;
    this.#values[i] = value;
    let code = this.#codes.get(version);
    if (code === undefined) this.#codes.set(version, (code = this.#codes.size));
    this.#versions[i] = code;
    if (bytes !== undefined) for (let b = 0; b < bytes.length; b++) this.#bytes[b >> 3]![8 * i + (b & 7)] = bytes[b]!;
  }

  /** All of them as a table. */
  table(): Table {
    const n = this.#size;
    return {
      rowCount: n,
      columns: {
        id: { type: 'int64', values: new BigInt64Array(this.#ids.slice(0, 2 * n).buffer) },
        at: { type: 'timestamp', values: this.#times.slice(0, n) },
        value: { type: 'float64', values: this.#values.slice(0, n) },
        version: { type: 'string', values: this.#versions.slice(0, n), dictionary: [...this.#codes.keys()] },
        ...Object.fromEntries(this.#bytes.map((group, g) => [`${this.#kept!.id}.${g}`, { type: 'int64' as const, values: new BigInt64Array(group.slice(0, 8 * n).buffer) }])),
      },
    };
  }

  #grow(): void {
    const widened = <A extends Int32Array<ArrayBuffer> | Float64Array<ArrayBuffer> | Uint32Array<ArrayBuffer> | Uint8Array<ArrayBuffer>>(array: A): A => {
      const wider = new (array.constructor as new (length: number) => A)(2 * array.length);
      wider.set(array);
      return wider;
    };
    this.#ids = widened(this.#ids);
    this.#times = widened(this.#times);
    this.#values = widened(this.#values);
    this.#versions = widened(this.#versions);
    this.#bytes = this.#bytes.map(widened);
  }
}

/** Rows as they were read back: typed arrays, and the versions by code. */
export interface ReadRows {
  readonly rows: number;
  /** Two words per row, the lower one first. */
  readonly ids: Int32Array;
  readonly times: Float64Array;
  readonly values: Float64Array;
  readonly versions: Uint32Array;
  readonly names: readonly string[];
  /** The bytes of each row, eight in two words, as many such columns as it takes; absent where they are not those that were asked for. */
  readonly bytes?: readonly Int32Array[] | undefined;
}

/** How many eights of bytes a row has. */
export function groupsOf(kept: RowBytes | undefined): number {
  return Math.ceil((kept?.count ?? 0) / 8);
}

/** The columns of a table that {@link LabelRows.table} made, with the bytes that are meant; `undefined` when it is of another form. */
export function readRows({ rowCount, columns }: Table, kept?: RowBytes): ReadRows | undefined {
  const { id, at, value, version } = columns;
  if (id?.type !== 'int64' || at?.type !== 'timestamp' || value?.type !== 'float64' || version?.type !== 'string') return undefined;
  const bytes: Int32Array[] = [];
  for (let g = 0; g < groupsOf(kept); g++) {
    const column = columns[`${kept!.id}.${g}`];
    if (column?.type === 'int64') bytes.push(wordsOf(column.values));
  }
  const rows = { rows: rowCount, ids: wordsOf(id.values), times: at.values, values: value.values, versions: version.values, names: version.dictionary };
  return kept !== undefined && bytes.length === groupsOf(kept) ? { ...rows, bytes } : rows;
}

function wordsOf(values: BigInt64Array): Int32Array {
  return new Int32Array(values.buffer, values.byteOffset, 2 * values.length);
}
