import { canonicalJson } from './codec.ts';
import { ValidationError } from './errors.ts';
import { shown } from './shown.ts';

/** The type of a column of vectors that are all of that length, such as `embedding(384)`. */
export type EmbeddingType = `embedding(${number})`;

/**
 * The type of a column: `timestamp` is epoch milliseconds in UTC, `int64` travels as bigint, `bytes` are byte arrays, `embedding(n)` are vectors of `n` 32-bit floats, `json` is any other
 * plain data.
 */
export type ColumnType = 'float64' | 'int64' | 'bool' | 'string' | 'timestamp' | 'bytes' | EmbeddingType | 'json';

/** A column as callers give it: an array or typed array of numbers, bigints, booleans, texts, dates or plain data, with `null` or `undefined` for missing. */
export type ColumnInput = ArrayLike<unknown>;

interface Nullable {
  /** One byte per row, 1 where a value is present; absent when all are. */
  readonly valid?: Uint8Array | undefined;
}

/** Numbers, or timestamps in epoch milliseconds; what is missing is NaN here and 0 in `valid`. */
export interface NumberColumn extends Nullable {
  readonly type: 'float64' | 'timestamp';
  readonly values: Float64Array;
}

/** 64-bit integers. */
export interface Int64Column extends Nullable {
  readonly type: 'int64';
  readonly values: BigInt64Array;
}

/** Truth values as 0 and 1. */
export interface BoolColumn extends Nullable {
  readonly type: 'bool';
  readonly values: Uint8Array;
}

/** Texts as codes into a dictionary of the distinct ones, in the order of first appearance. */
export interface StringColumn extends Nullable {
  readonly type: 'string';
  readonly values: Uint32Array;
  readonly dictionary: readonly string[];
}

/** Any other plain data. */
export interface JsonColumn extends Nullable {
  readonly type: 'json';
  readonly values: readonly unknown[];
}

/** Bytes; what is missing is `null`. */
export interface BytesColumn extends Nullable {
  readonly type: 'bytes';
  readonly values: readonly (Uint8Array | null)[];
}

/** Vectors, all as long as the type says; what is missing is `null`. */
export interface EmbeddingColumn extends Nullable {
  readonly type: EmbeddingType;
  readonly values: readonly (Float32Array | null)[];
}

/** A column whose values are objects, one by one. */
export type ObjectColumn = JsonColumn | BytesColumn | EmbeddingColumn;

/** A column inside modelkeep: typed arrays where there can be, so that hot loops neither allocate nor branch on types. */
export type Column = NumberColumn | Int64Column | BoolColumn | StringColumn | ObjectColumn;

/** Whether the column's values are objects, which no typed array holds. */
export function hasObjects(column: Column): column is ObjectColumn {
  return Array.isArray(column.values);
}

/** How many numbers each vector of such a column has; `undefined` for any other type, and for what is none. */
export function embeddingSize(type: string): number | undefined {
  const digits = /^embedding\(([1-9][0-9]{0,5})\)$/.exec(type)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** Whether row `i` of the column has a value. */
export function isPresent(column: Column, i: number): boolean {
  return column.valid === undefined || column.valid[i] === 1;
}

/**
 * The typed form of a column. Without a `type` it is inferred from the values: numbers (NaN is a number, not a missing value), bigints, booleans, texts and
 * dates each give their own type, anything mixed is `json`, and a column without any value is `float64`.
 *
 * Throws `ValidationError` naming the row when a value is not of the type asked for. An `int64` accepts safe integers too; a `timestamp` accepts
 * dates, epoch milliseconds and ISO 8601 text, which is UTC when it names no zone; a `float64` accepts booleans and bigints that it can hold exactly; an `embedding(n)` accepts
 * arrays and typed arrays of `n` finite numbers, which are rounded to 32 bits. Without a `type`, byte arrays and vectors are `json`.
 */
export function toColumn(input: ColumnInput, type: ColumnType | undefined, path: string): Column {
  const wanted = type ?? inferType(input);
  switch (wanted) {
    case 'float64':
    case 'timestamp':
      return numbers(input, wanted, path);
    case 'int64':
      return int64s(input, path);
    case 'bool':
      return bools(input, path);
    case 'string':
      return strings(input, path);
    case 'json':
      return json(input, path);
    case 'bytes':
      return { type: wanted, ...objects(input, path, (value, at) => bytesOf(value) ?? fail(value, wanted, at)) };
    default: {
      const size = embeddingSize(wanted);
      if (size !== undefined) return { type: wanted, ...objects(input, path, (value, at) => vectorOf(value, size) ?? fail(value, wanted, at)) };
      throw new ValidationError(`The type of ${path} is ${shown(wanted, 80)}; give one of float64, int64, bool, string, timestamp, bytes, embedding(n) with the length n, and json.`, { path });
    }
  }
}

/** The value of row `i` as callers see it: number, bigint, boolean, text, epoch milliseconds, bytes, a vector or plain data; `null` when missing. */
export function valueAt(column: Column, i: number): unknown {
  if (!isPresent(column, i)) return null;
  switch (column.type) {
    case 'bool':
      return column.values[i] === 1;
    case 'string':
      return column.dictionary[column.values[i]!]!;
    default:
      return column.values[i];
  }
}

/** The whole column as callers see it: a typed array for numbers, timestamps and bigints when nothing is missing, otherwise an array with `null`s. */
export function columnValues(column: Column): ArrayLike<unknown> {
  const { valid } = column;
  if (valid === undefined && column.type !== 'bool' && column.type !== 'string') return column.values;
  const size = column.values.length;
  const values = new Array<unknown>(size);
  if (column.type === 'string') for (let i = 0; i < size; i++) values[i] = valid?.[i] === 0 ? null : column.dictionary[column.values[i]!]!;
  else if (column.type === 'bool') for (let i = 0; i < size; i++) values[i] = valid?.[i] === 0 ? null : column.values[i] === 1;
  else for (let i = 0; i < size; i++) values[i] = valid?.[i] === 0 ? null : column.values[i];
  return values;
}

/** The rows at `indices`, in that order; an index of -1 gives a missing value. */
export function takeRows(column: Column, indices: Int32Array): Column {
  const size = indices.length;
  const { valid: present } = column;
  let valid: Uint8Array | undefined;
  for (let i = 0; i < size; i++) {
    const from = indices[i]!;
    if (from >= 0 && (present === undefined || present[from] === 1)) continue;
    valid ??= new Uint8Array(size).fill(1);
    valid[i] = 0;
  }
  if (column.type === 'float64' || column.type === 'timestamp') return { ...column, values: takeNumbers(column.values, indices), valid };
  if (hasObjects(column)) return { type: column.type, values: Array.from(indices, (from) => (from < 0 ? null : column.values[from])), valid } as Column;
  const values = emptyLike(column, size);
  const missing = column.type === 'int64' ? 0n : 0;
  for (let i = 0; i < size; i++) values[i] = indices[i]! < 0 ? missing : column.values[indices[i]!]!;
  return { ...column, values, valid } as Column;
}

function takeNumbers(values: Float64Array, indices: Int32Array): Float64Array {
  const taken = new Float64Array(indices.length);
  for (let i = 0; i < taken.length; i++) taken[i] = indices[i]! < 0 ? NaN : values[indices[i]!]!;
  return taken;
}

/** A typed array like the column's, of `size` zeros; all are written alike, whatever their element. */
function emptyLike(column: Exclude<Column, ObjectColumn>, size: number): { [i: number]: number | bigint } & Pick<Float64Array, 'set'> {
  return new (column.values.constructor as new (size: number) => never)(size);
}

/** Columns of one type, one after the other; the dictionaries of texts are merged. */
export function concatColumns(parts: readonly Column[]): Column {
  if (parts.length === 0) return { type: 'float64', values: new Float64Array(0) };
  const first: Column = parts[0]!;
  if (parts.length === 1) return first;
  const odd = parts.find((part) => part.type !== first.type);
  if (odd !== undefined) throw new TypeError(`Cannot join a ${odd.type} column to a ${first.type} column.`);
  const rows = parts.reduce((sum, part) => sum + part.values.length, 0);
  let valid: Uint8Array | undefined;
  if (parts.some((part) => part.valid !== undefined)) {
    valid = new Uint8Array(rows).fill(1);
    let at = 0;
    for (const part of parts) {
      if (part.valid) valid.set(part.valid, at);
      at += part.values.length;
    }
  }
  if (hasObjects(first)) return { type: first.type, values: parts.flatMap((part) => part.values as unknown[]), valid } as Column;
  const values = emptyLike(first, rows);
  const codes = new Map<string, number>();
  let at = 0;
  for (const part of parts) {
    if (part.type === 'string') {
      const recode = part.dictionary.map((text) => codes.get(text) ?? (codes.set(text, codes.size), codes.size - 1));
      for (let i = 0; i < part.values.length; i++) values[at + i] = recode[part.values[i]!] ?? 0;
    } else {
      values.set(part.values as Float64Array, at);
    }
    at += part.values.length;
  }
  return { ...first, values, valid, ...(first.type === 'string' ? { dictionary: [...codes.keys()] } : {}) } as Column;
}

function inferType(input: ColumnInput): ColumnType {
  if (ArrayBuffer.isView(input)) return input instanceof BigInt64Array || input instanceof BigUint64Array ? 'int64' : 'float64';
  let found: ColumnType | undefined;
  for (let i = 0; i < input.length; i++) {
    const value = input[i];
    if (value === null || value === undefined) continue;
    const type = typeOf(value);
    if (found === undefined) found = type;
    else if (found !== type) return 'json';
  }
  return found ?? 'float64';
}

function typeOf(value: unknown): ColumnType {
  switch (typeof value) {
    case 'number':
      return 'float64';
    case 'bigint':
      return 'int64';
    case 'boolean':
      return 'bool';
    case 'string':
      return 'string';
    default:
      return value instanceof Date ? 'timestamp' : 'json';
  }
}

function mismatch(value: unknown, type: ColumnType, path: string, i: number): ValidationError {
  return unfit(value, type, `${path}[${i}]`);
}

function unfit(value: unknown, type: ColumnType, path: string): ValidationError {
  const vector = embeddingSize(type) !== undefined ? ', an array of so many finite numbers' : '';
  return new ValidationError(`${path} is ${shown(value, 80)}, which is not ${/^[aeiou]/.test(type) ? 'an' : 'a'} ${type}${vector}; mend the value, or use null where it is missing.`, { path });
}

function fail(value: unknown, type: ColumnType, path: string): never {
  throw unfit(value, type, path);
}

/** Marks row `i` of `size` as missing, making the mask when it is the first. */
function markMissing(valid: Uint8Array | undefined, size: number, i: number): Uint8Array {
  const mask = valid ?? new Uint8Array(size).fill(1);
  mask[i] = 0;
  return mask;
}

function numbers(input: ColumnInput, type: 'float64' | 'timestamp', path: string): Column {
  if (input instanceof Float64Array && (type === 'float64' || input.every(isTime))) return { type, values: input };
  const size = input.length;
  const values = new Float64Array(size);
  let valid: Uint8Array | undefined;
  for (let i = 0; i < size; i++) {
    const value = input[i];
    if (typeof value === 'number' && (type === 'float64' || isTime(value))) {
      values[i] = value;
    } else if (value === null || value === undefined) {
      values[i] = NaN;
      valid = markMissing(valid, size, i);
    } else {
      const number = type === 'timestamp' ? timestampOf(value) : numberOf(value);
      if (number === undefined) throw mismatch(value, type, path, i);
      values[i] = number;
    }
  }
  return { type, values, valid };
}

function numberOf(value: unknown): number | undefined {
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value === 'bigint' && BigInt(Number(value)) === value) return Number(value);
  return undefined;
}

/** Epoch milliseconds of a date, a bigint, or ISO 8601 text; text without a zone is UTC. `undefined` when it is none of these, or no day of the calendar. */
export function timestampOf(value: unknown): number | undefined {
  if (typeof value === 'number' || typeof value === 'bigint') return isTime(Number(value)) ? Number(value) : undefined;
  let time = NaN;
  if (value instanceof Date) time = value.getTime();
  else if (typeof value === 'string') {
    const date = /^(\d{4})-(\d{2})-(\d{2})/.exec(value);
    if (date === null || !isDay(Number(date[1]), Number(date[2]), Number(date[3]))) return undefined;
    const hasTime = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}/.test(value);
    const hasZone = /(?:Z|[+-]\d{2}:?\d{2})$/i.test(value.slice(10));
    time = Date.parse(hasTime && !hasZone ? `${value.replace(' ', 'T')}Z` : value.replace(' ', 'T'));
  }
  return Number.isNaN(time) ? undefined : time;
}

/** What a `Date` can hold, which keeps out the nanoseconds that other systems count in: each would lie behind all that is known. */
function isTime(ms: number): boolean {
  return Math.abs(ms) <= 8.64e15;
}

// Engines turn the 31st of February into a day of March.
function isDay(year: number, month: number, day: number): boolean {
  return day >= 1 && day <= 31 && (day <= 28 || new Date(Date.UTC(year, month - 1, day)).getUTCDate() === day);
}

function int64s(input: ColumnInput, path: string): Column {
  if (input instanceof BigInt64Array) return { type: 'int64', values: input };
  const size = input.length;
  const values = new BigInt64Array(size);
  let valid: Uint8Array | undefined;
  for (let i = 0; i < size; i++) {
    const value = input[i];
    if (value === null || value === undefined) valid = markMissing(valid, size, i);
    else if (typeof value === 'bigint' && BigInt.asIntN(64, value) === value) values[i] = value;
    else if (Number.isSafeInteger(value)) values[i] = BigInt(value as number);
    else throw mismatch(value, 'int64', path, i);
  }
  return { type: 'int64', values, valid };
}

function bools(input: ColumnInput, path: string): Column {
  const size = input.length;
  const values = new Uint8Array(size);
  let valid: Uint8Array | undefined;
  for (let i = 0; i < size; i++) {
    const value = input[i];
    if (value === null || value === undefined) valid = markMissing(valid, size, i);
    else if (typeof value === 'boolean') values[i] = value ? 1 : 0;
    else throw mismatch(value, 'bool', path, i);
  }
  return { type: 'bool', values, valid };
}

function strings(input: ColumnInput, path: string): Column {
  const size = input.length;
  const values = new Uint32Array(size);
  const codes = new Map<string, number>();
  let valid: Uint8Array | undefined;
  for (let i = 0; i < size; i++) {
    const value = input[i];
    if (value === null || value === undefined) {
      valid = markMissing(valid, size, i);
      continue;
    }
    if (typeof value !== 'string') throw mismatch(value, 'string', path, i);
    let code = codes.get(value);
    if (code === undefined) codes.set(value, (code = codes.size));
    values[i] = code;
  }
  return { type: 'string', values, dictionary: [...codes.keys()], valid };
}

function json(input: ColumnInput, path: string): Column {
  const size = input.length;
  const values: unknown[] = [];
  let valid: Uint8Array | undefined;
  for (let i = 0; i < size; i++) {
    const value = input[i] ?? null;
    if (value === null) valid = markMissing(valid, size, i);
    else canonicalJson(value, `${path}[${i}]`);
    values.push(value);
  }
  return { type: 'json', values, valid };
}

/** A column's objects, each as `own` makes it. */
function objects<T>(input: ColumnInput, path: string, own: (value: unknown, path: string) => T): { values: (T | null)[]; valid: Uint8Array | undefined } {
  const values: (T | null)[] = [];
  let valid: Uint8Array | undefined;
  for (let i = 0; i < input.length; i++) {
    const value = input[i] ?? null;
    if (value === null) valid = markMissing(valid, input.length, i);
    values.push(value === null ? null : own(value, `${path}[${i}]`));
  }
  return { values, valid };
}

/** A copy, since the caller may go on writing to its own. */
function bytesOf(value: unknown): Uint8Array | undefined {
  if (value instanceof Uint8Array) return Uint8Array.from(value);
  return value instanceof ArrayBuffer ? new Uint8Array(value.slice(0)) : undefined;
}

function vectorOf(value: unknown, size: number): Float32Array | undefined {
  const numbers = Array.isArray(value) ? (value as unknown[]) : value instanceof Float32Array || value instanceof Float64Array ? value : undefined;
  if (numbers?.length !== size) return undefined;
  const vector = new Float32Array(size);
  for (let i = 0; i < size; i++) {
    const number = numbers[i];
    if (typeof number !== 'number') return undefined;
    vector[i] = number;
    if (!Number.isFinite(vector[i])) return undefined;
  }
  return vector;
}
