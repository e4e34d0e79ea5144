import { isWellFormed } from '../core/bytes.ts';

/** Lists of fewer values are as small in JSON. */
export const leastColumnar = 64;

/** What of texts is kept once, and for each its place there. */
export interface CodedTexts {
  readonly dictionary: readonly string[];
  readonly codes: Uint8Array<ArrayBuffer> | Uint16Array<ArrayBuffer> | Uint32Array<ArrayBuffer>;
}

type Scalar = number | string | boolean | bigint | null | Date;

/** A list of numbers as doubles, with 0 where there is `null`; `undefined` when it holds anything else. */
export function numbersOf(values: readonly unknown[]): Float64Array<ArrayBuffer> | undefined {
  const numbers = new Float64Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (value === null) continue;
    if (typeof value !== 'number') return undefined;
    // NaN has many bit patterns, and equal lists must give equal bytes.
    numbers[i] = Number.isNaN(value) ? NaN : value;
  }
  return numbers;
}

/** One byte for each value of a list, 1 where there is one and 0 where there is `null`; `undefined` when there is no `null`. */
export function maskOf(values: readonly unknown[]): Uint8Array<ArrayBuffer> | undefined {
  const first = values.indexOf(null);
  if (first < 0) return undefined;
  const mask = new Uint8Array(values.length).fill(1);
  for (let i = first; i < values.length; i++) if (values[i] === null) mask[i] = 0;
  return mask;
}

/** The list with `null` where the mask says that there is no value. Throws `RangeError` when it is of another length. */
export function masked(values: unknown, mask: Uint8Array): unknown[] {
  if (!Array.isArray(values) || values.length !== mask.length) throw new RangeError('A mask has another length than its list.');
  return values.map((value: unknown, i) => (mask[i] === 0 ? null : value));
}

/** A list of texts in which they recur, with the first of them where there is `null`; `undefined` when it holds anything else, or more different texts than half its length. */
export function textsOf(values: readonly unknown[]): CodedTexts | undefined {
  const known = new Map<string, number>();
  const codes = new Uint32Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (value === null) continue;
    if (typeof value !== 'string') return undefined;
    const code = known.get(value) ?? known.size;
    if (code === known.size) {
      if (!isWellFormed(value)) return undefined;
      known.set(value, code);
    }
    if (known.size * 2 > values.length) return undefined;
    codes[i] = code;
  }
  return { dictionary: [...known.keys()], codes: known.size <= 0x100 ? Uint8Array.from(codes) : known.size <= 0x1_0000 ? Uint16Array.from(codes) : codes };
}

/** The texts that were coded. Throws `RangeError` for a code that stands for none. */
export function decodedTexts({ dictionary, codes }: CodedTexts): string[] {
  return Array.from(codes, (code) => {
    const text = dictionary[code];
    if (text === undefined) throw new RangeError('A text is not in its dictionary.');
    return text;
  });
}

/** A list of rows as columns by name, in the order of their names; `undefined` when they have not all the same names, or hold what is no single value. */
export function columnsOf(rows: readonly unknown[]): Readonly<Record<string, unknown[]>> | undefined {
  const first = rows[0];
  if (!isRow(first)) return undefined;
  const names = Object.keys(first).sort();
  if (names.length === 0 || !names.every(isWellFormed)) return undefined;
  const columns = names.map((name) => [name, new Array<unknown>(rows.length)] as const);
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i];
    if (!isRow(row) || Object.keys(row).length !== names.length) return undefined;
    for (const [name, column] of columns) {
      if (!Object.hasOwn(row, name)) return undefined;
      const value = row[name];
      if (!isScalar(value)) return undefined;
      column[i] = value;
    }
  }
  return Object.fromEntries(columns);
}

/** The rows of columns. Throws `RangeError` when one is not as long as they are. */
export function rowsOf(columns: Readonly<Record<string, readonly unknown[]>>, length: number): Record<string, unknown>[] {
  const entries = Object.entries(columns);
  if (entries.some(([, column]) => !Array.isArray(column) || column.length !== length)) throw new RangeError('A column has another length than its table.');
  // From entries, for a column may be called __proto__.
  return Array.from({ length }, (_, i) => Object.fromEntries(entries.map(([name, column]) => [name, column[i]])));
}

function isRow(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** Whether the codec keeps a value as one: for all else it is to say what is wrong, and in which row. */
function isScalar(value: unknown): value is Scalar {
  switch (typeof value) {
    case 'string':
      return isWellFormed(value);
    case 'number':
    case 'boolean':
    case 'bigint':
      return true;
    default:
      return value === null || (value instanceof Date && !Number.isNaN(value.getTime()));
  }
}
