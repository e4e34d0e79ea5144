import type { TensorType } from '../signature/model-signature.ts';

/** The elements of a tensor, in row-major order. Those of 16-bit floats are their bits; those of texts are texts, or bytes where they are no UTF-8. */
export type TensorValues =
  | Int8Array | Int16Array | Int32Array | BigInt64Array
  | Uint8Array | Uint16Array | Uint32Array | BigUint64Array
  | Float32Array | Float64Array
  | readonly (string | Uint8Array)[];

/**
 * A tensor as plain data, which is what a model that takes tensors is given by a serving handler. `new ort.Tensor(dtype, data, shape)` and `tf.tensor(data, shape, dtype)` make those of ONNX Runtime and TensorFlow.js of it.
 */
export interface Tensor {
  /** The type of its elements: `bool` are 0 and 1 in a `Uint8Array`, `int64` and `uint64` are bigints, `float16` are the bits of each in a `Uint16Array`, `string` are texts. */
  readonly dtype: TensorType;
  /** Its dimensions; none for a single value. */
  readonly shape: readonly number[];
  /** Its elements, the last dimension running fastest. */
  readonly data: TensorValues;
}

/** A tensor and its name. */
export interface NamedTensor {
  readonly name: string;
  readonly tensor: Tensor;
}

/** How many elements a shape has. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((count, size) => count * size, 1);
}
