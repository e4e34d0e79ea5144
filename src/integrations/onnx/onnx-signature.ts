import { ValidationError } from '../../core/errors.ts';
import { shown } from '../../core/shown.ts';
import { checkSignature } from '../../core/signature/check-signature.ts';
import type { ModelSignature } from '../../core/signature/model-signature.ts';

/** A session of ONNX Runtime 1.21 or later, by shape. */
export interface OnnxSession {
  /** What it takes. */
  readonly inputMetadata: readonly OnnxValueInfo[];
  /** What it gives. */
  readonly outputMetadata: readonly OnnxValueInfo[];
}

/** What a session tells of a value. */
export interface OnnxValueInfo {
  /** Its name in the model. */
  readonly name: string;
  /** Whether it is a tensor; sequences and maps are not. */
  readonly isTensor?: boolean | undefined;
  /** The type of its elements. */
  readonly type?: string | undefined;
  /** Its dimensions: a text, such as `batch`, where one is free. */
  readonly shape?: readonly (number | string | null)[] | undefined;
}

/**
 * The signature of an ONNX model, as a session of ONNX Runtime tells it: its input and output tensors by name, with their types and shapes. Symbolic dimensions
 * are free.
 *
 * Throws `ValidationError` for a session that does not tell (before ONNX Runtime 1.21), for values that are no tensors, such as the sequences of maps that
 * classifiers of scikit-learn give unless they are exported with `zipmap: False`, and for types of tensors that a signature does not have.
 *
 * @example
 * ```ts
 * import { onnxSignature } from 'modelkeep/onnx';
 *
 * // What a session has: `await ort.InferenceSession.create(bytes)`.
 * const session = {
 *   inputMetadata: [{ name: 'features', isTensor: true, type: 'float32', shape: ['batch', 3] }],
 *   outputMetadata: [{ name: 'score', isTensor: true, type: 'float32', shape: ['batch', 1] }],
 * };
 * console.log(onnxSignature(session).input); // { type: 'tensors', by: 'name', tensors: [ … shape: [ null, 3 ] ] }
 * ```
 */
export function onnxSignature(session: OnnxSession): ModelSignature {
  const side = (name: 'inputMetadata' | 'outputMetadata'): object => {
    const values = session[name] as readonly OnnxValueInfo[] | undefined;
    if (!Array.isArray(values) || values.length === 0) {
      throw new ValidationError(`session.${name} is ${shown(values)}: the session does not tell what it works on. Use ONNX Runtime 1.21 or later.`, { path: `session.${name}` });
    }
    return { type: 'tensors', by: 'name', tensors: (values as readonly OnnxValueInfo[]).map((value, i) => tensorOf(value, `session.${name}[${i}]`)) };
  };
  return checkSignature({ input: side('inputMetadata'), output: side('outputMetadata') }, 'session');
}

function tensorOf({ name, isTensor, type, shape }: OnnxValueInfo, path: string): object {
  if (isTensor === false) throw new ValidationError(`${path}, ${shown(name)}, is no tensor; export the model so that it works on tensors alone.`, { path });
  return { name, dtype: type, ...(shape && { shape: shape.map((size) => (typeof size === 'number' && size >= 0 ? size : null)) }) };
}
