import { concatBytes } from '../../core/bytes.ts';
import { isModelkeepError, ValidationError } from '../../core/errors.ts';
import { shown } from '../../core/shown.ts';
import { inferHeaderLength, readInferTensors, writeInferTensors } from '../../core/tensors/infer-tensors.ts';
import type { NamedTensor, Tensor } from '../../core/tensors/tensor.ts';
import type { RemoteAnswer } from './remote-call.ts';
import type { RemoteBody, RemoteFormat } from './remote-format.ts';
import { isTensor, jsonBody, jsonOf, noAnswer } from './wire-json.ts';

/** How a server of the Open Inference Protocol is asked. */
export interface OpenInferenceTerms {
  readonly base: string;
  readonly model: string;
  readonly version: string | undefined;
  readonly binary: boolean;
}

/** Version 2 of the Open Inference Protocol over HTTP, with Triton's extension for tensors as bytes. */
export function openInferenceFormat({ base, model, version, binary }: OpenInferenceTerms): RemoteFormat {
  const place = `${base}/v2/models/${model}${version === undefined ? '' : `/versions/${version}`}`;
  return {
    predictUrl: `${place}/infer`,
    // Servers disagree about its body: its status says all.
    readyUrl: `${place}/ready`,
    batches: false,
    encode: ([input]) => bodyOf(tensorsOf(input), binary),
    decode: (answer) => [outputsOf(answer)],
  };
}

function tensorsOf(input: unknown): NamedTensor[] {
  const entries = typeof input === 'object' && input !== null && !isTensor(input) ? Object.entries(input) : [];
  const odd = entries.find(([, tensor]) => !isTensor(tensor));
  if (entries.length === 0 || odd) {
    throw new ValidationError(`The input ${odd ? `'${odd[0]}' is ${shown(odd[1], 80)}` : `is ${shown(input, 80)}`}; the Open Inference Protocol takes tensors by name, such as { image: { dtype: 'float32', shape: [1, 4], data } }. Make them in options.input.`, { path: odd ? `input.${odd[0]}` : 'input' });
  }
  return entries.map(([name, tensor]) => ({ name, tensor: tensor as Tensor }));
}

function bodyOf(tensors: readonly NamedTensor[], binary: boolean): RemoteBody {
  const written = writeInferTensors(tensors, () => binary, 'inputs');
  const json = jsonBody({ inputs: written.json, ...(binary && { parameters: { binary_data_output: true } }) });
  if (written.binary.length === 0) return json;
  return { bytes: concatBytes([json.bytes, ...written.binary]), headers: { 'content-type': 'application/octet-stream', [inferHeaderLength]: String(json.bytes.length) } };
}

function outputsOf(answer: RemoteAnswer): Record<string, Tensor> {
  const length = answer.headers.get(inferHeaderLength);
  const end = length === null ? answer.bytes.length : Number(length);
  if (!Number.isSafeInteger(end) || end < 0 || end > answer.bytes.length) throw noAnswer(answer.what, `claims ${shown(length, 40)} bytes of JSON and has ${answer.bytes.length} bytes`);
  const { outputs } = (jsonOf({ ...answer, bytes: answer.bytes.subarray(0, end) }) ?? {}) as { readonly outputs?: unknown };
  try {
    const tensors = readInferTensors(outputs, answer.bytes.subarray(end), 'outputs');
    return Object.fromEntries(tensors.map(({ name, tensor }) => [name, tensor]));
  } catch (error) {
    // Not the caller's input, but what the server says.
    if (isModelkeepError(error, 'validation')) throw noAnswer(answer.what, `is no answer of the Open Inference Protocol: ${error.message.replace(/\.$/, '')}`, error);
    throw error;
  }
}
