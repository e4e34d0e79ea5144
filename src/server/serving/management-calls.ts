import { utf8 } from '../../core/bytes.ts';
import { metricsText, type MetricsSource } from '../../serving/metrics/metrics-text.ts';
import { bytesAnswer, jsonAnswer, type Answer } from '../answer.ts';
import { Refusal } from '../refusal.ts';
import { isObject } from './json-values.ts';
import type { ServedDeployment, ServedFeedback } from './served-deployment.ts';
import { isReady } from './served-version.ts';
import { tolerantAnswer, versionOf, type JsonObject, type ServingCall } from './serving-call.ts';
import { allReady } from './open-inference-calls.ts';

/** `GET /health/live` */
export function live(): Answer {
  return jsonAnswer({ live: true });
}

/** `GET /health/ready[/{model}]` */
export function ready(call: ServingCall, model: string | undefined): Answer {
  const yes = model === undefined ? allReady(call) : isReady(call.deployment(model));
  return jsonAnswer({ ready: yes }, { status: yes ? 200 : 503 });
}

/** `GET /metrics` */
export async function metrics(call: ServingCall): Promise<Answer> {
  await call.permit('read', '', 'metrics');
  const text = metricsText([...call.service.deployments.values()].filter(isCounting));
  return bytesAnswer(200, 'text/plain; version=0.0.4; charset=utf-8', utf8(text));
}

/** `GET /deployments` */
export async function listDeployments(call: ServingCall): Promise<Answer> {
  await call.permit('list', '');
  return tolerantAnswer({ deployments: [...call.service.deployments.values()].map(described) });
}

/** `GET /deployments/{model}` */
export async function describeDeployment(call: ServingCall, model: string): Promise<Answer> {
  await call.permit('read', model);
  return tolerantAnswer(described(call.deployment(model)));
}

/** `POST /deployments/{model}/feedback` */
export async function takeFeedback(call: ServingCall, model: string): Promise<Answer> {
  await call.permit('call', model, 'feedback');
  const deployment = call.deployment(model);
  const body = await call.object();
  const all = Array.isArray(body['feedback']) ? (body['feedback'] as unknown[]) : [body];
  const checked = all.map(checkFeedback);
  deployment.feedback(checked);
  return jsonAnswer({ accepted: checked.length }, { status: 202 });
}

/** `POST /deployments/{model}/versions/{version}/load` and `/unload` */
export async function changeVersion(call: ServingCall, model: string, versionInPath: string, method: 'load' | 'unload'): Promise<Answer> {
  await call.permit('call', model, method);
  const deployment = call.deployment(model);
  const version = versionOf(versionInPath)!;
  if (method === 'load') await deployment.load(version, { signal: call.request.signal });
  else await deployment.unload(version);
  return tolerantAnswer(described(deployment));
}

function isCounting(deployment: ServedDeployment): deployment is ServedDeployment & MetricsSource {
  return deployment.metricFamilies !== undefined;
}

function described(deployment: ServedDeployment): object {
  return { model: deployment.model, ...deployment.status() };
}

function checkFeedback(value: unknown): ServedFeedback {
  if (!isObject(value)) throw new Refusal(400, 'validation', 'Feedback must be an object with the id of a prediction.');
  const { id, label, metrics: given, ...others }: JsonObject = value;
  const unknown = Object.keys(others)[0];
  if (unknown !== undefined) throw new Refusal(400, 'validation', `Feedback has no ${unknown.slice(0, 80)}; it has id, label and metrics.`);
  if (typeof id !== 'string' || id === '') throw new Refusal(400, 'validation', 'id must be the id of a prediction.');
  if (given !== undefined && !(isObject(given) && Object.values(given).every((metric) => Number.isFinite(metric)))) throw new Refusal(400, 'validation', 'metrics must be an object of finite numbers.');
  if (label !== undefined && !['string', 'boolean'].includes(typeof label) && !Number.isFinite(label)) throw new Refusal(400, 'validation', 'label must be a text, a number, true or false.');
  if (label === undefined && given === undefined) throw new Refusal(400, 'validation', 'Feedback must have a label, or metrics.');
  return { id, ...(label !== undefined && { label: label as string }), ...(given !== undefined && { metrics: given as Record<string, number> }) };
}
