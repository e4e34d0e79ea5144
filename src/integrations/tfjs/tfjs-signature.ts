import { ValidationError } from '../../core/errors.ts';
import { shown } from '../../core/shown.ts';
import { checkSignature } from '../../core/signature/check-signature.ts';
import type { ModelSignature } from '../../core/signature/model-signature.ts';

/** A model of TensorFlow.js, by shape: a layers model or a graph model. */
export interface TfjsModel {
  /** What it takes; `undefined` for a sequential model without layers. */
  readonly inputs?: readonly TfjsTensorInfo[] | undefined;
  /** What it gives. */
  readonly outputs?: readonly TfjsTensorInfo[] | undefined;
}

/** What a model of TensorFlow.js tells of a tensor. */
export interface TfjsTensorInfo {
  /** Its name in the model. */
  readonly name: string;
  /** The type of its elements. */
  readonly dtype: string;
  /** Its dimensions: `null` or -1 where one is free; `undefined` where the graph does not tell. */
  readonly shape?: readonly (number | null)[] | undefined;
}

/**
 * The signature of a model of TensorFlow.js: its input and output tensors with their types and shapes. Those of a layers model are told apart by their places,
 * since their names are counted up by each model that a process makes; those of a graph model by their names.
 *
 * Throws `ValidationError` for a sequential model without layers, and for types of tensors that a signature does not have.
 *
 * @example
 * ```ts
 * import { tfjsSignature } from 'modelkeep/tfjs';
 *
 * // What `tf.sequential({ layers: [tf.layers.dense({ inputShape: [3], units: 1 })] })` has.
 * const model = {
 *   inputs: [{ name: 'dense_Dense1_input', dtype: 'float32', shape: [null, 3] }],
 *   outputs: [{ name: 'dense_Dense1/BiasAdd', dtype: 'float32', shape: [null, 1] }],
 * };
 * console.log(tfjsSignature(model).input); // { type: 'tensors', by: 'position', tensors: [ … shape: [ null, 3 ] ] }
 * ```
 */
export function tfjsSignature(model: TfjsModel): ModelSignature {
  // Only graph models run asynchronously: they have control flow.
  const by = typeof (model as { executeAsync?: unknown }).executeAsync === 'function' ? 'name' : 'position';
  const side = (name: 'inputs' | 'outputs'): object => {
    const tensors = model[name];
    if (!Array.isArray(tensors) || tensors.length === 0) {
      throw new ValidationError(`model.${name} is ${shown(tensors)}: the model does not know its ${name}. Add its layers first, with an inputShape.`, { path: `model.${name}` });
    }
    return { type: 'tensors', by, tensors: (tensors as readonly TfjsTensorInfo[]).map(({ name: tensor, dtype, shape }) => ({ name: tensor, dtype, ...(shape && { shape: shape.map(dimension) }) })) };
  };
  return checkSignature({ input: side('inputs'), output: side('outputs') }, 'model');
}

function dimension(size: number | null): number | null {
  return size === null || size < 0 ? null : size;
}
