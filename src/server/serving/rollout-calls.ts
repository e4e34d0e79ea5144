import { jsonAnswer, type Answer } from '../answer.ts';
import { Refusal } from '../refusal.ts';
import type { ServedDeployment, ServedRollouts } from './served-deployment.ts';
import { tolerantAnswer, type ServingCall } from './serving-call.ts';

/** What is done to a rollout that goes on. */
export type RolloutChange = 'pause' | 'resume' | 'promote' | 'abort';

/** The last part of a path that asks for each of them. */
export const rolloutChanges: readonly string[] = ['pause', 'resume', 'promote', 'abort'] satisfies RolloutChange[];

/** `GET /deployments/{model}/rollout` */
export async function readRollout(call: ServingCall, model: string): Promise<Answer> {
  await call.permit('read', model);
  const status = await rollouts(call.deployment(model)).rollout();
  if (status === undefined) throw new Refusal(404, 'not-found', `'${model}' has had no rollout.`);
  return tolerantAnswer(status);
}

/** `GET /deployments/{model}/rollout/history` */
export async function readRolloutHistory(call: ServingCall, model: string): Promise<Answer> {
  await call.permit('read', model);
  return tolerantAnswer({ events: await rollouts(call.deployment(model)).rolloutHistory() });
}

/** `POST /deployments/{model}/rollout` */
export async function startRollout(call: ServingCall, model: string): Promise<Answer> {
  const actor = await call.permit('call', model, 'startRollout');
  const deployment = rollouts(call.deployment(model));
  const options = { ...(await call.object()), ...(actor !== undefined && { by: actor }) };
  // The deployment checks them, as it does those of a program.
  return jsonAnswer(await deployment.startRollout(options as never), { status: 201 });
}

/** `POST /deployments/{model}/rollout/pause`, `/resume`, `/promote` and `/abort` */
export async function changeRollout(call: ServingCall, model: string, change: RolloutChange): Promise<Answer> {
  const actor = await call.permit('call', model, `${change}Rollout`);
  const deployment = rollouts(call.deployment(model));
  const options = { ...(await call.object({ empty: true })), ...(actor !== undefined && { by: actor }) };
  return tolerantAnswer(await deployment[`${change}Rollout`](options));
}

function rollouts(deployment: ServedDeployment): ServedRollouts {
  if (deployment.startRollout === undefined) throw new Refusal(501, 'unsupported', `'${deployment.model}' is served without rollouts.`);
  return deployment as ServedRollouts;
}
