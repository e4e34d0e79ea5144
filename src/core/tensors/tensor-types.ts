import type { TensorType } from '../signature/model-signature.ts';
import type { TensorValues } from './tensor.ts';

type NumberArray = Exclude<TensorValues, readonly unknown[]>;

/** What makes the array of a type's elements. */
export interface ArrayMaker {
  readonly BYTES_PER_ELEMENT: number;
  new (length: number): NumberArray;
  new (buffer: ArrayBufferLike, offset: number, length: number): NumberArray;
}

/** How a type of elements is written. */
export interface ElementType {
  /** Its name in the Open Inference Protocol. */
  readonly wire: string;
  /** Its name in TensorFlow. */
  readonly tensorflow: string;
  /** The array of its elements; absent for texts. */
  readonly array?: ArrayMaker | undefined;
}

/** The types that are served. The Open Inference Protocol has no others. */
const types: ReadonlyMap<TensorType, ElementType> = /* @__PURE__ */ new Map<TensorType, ElementType>([
  ['bool', { wire: 'BOOL', tensorflow: 'DT_BOOL', array: Uint8Array }],
  ['int8', { wire: 'INT8', tensorflow: 'DT_INT8', array: Int8Array }],
  ['int16', { wire: 'INT16', tensorflow: 'DT_INT16', array: Int16Array }],
  ['int32', { wire: 'INT32', tensorflow: 'DT_INT32', array: Int32Array }],
  ['int64', { wire: 'INT64', tensorflow: 'DT_INT64', array: BigInt64Array }],
  ['uint8', { wire: 'UINT8', tensorflow: 'DT_UINT8', array: Uint8Array }],
  ['uint16', { wire: 'UINT16', tensorflow: 'DT_UINT16', array: Uint16Array }],
  ['uint32', { wire: 'UINT32', tensorflow: 'DT_UINT32', array: Uint32Array }],
  ['uint64', { wire: 'UINT64', tensorflow: 'DT_UINT64', array: BigUint64Array }],
  ['float16', { wire: 'FP16', tensorflow: 'DT_HALF', array: Uint16Array }],
  ['float32', { wire: 'FP32', tensorflow: 'DT_FLOAT', array: Float32Array }],
  ['float64', { wire: 'FP64', tensorflow: 'DT_DOUBLE', array: Float64Array }],
  ['string', { wire: 'BYTES', tensorflow: 'DT_STRING' }],
]);

const byWire: ReadonlyMap<string, TensorType> = /* @__PURE__ */ new Map([...types].map(([dtype, { wire }]) => [wire, dtype]));

/** How a type is written; `undefined` for one that no protocol has. */
export function elementType(dtype: TensorType): ElementType | undefined {
  return types.get(dtype);
}

/** The type that the Open Inference Protocol calls so; `undefined` when it calls none so. */
export function tensorTypeOf(wire: string): TensorType | undefined {
  return byWire.get(wire);
}
