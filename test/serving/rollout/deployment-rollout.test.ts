import { DriftMonitor, Pipeline, profileData } from 'modelkeep';
import { expect, it } from 'vitest';
import { settled } from '../../pipelines/manual-clock.ts';
import { by, deploy, Models, registryOf } from '../served-model.ts';

it('a deployment gives its rollouts the verdicts of its monitor', async () => {
  const parts = await registryOf(2);
  await parts.registry.promote('m@1', 'production', by);
  const monitor = new DriftMonitor({ storage: parts.storage, name: 'inputs', reference: profileData({ x: Float64Array.from({ length: 1000 }, (_, i) => i) }), window: { rows: 200 } });
  const { deployment } = deploy(parts, new Models(), { limits: { queue: 1000 }, monitor, observe: ({ input }) => ({ features: { x: input.x } }) });
  await deployment.ready();
  await deployment.startRollout({ candidate: 2, steps: [{ weight: 50, hold: '1h' }], guardrails: [{ metric: 'drift' }] });
  await settled();
  await Promise.all(Array.from({ length: 200 }, (_, i) => deployment.predict({ x: 5000 + i }, { key: `user-${i}` })));
  await monitor.flush();
  // Whatever somebody does to a rollout, it is looked at.
  const status = await deployment.pauseRollout(by);
  expect(status).toMatchObject({ outcome: 'rolled-back', why: expect.stringContaining("Guardrail 'drift' failed") });
  await deployment.close();
  await monitor.close();
});

it('a deployment that follows something else than production rolls nothing out', async () => {
  const parts = await registryOf(2);
  await parts.registry.promote('m@1', 'production', by);
  const { deployment } = deploy(parts, new Models(), { follow: 1 });
  await deployment.ready();
  await expect(deployment.startRollout({ candidate: 2 })).rejects.toMatchObject({ code: 'validation', details: { path: 'options.follow' } });
  await deployment.close();
});

it('a pipeline is started by what becomes of a rollout, once', async () => {
  const parts = await registryOf(2);
  await parts.registry.promote('m@1', 'production', by);
  const { deployment } = deploy(parts, new Models());
  await deployment.ready();
  const review = new Pipeline({ name: 'review', storage: parts.storage });
  review.step('look', {}, () => 'looked');
  await review.triggerOn(deployment.rolloutEvents({ types: ['aborted', 'rolled-back'] }), { from: 'beginning' });
  await deployment.startRollout({ candidate: 2, steps: [{ weight: 5, hold: '1h' }] });
  await deployment.abortRollout(by);
  await using keeper = review.start();
  await keeper.idle();
  const runs = [];
  for await (const run of review.runs()) runs.push(run);
  expect(runs).toMatchObject([{ status: 'succeeded', triggeredBy: { kind: 'trigger' } }]);
  await deployment.close();
});
