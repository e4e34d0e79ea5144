import { shapeOfNested, tensorOfNested, bytesOfB64 } from '../../core/tensors/tensor-values.ts';
import { elementCount, type Tensor } from '../../core/tensors/tensor.ts';
import type { TensorSpec, TensorsSpec } from '../../core/signature/model-signature.ts';
import { shown } from '../../core/shown.ts';
import { Refusal } from '../refusal.ts';
import { isObject, ownFields } from './json-values.ts';
import type { ModelForm } from './model-form.ts';

/** What a request asks: each input is one call of the model. */
export interface ModelInputs {
  readonly inputs: readonly unknown[];
  /** How many rows the request has; with tensors all of them are in one input. */
  readonly rows: number;
}

/** The inputs that a list of instances is. All of them must have the same names; of tensors the same shape, too. */
export function inputsOfInstances(form: ModelForm, instances: readonly unknown[]): ModelInputs {
  if (form.kind !== 'tensors') return { inputs: instances.map(plainValue), rows: instances.length };
  const { tensors } = form.spec;
  const named = isNamed(instances[0]);
  if (!named && tensors.length > 1) throw invalid('instances is a plain list, but expecting list of objects as multiple input tensors required as per tensorinfo_map');
  const odd = instances.findIndex((instance) => isNamed(instance) !== named);
  if (odd !== -1) throw invalid(`Expecting ${named ? 'object but got list' : 'value/list but got object'} at item ${odd} of input list`);
  const names = tensors.map(({ name }) => name).sort();
  if (named) instances.forEach((instance, i) => assertNames(instance as object, names, i));
  const stacked = tensors.map((spec) => stack(spec, named ? instances.map((instance) => (instance as Record<string, unknown>)[spec.name]) : instances));
  return { inputs: [modelTensors(form.spec, stacked)], rows: instances.length };
}

/** The inputs that columns are: tensors by their names, all in one call; or columns of rows, which are calls each. */
export function inputsOfColumns(form: ModelForm, inputs: unknown, maxRows: number): ModelInputs {
  if (form.kind === 'tensors') return { inputs: [modelTensors(form.spec, columnTensors(form.spec, inputs))], rows: 1 };
  if (form.kind === 'values' || !isNamed(inputs)) {
    if (!Array.isArray(inputs)) throw invalid(`inputs is ${shown(inputs, 80)}; it must be ${form.kind === 'values' ? 'a list of values' : 'an object of columns'}.`);
    assertRows(inputs.length, maxRows);
    return { inputs: inputs.map(plainValue), rows: inputs.length };
  }
  const columns = Object.entries(inputs as Record<string, unknown>);
  const rows = Array.isArray(columns[0]?.[1]) ? columns[0][1].length : 0;
  for (const [name, values] of columns) {
    if (!Array.isArray(values)) throw invalid(`inputs.${name} must be a list with a value for each row.`);
    if (values.length !== rows) throw invalid(`inputs.${name} has ${values.length} values where ${columns[0]![0]} has ${rows}.`);
  }
  if (rows === 0) throw invalid('inputs has no rows.');
  assertRows(rows, maxRows);
  return { inputs: rowsOf(columns as [string, unknown[]][], rows).map(plainValue), rows };
}

/** Columns as rows. */
export function rowsOf(columns: readonly (readonly [string, readonly unknown[]])[], rows: number): Record<string, unknown>[] {
  return Array.from({ length: rows }, (_, i) => ownFields(columns.map(([name, values]) => [name, values[i]])));
}

/** Refuses more rows than one request may have. */
export function assertRows(rows: number, most: number): void {
  if (rows > most) throw new Refusal(413, 'validation', `The request has ${rows} rows; at most ${most} are taken at once.`, { details: { limit: most } });
}

/** Tensors as a model takes them: by their names; or in order, one of them alone. */
export function modelTensors({ by, tensors: specs }: TensorsSpec, tensors: readonly Tensor[]): unknown {
  if (by === 'name') return ownFields(specs.map(({ name }, i) => [name, tensors[i]]));
  return tensors.length === 1 ? tensors[0] : tensors;
}

/** JSON as a model takes it: `{ "b64": … }` is bytes. */
export function plainValue(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.some((item) => typeof item === 'object') ? value.map(plainValue) : value;
  const bytes = bytesOfB64(value);
  if (bytes !== undefined) return bytes;
  // Most rows have no object in them, and are given on as they came.
  for (const name in value) if (typeof (value as Record<string, unknown>)[name] === 'object') return ownFields(Object.entries(value).map(([field, item]) => [field, plainValue(item)]));
  return value;
}

/** Whether an instance names its values; bytes do not. */
function isNamed(value: unknown): boolean {
  return isObject(value) && !(typeof (value as { b64?: unknown }).b64 === 'string' && Object.keys(value).length === 1);
}

function assertNames(instance: object, names: readonly string[], i: number): void {
  const own = Object.keys(instance).sort();
  if (own.length === names.length && own.every((name, at) => name === names[at])) return;
  const unknown = own.find((name) => !names.includes(name));
  const problem = unknown === undefined ? `JSON object: ${shown(instance, 200)} keys must be equal to: ${names.join(',')}` : `JSON object: does not have named input: ${unknown}`;
  throw invalid(`Failed to process element: ${i} of 'instances' list. ${problem}`);
}

/** One tensor of many of the same shape, with a first dimension that counts them. */
function stack({ name, dtype }: TensorSpec, values: readonly unknown[]): Tensor {
  const inner = shapeOfNested(values[0]);
  const odd = values.findIndex((value) => shapeOfNested(value).join() !== inner.join());
  if (odd !== -1) throw invalid(`Failed to process element: ${odd} of 'instances' list. Error: Expecting shape [${inner.join()}] but got: [${shapeOfNested(values[odd]).join()}]`);
  const shape = [values.length, ...inner];
  return elementCount(shape) === 0 ? tensorOfNested(dtype, [], name, shape) : tensorOfNested(dtype, values, name);
}

function columnTensors({ tensors }: TensorsSpec, inputs: unknown): Tensor[] {
  if (!isNamed(inputs)) {
    const [only, ...others] = tensors;
    if (others.length > 0) throw invalid('inputs is a plain value/list, but expecting an object as multiple input tensors required as per tensorinfo_map');
    return [tensorOfNested(only!.dtype, inputs, only!.name)];
  }
  return tensors.map(({ name, dtype }) => {
    if (!Object.hasOwn(inputs as object, name)) throw invalid(`Missing named input: ${name} in 'inputs' object.`);
    return tensorOfNested(dtype, (inputs as Record<string, unknown>)[name], name);
  });
}

function invalid(message: string): Refusal {
  return new Refusal(400, 'validation', message);
}
