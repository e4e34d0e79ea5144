/**
 * What a model takes and gives, as plain data that is stored with its version: either side may be left untold.
 *
 * @example
 * ```ts
 * import type { ModelSignature } from 'modelkeep';
 *
 * const signature: ModelSignature = {
 *   input: { type: 'row', columns: [{ name: 'distance', type: 'float64', minimum: 0 }, { name: 'origin', type: 'string', required: false }] },
 *   output: { type: 'row', columns: [{ name: 'score', type: 'float64', minimum: 0, maximum: 1 }] },
 * };
 * console.log(signature.input?.type); // row
 * ```
 */
export interface ModelSignature {
  /** What it takes. */
  readonly input?: DataSpec | undefined;
  /** What it gives. */
  readonly output?: DataSpec | undefined;
}

/** What data is like: one value, most often a row of columns, or tensors. */
export type DataSpec = ValueSpec | TensorsSpec;

/** What one value is like. */
export type ValueSpec = NumberSpec | StringSpec | BoolSpec | TimestampSpec | JsonSpec | ListSpec | RowSpec;

/** What every kind of value may be. */
export interface NullableSpec {
  /** Whether `null` may stand in its place. @default false */
  readonly nullable?: boolean | undefined;
}

/** A finite number. A `float64` may be a bigint that it holds exactly; an `int64` is a safe integer, or a bigint of 64 bits with its sign. */
export interface NumberSpec extends NullableSpec {
  /** The kind of number. */
  readonly type: 'float64' | 'int64';
  /** The only numbers that it can be. @default any */
  readonly values?: readonly number[] | undefined;
  /** The least that it can be. @default no limit */
  readonly minimum?: number | undefined;
  /** The most that it can be. @default no limit */
  readonly maximum?: number | undefined;
  /** It is more than this. @default no limit */
  readonly exclusiveMinimum?: number | undefined;
  /** It is less than this. @default no limit */
  readonly exclusiveMaximum?: number | undefined;
}

/** A text. */
export interface StringSpec extends NullableSpec {
  /** Tells it from other values. */
  readonly type: 'string';
  /** The only texts that it can be. @default any */
  readonly values?: readonly string[] | undefined;
  /** The fewest characters (Unicode code points) that it has. @default 0 */
  readonly minLength?: number | undefined;
  /** The most characters (Unicode code points) that it has. @default no limit */
  readonly maxLength?: number | undefined;
  /** A regular expression of ECMAScript, with the `u` flag, that is found in it. @default none */
  readonly pattern?: string | undefined;
}

/** A truth value. */
export interface BoolSpec extends NullableSpec {
  /** Tells it from other values. */
  readonly type: 'bool';
  /** The only truth values that it can be. @default both */
  readonly values?: readonly boolean[] | undefined;
}

/** A moment: a date, epoch milliseconds in UTC, or a text of RFC 3339. */
export interface TimestampSpec extends NullableSpec {
  /** Tells it from other values. */
  readonly type: 'timestamp';
}

/** Any plain data. */
export interface JsonSpec extends NullableSpec {
  /** Tells it from other values. */
  readonly type: 'json';
}

/** An array, or a typed array, of values that are alike. */
export interface ListSpec extends NullableSpec {
  /** Tells it from other values. */
  readonly type: 'list';
  /** What each of its values is like. */
  readonly items: ValueSpec;
  /** The fewest values that it has. @default 0 */
  readonly minItems?: number | undefined;
  /** The most values that it has. @default no limit */
  readonly maxItems?: number | undefined;
}

/** A plain object with a value for each column. */
export interface RowSpec extends NullableSpec {
  /** Tells it from other values. */
  readonly type: 'row';
  /** The columns, each name once. */
  readonly columns: readonly ColumnSpec[];
  /** What becomes of columns that are not named here. @default 'ignored' */
  readonly others?: 'ignored' | 'refused' | undefined;
}

/** A column of a row. */
export type ColumnSpec = ValueSpec & NamedSpec;

/** What a column is besides its values. */
export interface NamedSpec {
  /** Its name. */
  readonly name: string;
  /** Whether it must be there; `null` is there. @default true */
  readonly required?: boolean | undefined;
  /** What it tells, for people. @default none */
  readonly description?: string | undefined;
}

/** Tensors. */
export interface TensorsSpec {
  /** Tells it from values. */
  readonly type: 'tensors';
  /** Whether they are told apart by their names or by their places; by place one tensor may come alone. */
  readonly by: 'name' | 'position';
  /** Each of them, in order, each name once. */
  readonly tensors: readonly TensorSpec[];
}

/** A tensor. */
export interface TensorSpec {
  /** Its name in the model. */
  readonly name: string;
  /** The type of its elements. */
  readonly dtype: TensorType;
  /** Its dimensions, `null` where one is free. @default any shape */
  readonly shape?: readonly (number | null)[] | undefined;
}

/** The type of a tensor's elements, by the names that ONNX Runtime and TensorFlow.js have for it. */
export type TensorType =
  | 'bool' | 'string'
  | 'int4' | 'int8' | 'int16' | 'int32' | 'int64'
  | 'uint4' | 'uint8' | 'uint16' | 'uint32' | 'uint64'
  | 'float16' | 'bfloat16' | 'float32' | 'float64'
  | 'complex64' | 'complex128';

/** The types that a tensor's elements can have. */
export const tensorTypes: readonly TensorType[] = [
  'bool', 'string',
  'int4', 'int8', 'int16', 'int32', 'int64',
  'uint4', 'uint8', 'uint16', 'uint32', 'uint64',
  'float16', 'bfloat16', 'float32', 'float64',
  'complex64', 'complex128',
];
