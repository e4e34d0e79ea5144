import type { Answer } from '../answer.ts';
import { bytesAnswer, jsonAnswer, jsonType } from '../answer.ts';
import { Refusal } from '../refusal.ts';
import { assertRows, inputsOfColumns, plainValue, type ModelInputs } from './json-inputs.ts';
import { formOf, type ModelForm } from './model-form.ts';
import { wireValue } from './model-outputs.ts';
import { allReady } from './open-inference-calls.ts';
import { originHeaders, runPredictions } from './run-predictions.ts';
import { servedSignature } from './served-version.ts';
import { tolerantAnswer, versionOf, type ServingCall } from './serving-call.ts';
import { inputsOfTensors, rawTensor } from './tensor-inputs.ts';

/** `GET /ping` */
export function ping(call: ServingCall): Answer {
  return allReady(call) ? jsonAnswer({ status: 'Healthy' }) : jsonAnswer({ status: 'Unhealthy' }, { status: 500 });
}

/**
 * `POST /predictions/{model}[/{version}]`: JSON is what the model is asked, a list of rows each of them; anything else is the bytes of its only tensor, or given to it as they are. The answer is what the model gave,
 * bytes as they are and anything else as JSON.
 */
export async function torchservePredict(call: ServingCall, model: string, versionInPath: string | undefined): Promise<Answer> {
  await call.permit('call', model, 'predict');
  const deployment = call.deployment(model, `Model not found: ${model}`);
  const options = call.predictOptions(versionOf(versionInPath));
  const type = call.contentType;
  if (type.startsWith('multipart/')) throw new Refusal(415, 'unsupported', 'A body of several parts is not taken; send one input as it is.');
  const bytes = await call.bytes();
  const signature = await servedSignature(deployment, options.version, call.request);
  const form = formOf(signature);
  const isJson = type === jsonType || type === '' || type === 'application/x-www-form-urlencoded';
  const value = isJson ? call.parse(bytes) : undefined;
  const several = isJson && form.kind === 'rows' && Array.isArray(value);
  const asked: ModelInputs =
    isJson ? jsonInputs(form, value, call.service.limits.rows)
    : form.kind === 'tensors' ? inputsOfTensors(form, [rawTensor(signature, bytes)], 1)
    : { inputs: [bytes], rows: 1 };
  const predictions = await runPredictions({ call, deployment, options }, asked);
  const headers = originHeaders(predictions);
  const { output } = predictions[0]!;
  if (output instanceof Uint8Array && !several) return bytesAnswer(200, 'application/octet-stream', output, headers);
  return tolerantAnswer(several ? predictions.map((prediction) => wireValue(prediction.output, 'json')) : wireValue(output, 'json'), headers);
}

function jsonInputs(form: ModelForm, value: unknown, maxRows: number): ModelInputs {
  if (form.kind === 'tensors') return inputsOfColumns(form, value, maxRows);
  if (form.kind === 'values' || !Array.isArray(value)) return { inputs: [plainValue(value)], rows: 1 };
  if (value.length === 0) throw new Refusal(400, 'validation', 'The body has no rows.');
  assertRows(value.length, maxRows);
  return { inputs: value.map(plainValue), rows: value.length };
}
