import type { Table } from '../../core/table.ts';

/** Predictions or labels in the order of their coming, column by column: 64 bits of a hash of the id, when it came, what it says, and which version of the model said it. */
export class LabelRows {
  #size = 0;
  #ids = new Int32Array(128);
  #times = new Float64Array(64);
  #values = new Float64Array(64);
  #versions = new Uint32Array(64);
  readonly #codes = new Map<string, number>([['', 0]]);

  /** How many there are. */
  get size(): number {
    return this.#size;
  }

  /** Adds one; `version` is '' for none. */
  push(high: number, low: number, at: number, value: number, version: string): void {
    if (this.#size === this.#times.length) this.#grow();
    const i = this.#size++;
    this.#ids[2 * i] = low;
    this.#ids[2 * i + 1] = high;
    this.#times[i] = at;
    this.#values[i] = value;
    let code = this.#codes.get(version);
    if (code === undefined) this.#codes.set(version, (code = this.#codes.size));
    this.#versions[i] = code;
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
      },
    };
  }

  #grow(): void {
    const widened = <A extends Int32Array<ArrayBuffer> | Float64Array<ArrayBuffer> | Uint32Array<ArrayBuffer>>(array: A): A => {
      const wider = new (array.constructor as new (length: number) => A)(2 * array.length);
      wider.set(array);
      return wider;
    };
    this.#ids = widened(this.#ids);
    this.#times = widened(this.#times);
    this.#values = widened(this.#values);
    this.#versions = widened(this.#versions);
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
}

/** The columns of a table that {@link LabelRows.table} made; `undefined` when it is of another form. */
export function readRows({ rowCount, columns: { id, at, value, version } }: Table): ReadRows | undefined {
  if (id?.type !== 'int64' || at?.type !== 'timestamp' || value?.type !== 'float64' || version?.type !== 'string') return undefined;
  const ids = new Int32Array(id.values.buffer, id.values.byteOffset, 2 * rowCount);
  return { rows: rowCount, ids, times: at.values, values: value.values, versions: version.values, names: version.dictionary };
}
