import { elementType } from '../../core/tensors/tensor-types.ts';
import type { VersionState } from '../../serving/version-status.ts';
import { jsonAnswer, type Answer } from '../answer.ts';
import { Refusal } from '../refusal.ts';
import type { VersionStats } from './inference-stats.ts';
import { isObject } from './json-values.ts';
import type { ServedDeployment } from './served-deployment.ts';
import { isReady } from './served-version.ts';
import { versionOf, type ServingCall } from './serving-call.ts';
import { tensorInfos, type TensorInfo } from './tensorflow-metadata.ts';

/** States as Triton's repository has them. */
const states: Readonly<Record<VersionState, string>> = { loading: 'LOADING', warming: 'LOADING', ready: 'READY', draining: 'UNLOADING', unloaded: 'UNAVAILABLE', failed: 'UNAVAILABLE' };

const extensions = ['binary_tensor_data', 'model_repository', 'statistics'];

/** `GET /v2` */
export function serverMetadata(): Answer {
  return jsonAnswer({ name: 'modelkeep', version: '2', extensions });
}

/** `GET /v2/models/{model}[/versions/{version}]` */
export async function modelMetadata(call: ServingCall, model: string, versionInPath: string | undefined): Promise<Answer> {
  await call.permit('read', model);
  const deployment = call.deployment(model);
  const version = inMemory(deployment, versionInPath);
  const signature = version === undefined ? undefined : deployment.signature(version);
  const versions = deployment.status().versions.filter(({ state }) => state === 'ready').map((each) => each.version).sort((a, b) => a - b);
  return jsonAnswer({
    name: model,
    versions: versionInPath === undefined ? versions.map(String) : [versionInPath],
    platform: 'modelkeep',
    inputs: tensorInfos(signature?.input, 'inputs').map(metadataOf),
    outputs: tensorInfos(signature?.output, 'output').map(metadataOf),
  });
}

/** `GET /v2/models/{model}[/versions/{version}]/ready` */
export function modelReady(call: ServingCall, model: string, versionInPath: string | undefined): Answer {
  const ready = isReady(call.deployment(model), versionOf(versionInPath));
  return jsonAnswer({ name: model, ready }, { status: ready ? 200 : 503 });
}

/** `GET /v2/models[/{model}[/versions/{version}]]/stats` */
export async function modelStats(call: ServingCall, model: string | undefined, versionInPath: string | undefined): Promise<Answer> {
  await call.permit(model === undefined ? 'list' : 'read', model ?? '');
  const { deployments, stats } = call.service;
  const chosen = model === undefined ? [...deployments.values()] : [call.deployment(model)];
  const only = versionOf(versionInPath);
  const modelStatsList = chosen.flatMap((deployment) =>
    deployment.status().versions
      .filter(({ version, state }) => (only === undefined ? state !== 'failed' : version === only))
      .map(({ version }) => statsOf(deployment.model, version, stats.of(deployment.model, version))),
  );
  if (only !== undefined && modelStatsList.length === 0) throw new Refusal(404, 'not-found', `Version ${only} of '${model}' is not in memory.`);
  return jsonAnswer({ model_stats: modelStatsList });
}

/** `POST /v2/repository/index` */
export async function repositoryIndex(call: ServingCall): Promise<Answer> {
  await call.permit('list', '');
  const { ready = false } = await call.object({ empty: true });
  if (typeof ready !== 'boolean') throw new Refusal(400, 'validation', 'ready must be true or false.');
  const all = [...call.service.deployments.values()].flatMap(indexOf);
  return jsonAnswer(all.filter(({ state }) => !ready || state === 'READY'));
}

/** `POST /v2/repository/models/{model}/load` and `/unload`: of the version that `parameters.version` names, or the one in use. */
export async function repositoryChange(call: ServingCall, model: string, method: 'load' | 'unload'): Promise<Answer> {
  await call.permit('call', model, method);
  const deployment = call.deployment(model);
  const { parameters = {} } = await call.object({ empty: true });
  if (!isObject(parameters)) throw new Refusal(400, 'validation', 'parameters must be an object.');
  const { version: asked } = parameters;
  if (asked !== undefined && typeof asked !== 'string' && typeof asked !== 'number') throw new Refusal(400, 'validation', 'parameters.version must be a version.');
  const { signal } = call.request;
  const version = asked === undefined ? deployment.status().stable : versionOf(String(asked));
  // The version in use is followed, and not kept in memory when another one is.
  if (method === 'load') await (asked === undefined ? deployment.ready({ signal }) : deployment.load(version!, { signal }));
  else if (version === undefined) throw new Refusal(404, 'not-found', `No version of '${model}' is in memory.`);
  else await deployment.unload(version);
  return jsonAnswer({});
}

/** The version that a path names, or that in use; it must be in memory. */
function inMemory(deployment: ServedDeployment, versionInPath: string | undefined): number | undefined {
  const version = versionOf(versionInPath);
  if (version !== undefined && !isReady(deployment, version)) throw new Refusal(404, 'not-found', `Version ${version} of '${deployment.model}' is not in memory.`);
  return version ?? deployment.status().stable;
}

function metadataOf({ name, dtype, shape }: TensorInfo): object {
  return { name, datatype: elementType(dtype)?.wire ?? dtype.toUpperCase(), shape: shape ?? [-1] };
}

function statsOf(name: string, version: number, stats: VersionStats | undefined): object {
  const duration = ({ count, ns }: { count: number; ns: number } = { count: 0, ns: 0 }): object => ({ count, ns: Math.round(ns) });
  return {
    name,
    version: String(version),
    last_inference: Math.round(stats?.lastInference ?? 0),
    inference_count: stats?.inferences ?? 0,
    execution_count: Math.round(stats?.executions ?? 0),
    inference_stats: { success: duration(stats?.success), fail: duration(stats?.fail), compute_infer: duration(stats?.compute), cache_hit: duration(stats?.cacheHit) },
  };
}

function indexOf(deployment: ServedDeployment): { name: string; version?: string; state: string; reason: string }[] {
  const { model: name } = deployment;
  const { versions } = deployment.status();
  if (versions.length === 0) return [{ name, state: 'UNAVAILABLE', reason: 'not loaded yet' }];
  return versions.map(({ version, state, error }) => ({ name, version: String(version), state: states[state], reason: error ?? (state === 'unloaded' ? 'unloaded' : '') }));
}

/** Whether every model can answer. */
export function allReady(call: ServingCall): boolean {
  return [...call.service.deployments.values()].every((deployment) => isReady(deployment));
}
