import { isModelkeepError, ModelkeepError } from '../../core/errors.ts';
import { stringifyTolerant } from '../../core/lossless-json.ts';
import { tensorTypes, type ColumnSpec, type DataSpec, type TensorType, type ValueSpec } from '../../core/signature/model-signature.ts';
import { nestedOf, shapeOfNested, tensorOfNested, type ElementForm } from '../../core/tensors/tensor-values.ts';
import { elementType } from '../../core/tensors/tensor-types.ts';
import { elementCount, type NamedTensor, type Tensor, type TensorValues } from '../../core/tensors/tensor.ts';
import { columnTypes } from './column-types.ts';
import { isObject, ownFields } from './json-values.ts';

// Deeper than any answer, and shallow enough for the stack: one that contains itself is found out.
const maxDepth = 64;

/** What an output is called that has no name. */
const onlyOutput = 'output';

/** The types of the arrays that tell of their elements by themselves. */
const typeOfArray: ReadonlyMap<unknown, TensorType> = /* @__PURE__ */ new Map<unknown, TensorType>([
  [Int8Array, 'int8'], [Int16Array, 'int16'], [Int32Array, 'int32'], [BigInt64Array, 'int64'],
  [Uint8ClampedArray, 'uint8'], [Uint16Array, 'uint16'], [Uint32Array, 'uint32'], [BigUint64Array, 'uint64'],
  [Float32Array, 'float32'], [Float64Array, 'float64'],
]);

/** The tensor that a model gave, in the form of ONNX Runtime (`type`, `dims`), of TensorFlow.js (`dtype`, `shape`) or of this package, with its elements in `data`; `undefined` for anything else. */
function tensorOfOutput(value: unknown): Tensor | undefined {
  if (!isObject(value)) return undefined;
  const { dtype, type = dtype, shape, dims = shape, data } = value;
  if (!Array.isArray(dims) || !tensorTypes.includes(type as TensorType) || !(ArrayBuffer.isView(data) || Array.isArray(data))) return undefined;
  const values = valuesOf(type as TensorType, data as TensorValues, dims as number[]);
  if (values.length !== elementCount(dims as number[])) throw failed(`The model gave a tensor of the shape [${dims.join()}] with ${values.length} elements.`);
  return { dtype: type as TensorType, shape: dims as number[], data: values };
}

function valuesOf(dtype: TensorType, data: TensorValues, shape: readonly number[]): TensorValues {
  const array = elementType(dtype)?.array;
  if (array === undefined || data instanceof array) return data;
  // The host's own array of 16-bit floats, whose bits are wanted.
  if (dtype === 'float16' && data.constructor.name === 'Float16Array') return new Uint16Array((data as Uint16Array).buffer, (data as Uint16Array).byteOffset, data.length);
  return orFailed(() => tensorOfNested(dtype, Array.from(data as ArrayLike<unknown>), 'the output', shape).data);
}

/** The tensors that a model gave in one call: by their names, or in the order of the signature; nested lists and single values are tensors, too. */
export function tensorsOfOutput(output: unknown, spec: DataSpec | undefined): NamedTensor[] {
  const specs = spec?.type === 'tensors' ? spec.tensors : [];
  const nameOf = (i: number, only: boolean): string => specs[i]?.name ?? (only ? onlyOutput : `${onlyOutput}_${i}`);
  const alone = tensorOfOutput(output);
  if (alone !== undefined) return [{ name: nameOf(0, true), tensor: alone }];
  if (Array.isArray(output) && output.length > 0) {
    const tensors = output.map(tensorOfOutput);
    if (tensors.every((tensor) => tensor !== undefined)) return tensors.map((tensor, i) => ({ name: nameOf(i, tensors.length === 1), tensor }));
  }
  if (isObject(output) && !ArrayBuffer.isView(output)) {
    return Object.entries(output).map(([name, value]) => ({ name, tensor: tensorOfOutput(value) ?? tensorOfValue(value, specs.find((each) => each.name === name)?.dtype) }));
  }
  return [{ name: nameOf(0, true), tensor: tensorOfValue(output, specs[0]?.dtype) }];
}

/** The tensors that the outputs of rows are: one for each column, or one of all where they have none. */
export function tensorsOfRows(outputs: readonly unknown[], spec: DataSpec | undefined): NamedTensor[] {
  if (!areRows(outputs)) return [{ name: onlyOutput, tensor: tensorOfColumn(outputs, spec?.type === 'tensors' ? undefined : spec) }];
  const specs = new Map((spec?.type === 'row' ? spec.columns : []).map((column): [string, ColumnSpec] => [column.name, column]));
  return columnNames(outputs).map((name) => ({ name, tensor: tensorOfColumn(outputs.map((row) => (Object.hasOwn(row, name) ? row[name] : null)), specs.get(name)) }));
}

/** Whether all outputs are objects of columns. */
export function areRows(outputs: readonly unknown[]): outputs is readonly Readonly<Record<string, unknown>>[] {
  return outputs.length > 0 && outputs.every((output) => isObject(output) && !ArrayBuffer.isView(output) && !(output instanceof Date) && tensorOfOutput(output) === undefined);
}

/** All names that rows have, in the order in which they come. */
export function columnNames(rows: readonly Readonly<Record<string, unknown>>[]): string[] {
  const names = new Set<string>();
  for (const row of rows) for (const name of Object.keys(row)) names.add(name);
  return [...names];
}

function tensorOfColumn(values: readonly unknown[], spec: ValueSpec | undefined): Tensor {
  const dtype = columnTypes[spec?.type === 'list' ? spec.items.type : (spec?.type ?? 'json')];
  return tensorOfValue(values, dtype);
}

/** The tensor that a value or nested lists are: of the type where all elements are of it, else of what they have in common, JSON in the end. */
function tensorOfValue(value: unknown, dtype?: TensorType): Tensor {
  const own = ArrayBuffer.isView(value) ? typeOfArray.get(value.constructor) : undefined;
  if (own !== undefined) {
    const data = value as Float64Array;
    return { dtype: own, shape: [data.length], data: own === 'uint8' ? new Uint8Array(data) : data };
  }
  const plain = wireValue(value, 'raw');
  const shape = shapeOfNested(plain);
  const leaves: unknown[] = [];
  const isEven = collect(plain, shape, 0, leaves);
  if (isEven) {
    const common = commonType(leaves);
    const found = dtype !== undefined && fits(dtype, common) ? dtype : common;
    if (found !== undefined) return orFailed(() => ({ ...tensorOfNested(found, leaves.map((leaf) => forTensor(leaf, found)), 'the output', [leaves.length]), shape }));
  }
  // Each of the outermost is told as JSON where there is no tensor in it.
  const rows = Array.isArray(plain) ? plain : [plain];
  return { dtype: 'string', shape: Array.isArray(plain) ? [rows.length] : [], data: rows.map((row) => (typeof row === 'string' ? row : stringifyTolerant(row ?? null))) };
}

function collect(value: unknown, shape: readonly number[], level: number, leaves: unknown[]): boolean {
  if (level === shape.length) {
    leaves.push(value);
    return !Array.isArray(value);
  }
  return Array.isArray(value) && value.length === shape[level] && value.every((item) => collect(item, shape, level + 1, leaves));
}

/** What all elements are; `undefined` when they have nothing in common that a tensor can hold. */
function commonType(leaves: readonly unknown[]): TensorType | undefined {
  const kinds = new Set(leaves.map((leaf) => (leaf === null || leaf === undefined ? 'null' : leaf instanceof Uint8Array ? 'string' : typeof leaf)));
  const only = (...allowed: string[]): boolean => [...kinds].every((kind) => allowed.includes(kind));
  if (only('number', 'null')) return 'float64';
  if (only('bigint') || (only('bigint', 'number') && leaves.every((leaf) => typeof leaf === 'bigint' || Number.isSafeInteger(leaf)))) return 'int64';
  if (only('number', 'bigint', 'null')) return 'float64';
  if (only('boolean')) return 'bool';
  return only('string') ? 'string' : undefined;
}

function fits(dtype: TensorType, common: TensorType | undefined): boolean {
  const isNumber = common === 'float64' || common === 'int64';
  return common === dtype || (isNumber && dtype !== 'string' && dtype !== 'bool');
}

/** What is missing among numbers is NaN. */
function forTensor(leaf: unknown, dtype: TensorType): unknown {
  return (leaf === null || leaf === undefined) && dtype.startsWith('float') ? NaN : leaf;
}

/** An output as JSON has it: tensors and typed arrays as lists, bytes as `{ "b64": … }`, all texts so with the form `b64`. */
export function wireValue(value: unknown, form: ElementForm, depth = 0): unknown {
  if (typeof value === 'string') return form === 'b64' ? nestedOf({ dtype: 'string', shape: [], data: [value] }, form) : value;
  if (typeof value === 'function' || typeof value === 'symbol') throw failed(`The model gave a ${typeof value}, which JSON has no form for.`);
  if (typeof value !== 'object' || value === null) return value ?? null;
  if (depth > maxDepth) throw failed(`The model gave what is nested more than ${maxDepth} deep, or contains itself.`);
  if (value instanceof Uint8Array) return form === 'raw' ? value : nestedOf({ dtype: 'string', shape: [], data: [value] }, form);
  if (value instanceof Date) return value.toJSON();
  if (Array.isArray(value)) return value.every((item) => typeof item === 'number') ? value : value.map((item) => wireValue(item, form, depth + 1));
  if (ArrayBuffer.isView(value)) return listOfArray(value, form);
  const tensor = tensorOfOutput(value);
  if (tensor !== undefined) return nestedOf(tensor, form);
  return ownFields(Object.entries(value).map(([name, item]) => [name, wireValue(item, formOfName(name, form), depth + 1)]));
}

function listOfArray(value: ArrayBufferView, form: ElementForm): unknown {
  const dtype = typeOfArray.get(value.constructor);
  if (dtype === undefined) throw failed(`The model gave a ${value.constructor.name}, which JSON has no form for.`);
  return nestedOf({ dtype, shape: [(value as Float64Array).length], data: value as Float64Array }, form);
}

/** Bytes by their name: TensorFlow Serving has all outputs that are called so as base64. */
export function formOfName(name: string, form: ElementForm = 'json'): ElementForm {
  return form === 'json' && name.endsWith('_bytes') ? 'b64' : form;
}

function orFailed<T>(make: () => T): T {
  try {
    return make();
  } catch (cause) {
    if (!isModelkeepError(cause, 'validation')) throw cause;
    throw failed(`The model gave what is not of the type that it says: ${cause.message}`, cause);
  }
}

/** What a model gave cannot be told to who asked. */
export function failed(message: string, cause?: unknown): ModelkeepError {
  return new ModelkeepError('model-failed', message, cause === undefined ? {} : { cause });
}
