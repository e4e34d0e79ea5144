import type { ModelSignature } from '../../core/signature/model-signature.ts';
import { tensorOfBytes, textOf } from '../../core/tensors/tensor-bytes.ts';
import { elementType } from '../../core/tensors/tensor-types.ts';
import { nestedOf } from '../../core/tensors/tensor-values.ts';
import { elementCount, type NamedTensor } from '../../core/tensors/tensor.ts';
import { Refusal } from '../refusal.ts';
import { assertRows, modelTensors, rowsOf, type ModelInputs } from './json-inputs.ts';
import { isScalar, type ModelForm } from './model-form.ts';
import { tensorInfos } from './tensorflow-metadata.ts';

/** The inputs that tensors of the Open Inference Protocol are: themselves, or the rows that their first dimension counts. */
export function inputsOfTensors(form: ModelForm, tensors: readonly NamedTensor[], maxRows: number): ModelInputs {
  if (form.kind === 'tensors') {
    const { tensors: specs } = form.spec;
    const unknown = tensors.find(({ name }) => !specs.some((spec) => spec.name === name));
    if (unknown !== undefined) throw invalid(`The model has no input '${unknown.name}'; it has ${specs.map(({ name }) => name).join(', ')}.`);
    const found = specs.map(({ name }) => {
      const tensor = tensors.find((each) => each.name === name)?.tensor;
      if (tensor === undefined) throw invalid(`The input '${name}' is missing.`);
      return tensor;
    });
    return { inputs: [modelTensors(form.spec, found)], rows: 1 };
  }
  const rows = rowCount(tensors, maxRows);
  if (form.kind === 'values') {
    if (tensors.length !== 1) throw invalid(`The model takes one input, whose first dimension counts the rows; there are ${tensors.length}.`);
    return { inputs: columnOf(tensors[0]!, isScalar(form.spec)), rows };
  }
  const columns = tensors.map((tensor) => [tensor.name, columnOf(tensor, isScalar(form.columns.get(tensor.name)))] as const);
  return { inputs: rowsOf(columns, rows), rows };
}

/** The only input of a model, of which nothing but its bytes came: its shape is that of the signature, in which one dimension may be free. A text is all of the bytes. */
export function rawTensor(signature: ModelSignature | undefined, bytes: Uint8Array): NamedTensor {
  const [info, ...others] = tensorInfos(signature?.input, 'inputs');
  if (info?.shape === undefined || others.length > 0) throw invalid('Only a model with a signature of one input of a known shape takes a body of nothing but its bytes.');
  const { name, dtype, shape } = info;
  const fixed = elementCount(shape.filter((size) => size !== -1));
  const size = elementType(dtype)?.array?.BYTES_PER_ELEMENT;
  if (size === undefined) {
    if (fixed !== 1) throw invalid(`The input '${name}' has several texts; send it with its shape.`);
    return { name, tensor: { dtype, shape: shape.map(() => 1), data: [textOf(bytes)] } };
  }
  const free = shape.filter((each) => each === -1).length;
  if (free > 1) throw invalid(`The input '${name}' has ${free} dimensions of any size; send it with its shape.`);
  const count = Math.floor(bytes.length / Math.max(1, size * fixed));
  return { name, tensor: tensorOfBytes(dtype, shape.map((each) => (each === -1 ? count : each)), bytes, name) };
}

function rowCount(tensors: readonly NamedTensor[], maxRows: number): number {
  const rows = tensors[0]?.tensor.shape[0];
  if (rows === undefined || rows === 0) throw invalid('The model takes rows; the inputs must have a first dimension that counts them, and at least one row.');
  const other = tensors.find(({ tensor }) => tensor.shape[0] !== rows);
  if (other !== undefined) throw invalid(`The input '${other.name}' has the shape [${other.tensor.shape.join()}] where '${tensors[0]!.name}' has ${rows} rows.`);
  assertRows(rows, maxRows);
  return rows;
}

/** A value for each row. With `scalars`, those of a last dimension of 1 are values, too. */
function columnOf({ tensor }: NamedTensor, scalars: boolean): unknown[] {
  const { shape, dtype } = tensor;
  const flat = scalars && shape.length === 2 && shape[1] === 1 ? { ...tensor, shape: [shape[0]!] } : tensor;
  const values = nestedOf(flat, 'raw') as unknown[];
  return dtype === 'int64' || dtype === 'uint64' ? values.map(asNumber) : values;
}

/** Rows have numbers, and bigints only where a number would not be exact. */
function asNumber(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(asNumber);
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function invalid(message: string): Refusal {
  return new Refusal(400, 'validation', message);
}
