import { concatBytes, utf8 } from '../../core/bytes.ts';
import { stringifyTolerant } from '../../core/lossless-json.ts';
import { shown } from '../../core/shown.ts';
import { inferHeaderLength, readInferTensors, writeInferTensors } from '../../core/tensors/infer-tensors.ts';
import type { NamedTensor } from '../../core/tensors/tensor.ts';
import type { Prediction } from '../../serving/prediction.ts';
import { bytesAnswer, jsonType, type Answer } from '../answer.ts';
import { Refusal } from '../refusal.ts';
import { isObject } from './json-values.ts';
import { formOf } from './model-form.ts';
import { failed, tensorsOfOutput, tensorsOfRows } from './model-outputs.ts';
import { originHeaders, originOf, runPredictions, type PredictTarget } from './run-predictions.ts';
import { servedSignature } from './served-version.ts';
import { versionOf, type JsonObject, type ServingCall } from './serving-call.ts';
import { inputsOfTensors, rawTensor } from './tensor-inputs.ts';

const octets = 'application/octet-stream';

/** What a client asks for besides its inputs. */
interface InferRequest {
  readonly id: string | undefined;
  readonly tensors: readonly NamedTensor[];
  readonly parameters: JsonObject;
  readonly outputs: readonly RequestedOutput[] | undefined;
  /** Whether it sent one tensor as nothing but its bytes, and is answered so. */
  readonly raw: boolean;
}

interface RequestedOutput {
  readonly name: string;
  readonly binary: boolean | undefined;
}

/** `POST /v2/models/{model}[/versions/{version}]/infer` */
export async function infer(call: ServingCall, model: string, versionInPath: string | undefined): Promise<Answer> {
  await call.permit('call', model, 'predict');
  const deployment = call.deployment(model);
  const fromHeaders = call.predictOptions(versionOf(versionInPath));
  const { json, binary } = await split(call);
  // Of the version in use until the parameters name another.
  const parameters = json === undefined ? {} : objectOr(json['parameters'], 'parameters');
  const options = { ...fromHeaders, ...optionsOf(parameters, versionInPath !== undefined) };
  const signature = await servedSignature(deployment, options.version, call.request);
  const asked = json === undefined ? { ...rawRequest, tensors: [rawTensor(signature, binary)] } : readRequest(json, parameters, binary);
  const form = formOf(signature);
  const target: PredictTarget = { call, deployment, options };
  const predictions = await runPredictions(target, inputsOfTensors(form, asked.tensors, call.service.limits.rows));
  const outputs = predictions.map(({ output }) => output);
  const tensors = form.kind === 'tensors' ? tensorsOfOutput(outputs[0], signature?.output) : tensorsOfRows(outputs, signature?.output);
  return answer(model, asked, chosen(tensors, asked.outputs), predictions);
}

/** The JSON of a body and what follows it; no JSON for a body that is the bytes of one tensor. */
async function split(call: ServingCall): Promise<{ json: JsonObject | undefined; binary: Uint8Array }> {
  call.expectType(octets);
  const announced = call.request.header(inferHeaderLength);
  const bytes = await call.bytes();
  if (announced === undefined) {
    if (call.contentType === octets) throw invalid(`A body of ${octets} needs the header ${inferHeaderLength}: how many of its bytes are JSON.`);
    return { json: call.objectOf(bytes), binary: new Uint8Array() };
  }
  if (!/^\d{1,15}$/.test(announced) || Number(announced) > bytes.length) throw invalid(`${inferHeaderLength} is ${shown(announced, 40)}; it must be a number of bytes that the body has, ${bytes.length} in all.`);
  const length = Number(announced);
  return { json: length === 0 ? undefined : call.objectOf(bytes.subarray(0, length)), binary: bytes.subarray(length) };
}

/** What the parameters of a request say of how the prediction is to be made. */
function optionsOf(parameters: JsonObject, versionInPath: boolean): { key?: string; version?: number; id?: string; timeout?: number } {
  const { key, version, modelkeep_id: id, timeout } = parameters;
  if (key !== undefined && typeof key !== 'string') throw invalid('parameters.key must be a text.');
  if (id !== undefined && (typeof id !== 'string' || id === '' || id.length > 200)) throw invalid('parameters.modelkeep_id must be a text of at most 200 characters.');
  if (version !== undefined && typeof version !== 'string' && typeof version !== 'number') throw invalid('parameters.version must be a version.');
  if (timeout !== undefined && !(Number.isSafeInteger(timeout) && (timeout as number) >= 0)) throw invalid('parameters.timeout must be a number of microseconds.');
  return {
    ...(key !== undefined && { key }),
    ...(id !== undefined && { id }),
    ...(version !== undefined && !versionInPath && { version: versionOf(String(version))! }),
    // As Triton has it: microseconds, and 0 is none.
    ...(timeout !== undefined && timeout !== 0 && { timeout: (timeout as number) / 1000 }),
  };
}

function readRequest({ id, inputs, outputs }: JsonObject, parameters: JsonObject, binary: Uint8Array): InferRequest {
  if (id !== undefined && typeof id !== 'string') throw invalid('id must be a text.');
  return { id, parameters, raw: false, tensors: readInferTensors(inputs, binary, 'inputs'), outputs: outputs === undefined ? undefined : requestedOutputs(outputs) };
}

function requestedOutputs(outputs: unknown): RequestedOutput[] {
  if (!Array.isArray(outputs)) throw invalid('outputs must be a list of outputs.');
  const names = new Set<string>();
  return outputs.map((output: unknown, i) => {
    if (!isObject(output) || typeof output['name'] !== 'string') throw invalid(`outputs[${i}].name must be a text.`);
    // A small request must not be answered with the same output a million times.
    if (names.has(output['name'])) throw invalid(`outputs[${i}].name is ${shown(output['name'], 80)}, which is asked for already.`);
    names.add(output['name']);
    const { binary_data: binary, classification } = objectOr(output['parameters'], `outputs[${i}].parameters`);
    if (binary !== undefined && typeof binary !== 'boolean') throw invalid(`outputs[${i}].parameters.binary_data must be true or false.`);
    if (classification !== undefined) throw new Refusal(501, 'unsupported', `outputs[${i}].parameters.classification is not served; ask for the output and take its largest values.`);
    return { name: output['name'], binary };
  });
}

/** What a body of nothing but the bytes of its input asks for. */
const rawRequest = { id: undefined, parameters: {}, raw: true, outputs: undefined } as const;

/** The outputs that are asked for, in their order. */
function chosen(tensors: readonly NamedTensor[], outputs: readonly RequestedOutput[] | undefined): readonly NamedTensor[] {
  return outputs === undefined || outputs.length === 0
    ? tensors
    : outputs.map(({ name }) => {
        const found = tensors.find((tensor) => tensor.name === name);
        if (found === undefined) throw invalid(`The model has no output ${shown(name, 80)}; it gave ${tensors.map((tensor) => tensor.name).join(', ')}.`);
        return found;
      });
}

function answer(model: string, { id, parameters, outputs, raw }: InferRequest, tensors: readonly NamedTensor[], predictions: readonly Prediction[]): Answer {
  const all = raw || parameters['binary_data_output'] === true;
  const asked = new Map(outputs?.map(({ name, binary }) => [name, binary]));
  const { json, binary } = unserved(() => writeInferTensors(tensors, (name) => asked.get(name) ?? all, 'outputs'));
  const { version, reason, ids } = originOf(predictions);
  const head = {
    model_name: model,
    model_version: String(predictions[0]!.version),
    ...(id !== undefined && { id }),
    parameters: { modelkeep_version: version, modelkeep_reason: reason, ...(ids !== undefined && { modelkeep_id: ids }) },
    outputs: json,
  };
  const text = utf8(stringifyTolerant(head));
  const headers = originHeaders(predictions);
  if (binary.length === 0) return bytesAnswer(200, jsonType, text, headers);
  return bytesAnswer(200, octets, concatBytes([text, ...binary]), { ...headers, [inferHeaderLength]: String(text.length) });
}

/** What a model gave and the protocol has no form for is the model's fault. */
function unserved<T>(write: () => T): T {
  try {
    return write();
  } catch (cause) {
    throw failed(`The model gave what the Open Inference Protocol has no form for: ${(cause as Error).message}`, cause);
  }
}

function objectOr(value: unknown, path: string): JsonObject {
  if (value === undefined) return {};
  if (!isObject(value)) throw invalid(`${path} must be an object.`);
  return value;
}

function invalid(message: string): Refusal {
  return new Refusal(400, 'validation', message);
}
