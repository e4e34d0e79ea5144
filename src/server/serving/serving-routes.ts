import type { Answer } from '../answer.ts';
import { Refusal } from '../refusal.ts';
import { changeVersion, describeDeployment, listDeployments, live, metrics, ready, takeFeedback } from './management-calls.ts';
import { infer } from './open-inference-infer.ts';
import { modelMetadata, modelReady, modelStats, repositoryChange, repositoryIndex, serverMetadata } from './open-inference-calls.ts';
import { changeRollout, readRollout, readRolloutHistory, rolloutChanges, startRollout, type RolloutChange } from './rollout-calls.ts';
import type { ServingCall } from './serving-call.ts';
import type { ErrorForm } from './serving-errors.ts';
import { tensorflowMetadata, tensorflowPredict, tensorflowStatus, type TensorflowTarget } from './tensorflow-calls.ts';
import { ping, torchservePredict } from './torchserve-calls.ts';

/** What a path asks for. */
export interface ServingRoute {
  /** The only method that it takes; HEAD is answered like GET. */
  readonly method: 'GET' | 'POST';
  /** Told to everyone, at once, however busy the server is. */
  readonly open?: boolean | undefined;
  handle(call: ServingCall): Answer | Promise<Answer>;
}

const tensorflowMethod = /^\/v1\/models\/([^/:]+)(?:\/versions\/(\d+)|\/labels\/([^/:]+))?:(classify|regress|predict)$/i;
const tensorflowGet = /^\/v1\/models(?:\/([^/:]+))?(?:\/versions\/(\d+)|\/labels\/([^/:]+))?(\/metadata)?$/i;

/** The form in which errors of a path are told. */
export function errorFormOf(path: string): ErrorForm {
  if (/^\/v[12](?:\/|$)/i.test(path)) return 'message';
  return /^\/(?:predictions\/|ping$)/.test(path) ? 'torchserve' : 'modelkeep';
}

/** What is to be done for a request; `undefined` where nothing is served. */
export function findRoute(method: string, path: string): ServingRoute | undefined {
  if (/^\/v1\//i.test(path)) return tensorflowRoute(method, path);
  const [first, ...rest] = path.slice(1).split('/').map(decoded);
  switch (first) {
    case 'v2':
      return openInferenceRoute(rest);
    case 'predictions':
      return rest.length === 1 || rest.length === 2 ? post((call) => torchservePredict(call, rest[0]!, rest[1])) : undefined;
    case 'deployments':
      return managementRoute(method, rest);
    case 'health':
      if (rest.length === 1 && rest[0] === 'live') return open(live);
      return (rest.length === 1 || rest.length === 2) && rest[0] === 'ready' ? open((call) => ready(call, rest[1])) : undefined;
    case 'ping':
      return rest.length === 0 ? open(ping) : undefined;
    case 'metrics':
      return rest.length === 0 ? get(metrics) : undefined;
    case 'monitoring':
      return rest.join('/') === 'prometheus/metrics' ? get(metrics) : undefined;
    default:
      return undefined;
  }
}

function tensorflowRoute(method: string, path: string): ServingRoute {
  const asked = method === 'POST' ? tensorflowMethod.exec(path) : method === 'GET' || method === 'HEAD' ? tensorflowGet.exec(path) : null;
  // Every path and method that is wrong is told so, as there.
  if (asked === null) throw new Refusal(400, 'validation', `Malformed request: ${method} ${path.slice(0, 500)}`);
  const [, model, version, label, what] = asked;
  if (model === undefined) throw new Refusal(400, 'validation', 'Missing model name in request.');
  const target: TensorflowTarget = { model: decoded(model), version, label: label === undefined ? undefined : decoded(label) };
  if (method === 'POST') return post((call) => tensorflowPredict(call, target, what!.toLowerCase() as 'predict'));
  return get((call) => (what === undefined ? tensorflowStatus(call, target) : tensorflowMetadata(call, target)));
}

function openInferenceRoute(parts: readonly string[]): ServingRoute | undefined {
  const path = parts.join('/');
  if (path === '') return open(serverMetadata);
  if (path === 'health/live') return open(live);
  if (path === 'health/ready') return open((call) => ready(call, undefined));
  if (path === 'models/stats') return get((call) => modelStats(call, undefined, undefined));
  if (path === 'repository/index') return post(repositoryIndex);
  const [first, second, third, fourth] = parts;
  if (first === 'repository' && second === 'models' && parts.length === 4 && (fourth === 'load' || fourth === 'unload')) return post((call) => repositoryChange(call, third!, fourth));
  if (first !== 'models' || second === undefined || second === '') return undefined;
  const versioned = third === 'versions';
  const version = versioned ? fourth : undefined;
  if (versioned && version === undefined) return undefined;
  const rest = parts.slice(versioned ? 4 : 2);
  if (rest.length > 1) return undefined;
  switch (rest[0]) {
    case undefined:
      return get((call) => modelMetadata(call, second, version));
    case 'ready':
      return open((call) => modelReady(call, second, version));
    case 'infer':
      return post((call) => infer(call, second, version));
    case 'stats':
      return get((call) => modelStats(call, second, version));
    default:
      return undefined;
  }
}

function managementRoute(method: string, parts: readonly string[]): ServingRoute | undefined {
  const [model, what, version, change] = parts;
  if (parts.length === 0) return get(listDeployments);
  if (parts.length === 1) return get((call) => describeDeployment(call, model!));
  if (parts.length === 2 && what === 'feedback') return post((call) => takeFeedback(call, model!));
  if (parts.length === 4 && what === 'versions' && (change === 'load' || change === 'unload')) return post((call) => changeVersion(call, model!, version!, change));
  return what === 'rollout' ? rolloutRoute(method, model!, parts.slice(2)) : undefined;
}

function rolloutRoute(method: string, model: string, [change, ...more]: readonly string[]): ServingRoute | undefined {
  if (more.length > 0) return undefined;
  if (change === undefined) return method === 'POST' ? post((call) => startRollout(call, model)) : get((call) => readRollout(call, model));
  if (change === 'history') return get((call) => readRolloutHistory(call, model));
  return rolloutChanges.includes(change) ? post((call) => changeRollout(call, model, change as RolloutChange)) : undefined;
}

function get(handle: ServingRoute['handle']): ServingRoute {
  return { method: 'GET', handle };
}

function post(handle: ServingRoute['handle']): ServingRoute {
  return { method: 'POST', handle };
}

function open(handle: ServingRoute['handle']): ServingRoute {
  return { method: 'GET', open: true, handle };
}

function decoded(part: string): string {
  if (!part.includes('%')) return part;
  try {
    return decodeURIComponent(part);
  } catch (cause) {
    throw new Refusal(400, 'validation', 'The path has an escape that is none.', { cause });
  }
}
