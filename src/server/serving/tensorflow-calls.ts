import { isModelkeepError } from '../../core/errors.ts';
import { nestedOf } from '../../core/tensors/tensor-values.ts';
import type { NamedTensor } from '../../core/tensors/tensor.ts';
import type { Prediction } from '../../serving/prediction.ts';
import { jsonAnswer, type Answer } from '../answer.ts';
import { Refusal } from '../refusal.ts';
import { assertRows, inputsOfColumns, inputsOfInstances, type ModelInputs } from './json-inputs.ts';
import { ownFields } from './json-values.ts';
import { formOf } from './model-form.ts';
import { areRows, columnNames, failed, formOfName, tensorsOfOutput, wireValue } from './model-outputs.ts';
import { originHeaders, runPredictions, type PredictTarget } from './run-predictions.ts';
import type { ServedDeployment } from './served-deployment.ts';
import { isReady, servedSignature } from './served-version.ts';
import { tolerantAnswer, versionOf, type JsonObject, type ServingCall } from './serving-call.ts';
import { classifications, exampleInputs, regressions } from './tensorflow-examples.ts';
import { signatureDefOf } from './tensorflow-metadata.ts';
import { statusesOf } from './tensorflow-status.ts';

/** Which version a path of TensorFlow Serving names. */
export interface TensorflowTarget {
  readonly model: string;
  readonly version?: string | undefined;
  readonly label?: string | undefined;
}

/** The one signature that a model has. */
const defaultSignature = 'serving_default';

/** `POST /v1/models/{model}[/versions/{version}|/labels/{label}]:predict|classify|regress` */
export async function tensorflowPredict(call: ServingCall, path: TensorflowTarget, method: 'predict' | 'classify' | 'regress'): Promise<Answer> {
  const permitting = call.permit('call', path.model, 'predict');
  if (permitting instanceof Promise) await permitting;
  const deployment = call.deployment(path.model, `Servable not found for request: ${servable(path)}`);
  const options = call.predictOptions(path.label === undefined ? versionOf(path.version) : await labelled(call, deployment, path.label));
  const body = await call.object();
  checkSignature(body);
  const target: PredictTarget = { call, deployment, options };
  try {
    return await (method === 'predict' ? predict(target, body) : examples(target, body, method));
  } catch (error) {
    if (isModelkeepError(error, 'not-found')) throw new Refusal(404, 'not-found', `Servable not found for request: ${servable(path)}`, { cause: error });
    throw error;
  }
}

/** `GET /v1/models/{model}[/versions/{version}|/labels/{label}]` */
export async function tensorflowStatus(call: ServingCall, path: TensorflowTarget): Promise<Answer> {
  await call.permit('read', path.model);
  const deployment = call.deployment(path.model, `Could not find any versions of model ${path.model}`);
  const version = await resolved(call, deployment, path);
  const statuses = statusesOf(deployment.status().versions, version);
  if (statuses.length === 0) throw new Refusal(404, 'not-found', version === undefined ? `Could not find any versions of model ${path.model}` : `Could not find version ${version} of model ${path.model}`);
  return jsonAnswer({ model_version_status: statuses });
}

/** `GET /v1/models/{model}[/versions/{version}|/labels/{label}]/metadata` */
export async function tensorflowMetadata(call: ServingCall, path: TensorflowTarget): Promise<Answer> {
  await call.permit('read', path.model);
  const missing = `Servable not found for request: ${servable(path)}`;
  const deployment = call.deployment(path.model, missing);
  const version = (await resolved(call, deployment, path)) ?? deployment.status().stable;
  if (version === undefined || !isReady(deployment, version)) throw new Refusal(404, 'not-found', missing);
  return jsonAnswer({
    model_spec: { name: path.model, signature_name: '', version: String(version) },
    metadata: { signature_def: { signature_def: { [defaultSignature]: signatureDefOf(deployment.signature(version)) } } },
  });
}

/** The version that a path names. */
async function resolved(call: ServingCall, deployment: ServedDeployment, { version, label }: TensorflowTarget): Promise<number | undefined> {
  return label === undefined ? versionOf(version) : labelled(call, deployment, label);
}

/** The version that a label means. One that means nothing is at fault itself, as there. */
async function labelled({ request }: ServingCall, deployment: ServedDeployment, label: string): Promise<number> {
  try {
    return await deployment.resolve({ label }, { signal: request.signal });
  } catch (error) {
    if (!isModelkeepError(error, 'not-found', 'validation')) throw error;
    throw new Refusal(400, 'validation', `Unrecognized servable version label: ${label}`, { cause: error });
  }
}

function servable({ model, version }: TensorflowTarget): string {
  return version === undefined ? `Latest(${model})` : `Specific(${model}, ${version})`;
}

function checkSignature({ signature_name: name = '' }: JsonObject): void {
  if (typeof name !== 'string') throw new Refusal(400, 'validation', "JSON Value: not formatted correctly. 'signature_name' key must be a string value.");
  if (name !== '' && name !== defaultSignature) throw new Refusal(400, 'validation', `Serving signature name: "${name.slice(0, 200)}" not found in signature def`);
}

async function predict(target: PredictTarget, { instances, inputs }: JsonObject): Promise<Answer> {
  const { deployment, options, call } = target;
  const reading = servedSignature(deployment, options.version, call.request);
  const signature = reading instanceof Promise ? await reading : reading;
  const form = formOf(signature);
  const columnar = instances === undefined;
  if (columnar && inputs === undefined) throw new Refusal(400, 'validation', "Missing 'inputs' or 'instances' key");
  if (!columnar && inputs !== undefined) throw new Refusal(400, 'validation', "JSON Value: Not formatted correctly expecting only one of 'inputs' or 'instances' keys to exist ");
  const asked = columnar ? inputsOfColumns(form, inputs, call.service.limits.rows) : inputsOfInstances(form, instanceList(instances, call));
  const predictions = await runPredictions(target, asked);
  const outputs = predictions.map(({ output }) => output);
  if (form.kind === 'tensors') {
    const tensors = tensorsOfOutput(outputs[0], signature?.output);
    return answer(predictions, columnar ? { outputs: columnarTensors(tensors) } : { predictions: rowsOfTensors(tensors, asked) });
  }
  return answer(predictions, columnar ? { outputs: columnarRows(outputs) } : { predictions: predictionsOf(outputs) });
}

function instanceList(instances: unknown, { service: { limits } }: ServingCall): readonly unknown[] {
  if (!Array.isArray(instances)) throw new Refusal(400, 'validation', "JSON Value: Excepting 'instances' to be an list/array");
  if (instances.length === 0) throw new Refusal(400, 'validation', "JSON Value: No values in 'instances' array");
  assertRows(instances.length, limits.rows);
  return instances;
}

/** One output is told as its values, several as objects of them. */
function predictionsOf(outputs: readonly unknown[]): unknown[] {
  const name = onlyName(outputs);
  return name === undefined ? outputs.map((output) => wireValue(output, 'json')) : outputs.map((output) => wireValue((output as Record<string, unknown>)[name], formOfName(name)));
}

function columnarRows(outputs: readonly unknown[]): unknown {
  if (!areRows(outputs) || onlyName(outputs) !== undefined) return predictionsOf(outputs);
  return ownFields(columnNames(outputs).map((name) => [name, outputs.map((output) => wireValue(Object.hasOwn(output, name) ? output[name] : null, formOfName(name)))]));
}

function onlyName(outputs: readonly unknown[]): string | undefined {
  if (!areRows(outputs)) return undefined;
  const names = columnNames(outputs);
  return names.length === 1 ? names[0] : undefined;
}

function columnarTensors(tensors: readonly NamedTensor[]): unknown {
  const values = tensors.map(({ name, tensor }): [string, unknown] => [name, nestedOf(tensor, formOfName(name))]);
  return values.length === 1 ? values[0]![1] : ownFields(values);
}

function rowsOfTensors(tensors: readonly NamedTensor[], { rows }: ModelInputs): unknown[] {
  for (const { name, tensor } of tensors) {
    const [size] = tensor.shape;
    if (size === undefined) throw failed(`Tensor name: ${name} has no shape information `);
    if (size !== rows) throw failed(`Tensor name: ${name} has inconsistent batch size: ${size} expecting: ${rows}`);
  }
  const columns = tensors.map(({ name, tensor }): [string, unknown[]] => [name, nestedOf(tensor, formOfName(name)) as unknown[]]);
  if (columns.length === 1) return columns[0]![1];
  return Array.from({ length: rows }, (_, i) => ownFields(columns.map(([name, values]) => [name, values[i]])));
}

async function examples(target: PredictTarget, body: JsonObject, method: 'classify' | 'regress'): Promise<Answer> {
  const { call, deployment, options } = target;
  const reading = servedSignature(deployment, options.version, call.request);
  const signature = reading instanceof Promise ? await reading : reading;
  const form = formOf(signature);
  const asked = exampleInputs(form, body, method, call.service.limits.rows);
  const predictions = await runPredictions(target, asked);
  const outputs =
    form.kind === 'tensors'
      ? rowsOfNamed(tensorsOfOutput(predictions[0]!.output, signature?.output), asked)
      : predictions.map(({ output }) => wireValue(output, 'json'));
  return answer(predictions, { results: method === 'classify' ? classifications(outputs) : regressions(outputs) });
}

/** Rows that keep the names of their tensors, even of a single one. */
function rowsOfNamed(tensors: readonly NamedTensor[], asked: ModelInputs): unknown[] {
  const rows = rowsOfTensors(tensors, asked);
  return tensors.length === 1 ? rows.map((row) => ({ [tensors[0]!.name]: row })) : rows;
}

function answer(predictions: readonly Prediction[], body: object): Answer {
  return tolerantAnswer(body, originHeaders(predictions));
}
