import { concatBytes, utf8 } from './bytes.ts';
import { canonicalJson } from './codec.ts';
import type { Column, ColumnType } from './column.ts';
import { createHasher, type Digest, type Hasher } from './digest.ts';
import type { Table } from './table.ts';

/**
 * The fingerprint of a table's contents: the same for the same columns, types, rows and order of rows, however they came (rows, columns, number arrays or
 * typed arrays) and in whatever order the columns stand; different when a single value is. Missing values, NaN and -0 each count as themselves.
 */
export function fingerprint(table: Table): Digest {
  const hasher = new FingerprintHasher(table.rowCount);
  for (const name of Object.keys(table.columns).sort()) {
    const column = table.columns[name]!;
    const masked = column.valid?.includes(0) ?? false;
    hasher.begin(name, column.type, masked);
    if (masked) hasher.mask(column);
    hasher.values(column);
  }
  return hasher.digest();
}

/**
 * Makes the {@link fingerprint} of a table that is never whole in memory. Columns come in the order of their names; of each first what it is (with whether a value is missing), then the masks of
 * all its parts if one is, then the values of all its parts.
 */
export class FingerprintHasher {
  readonly #hasher: Hasher = createHasher();

  constructor(rowCount: number) {
    this.#hasher.update(utf8(canonicalJson({ format: 'modelkeep.table/1', rows: rowCount })));
  }

  /** Begins a column. */
  begin(column: string, type: ColumnType, masked: boolean): void {
    this.#hasher.update(utf8(canonicalJson({ column, type, masked })));
  }

  /** Takes in which values are there of the next rows. */
  mask({ valid, values }: Column): void {
    this.#hasher.update(valid ?? new Uint8Array(values.length).fill(1));
  }

  /** Takes in the values of the next rows. */
  values(part: Column): void {
    for (const bytes of contents(part)) this.#hasher.update(bytes);
  }

  /** The fingerprint; ends the hasher. */
  digest(): Digest {
    return this.#hasher.digest();
  }
}

function* contents(column: Column): Generator<Uint8Array> {
  switch (column.type) {
    case 'float64':
    case 'timestamp':
      yield canonicalNumbers(column.values, column.valid);
      return;
    case 'int64':
    case 'bool':
      yield new Uint8Array(column.values.buffer, column.values.byteOffset, column.values.byteLength);
      return;
    case 'string': {
      const texts = column.dictionary.map(withLength);
      const absent = new Uint8Array(4);
      for (let at = 0; at < column.values.length; at += 8_192) {
        const part: Uint8Array[] = [];
        for (let i = at; i < Math.min(at + 8_192, column.values.length); i++) {
          part.push(column.valid?.[i] === 0 ? absent : texts[column.values[i]!]!);
        }
        yield concatBytes(part);
      }
      return;
    }
    case 'json':
      for (const value of column.values) yield withLength(canonicalJson(value));
      return;
    default:
      for (const value of column.values) yield prefixed(value === null ? new Uint8Array(0) : new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
  }
}

/** A NaN has many bit patterns; all count as one. */
function canonicalNumbers(values: Float64Array, valid: Uint8Array | undefined): Uint8Array {
  let numbers = values;
  for (let i = 0; i < values.length; i++) {
    if (values[i] === values[i] && valid?.[i] !== 0) continue;
    if (numbers === values) numbers = values.slice();
    numbers[i] = NaN;
  }
  return new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
}

function withLength(text: string): Uint8Array {
  return prefixed(utf8(text));
}

function prefixed(bytes: Uint8Array): Uint8Array {
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, bytes.length, true);
  return concatBytes([length, bytes]);
}
