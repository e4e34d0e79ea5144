import { fromUtf8, fromBase64, toBase64, utf8 } from '../../core/bytes.ts';
import { ModelkeepError } from '../../core/errors.ts';
import { parseTolerant, stringifyTolerant } from '../../core/lossless-json.ts';
import { nestedOf } from '../../core/tensors/tensor-values.ts';
import type { Tensor } from '../../core/tensors/tensor.ts';
import type { RemoteAnswer } from './remote-call.ts';
import type { RemoteBody } from './remote-format.ts';

/** A body of JSON, with NaN, infinities and integers of 64 bits as they are. */
export function jsonBody(value: unknown): RemoteBody {
  return { bytes: utf8(stringifyTolerant(value)), headers: { 'content-type': 'application/json' } };
}

/** The JSON of an answer. Throws `ModelkeepError` of code `model-failed` when it has none. */
export function jsonOf({ what, bytes }: RemoteAnswer): unknown {
  try {
    return parseTolerant(fromUtf8(bytes));
  } catch (cause) {
    throw noAnswer(what, `is no JSON`, cause);
  }
}

/** What is said of an answer that is none. */
export function noAnswer(what: string, why: string, cause?: unknown): ModelkeepError {
  return new ModelkeepError('model-failed', `${what} has an answer that ${why}.`, { cause });
}

/** Whether a value is a tensor. */
export function isTensor(value: unknown): value is Tensor {
  const { dtype, shape, data } = (value ?? {}) as Partial<Tensor>;
  return typeof dtype === 'string' && Array.isArray(shape) && (Array.isArray(data) || ArrayBuffer.isView(data));
}

/** A value as TensorFlow Serving takes it: bytes as `{ "b64": … }`, and tensors as nested lists. */
export function tensorflowValue(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Uint8Array) return { b64: toBase64(value) };
  if (ArrayBuffer.isView(value)) return value;
  if (isTensor(value)) return nestedOf(value);
  if (Array.isArray(value)) return value.some((item) => typeof item === 'object' && item !== null) ? value.map(tensorflowValue) : value;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, tensorflowValue(field)]));
}

/** The same backwards: `{ "b64": … }` are bytes. */
export function plainValue(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.some((item) => typeof item === 'object' && item !== null) ? value.map(plainValue) : value;
  const entries = Object.entries(value);
  const [only] = entries;
  if (entries.length === 1 && only![0] === 'b64' && typeof only![1] === 'string') {
    try {
      return fromBase64(only![1]);
    } catch {
      return value;
    }
  }
  return Object.fromEntries(entries.map(([name, field]) => [name, plainValue(field)]));
}
