import { ValidationError } from '../errors.ts';
import { shown } from '../shown.ts';
import { bytesOfTensor, tensorOfBytes } from './tensor-bytes.ts';
import { elementType, tensorTypeOf } from './tensor-types.ts';
import { flatOf, tensorOfNested } from './tensor-values.ts';
import { elementCount, type NamedTensor, type Tensor } from './tensor.ts';

/** The header of the Open Inference Protocol that says how many bytes of a body are JSON; the tensors' bytes follow. */
export const inferHeaderLength = 'inference-header-content-length';

/** A tensor of an `infer` call as its JSON has it. */
export interface InferTensor {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  readonly parameters?: { readonly binary_data_size: number } | undefined;
  readonly data?: readonly unknown[] | undefined;
}

// More dimensions than any framework has.
const maxRank = 32;
// A shape with a 0 has no elements, however long the lists of nothing before it.
const maxEmptyLists = 65_536;

/**
 * The tensors of a request or an answer of the Open Inference Protocol: each has its elements in `data`, nested or flat, or as many bytes of `binary` as its `binary_data_size` says, in their order. Throws
 * `ValidationError` for tensors that contradict themselves or each other; whatever they claim, nothing is allocated beyond what is there.
 */
export function readInferTensors(list: unknown, binary: Uint8Array, path: string): NamedTensor[] {
  if (!Array.isArray(list)) throw new ValidationError(`${path} is ${shown(list, 80)}; it must be a list of tensors.`, { path });
  let at = 0;
  const names = new Set<string>();
  const tensors = list.map((item: unknown, i) => {
    const { name, datatype, shape, size, data } = readHead(item, `${path}[${i}]`);
    if (names.has(name)) throw new ValidationError(`${path}[${i}].name is ${shown(name, 80)}, which another has already.`, { path: `${path}[${i}].name` });
    names.add(name);
    const dtype = tensorTypeOf(datatype);
    const place = `${path}[${i}] (${shown(name, 80)})`;
    if (dtype === undefined) throw new ValidationError(`${place} has the datatype ${shown(datatype, 80)}, which is not known.`, { path: `${path}[${i}].datatype` });
    if (size === undefined) return { name, tensor: tensorOfNested(dtype, data, place, shape) };
    if (size > binary.length - at) throw new ValidationError(`${place} has a binary_data_size of ${size}; ${binary.length - at} bytes are left.`, { path: `${path}[${i}]` });
    const tensor = tensorOfBytes(dtype, shape, binary.subarray(at, at + size), place);
    at += size;
    return { name, tensor };
  });
  if (at !== binary.length) throw new ValidationError(`${path} take ${at} bytes behind the JSON; there are ${binary.length}.`, { path });
  return tensors;
}

function readHead(item: unknown, path: string): { name: string; datatype: string; shape: number[]; size: number | undefined; data: unknown } {
  if (typeof item !== 'object' || item === null || Array.isArray(item)) throw new ValidationError(`${path} is ${shown(item, 80)}; it must be a tensor.`, { path });
  const { name, datatype, shape, parameters, data } = item as Readonly<Record<string, unknown>>;
  if (typeof name !== 'string') throw new ValidationError(`${path}.name must be a text.`, { path: `${path}.name` });
  if (typeof datatype !== 'string') throw new ValidationError(`${path}.datatype must be a text, such as "FP32".`, { path: `${path}.datatype` });
  const size = typeof parameters === 'object' && parameters !== null && Object.hasOwn(parameters, 'binary_data_size') ? (parameters as { binary_data_size: unknown }).binary_data_size : undefined;
  if (size !== undefined && !(Number.isSafeInteger(size) && (size as number) >= 0)) {
    throw new ValidationError(`${path}.parameters.binary_data_size is ${shown(size, 80)}; it must be a number of bytes.`, { path: `${path}.parameters.binary_data_size` });
  }
  if ((size === undefined) === (data === undefined)) throw new ValidationError(`${path} must have either data or a binary_data_size.`, { path });
  return { name, datatype, shape: checkShape(shape, `${path}.shape`), size: size as number | undefined, data };
}

function checkShape(shape: unknown, path: string): number[] {
  if (!Array.isArray(shape) || shape.length > maxRank || !shape.every((size) => Number.isSafeInteger(size) && size >= 0)) {
    throw new ValidationError(`${path} is ${shown(shape, 80)}; it must be a list of at most ${maxRank} sizes.`, { path });
  }
  const empty = shape.indexOf(0);
  const lists = elementCount(empty === -1 ? shape : shape.slice(0, empty));
  if (!Number.isSafeInteger(lists) || (empty !== -1 && lists > maxEmptyLists)) throw new ValidationError(`${path} is ${shown(shape, 80)}, which is larger than anything that can be held.`, { path });
  return shape as number[];
}

/** Tensors as the JSON of a call has them, and the bytes that follow it for those that `isBinary` says are to be bytes. */
export function writeInferTensors(tensors: readonly NamedTensor[], isBinary: (name: string) => boolean, path: string): { json: InferTensor[]; binary: Uint8Array[] } {
  const binary: Uint8Array[] = [];
  const json = tensors.map(({ name, tensor }, i): InferTensor => {
    const head = { name, datatype: wireType(tensor, `${path}[${i}]`), shape: tensor.shape };
    if (!isBinary(name)) return { ...head, data: flatOf(tensor) };
    const bytes = bytesOfTensor(tensor, `${path}[${i}]`);
    binary.push(bytes);
    return { ...head, parameters: { binary_data_size: bytes.length } };
  });
  return { json, binary };
}

function wireType({ dtype }: Tensor, path: string): string {
  const type = elementType(dtype);
  if (type === undefined) throw new ValidationError(`${path} is of ${dtype}, which the Open Inference Protocol has no name for.`, { path });
  return type.wire;
}
