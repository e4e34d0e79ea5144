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

it('a rollout goes on by refresh() alone, where no timer rings', async () => {
  const parts = await registryOf(2);
  await parts.registry.promote('m@1', 'production', by);
  let now = Date.UTC(2001, 0, 1);
  const clock = { now: () => now, monotonic: () => now, setTimer: () => () => undefined };
  const { deployment } = deploy(parts, new Models(), { clock });
  await deployment.ready();
  await deployment.startRollout({ candidate: 2, steps: [{ weight: 50, hold: '1h' }], guardrails: [{ metric: 'error_rate', max: 0.5 }], minSamples: 10 });
  await settled();
  const ask = async (): Promise<number[]> => (await Promise.all(Array.from({ length: 60 }, (_, i) => deployment.predict({ x: i }, { key: `user-${i}` })))).map(({ version }) => version);
  expect(new Set(await ask())).toEqual(new Set([1, 2]));
  await deployment.refresh();
  expect(await deployment.rollout()).toMatchObject({ phase: 'step', weight: 50 });
  now += 3_600_000;
  await deployment.refresh();
  await deployment.refresh();
  expect(await deployment.rollout()).toMatchObject({ outcome: 'promoted' });
  // What it resolves with counts at once: the next request is the first of the version that was promoted.
  expect(new Set(await ask())).toEqual(new Set([2]));
  await deployment.close();
});

it('rollouts with one salt begin with the same keys, and others with others', async () => {
  const firstOf = async (salt?: string): Promise<string[]> => {
    const parts = await registryOf(2);
    await parts.registry.promote('m@1', 'production', by);
    const { deployment } = deploy(parts, new Models(), { limits: { queue: 1000 } });
    await deployment.ready();
    await deployment.startRollout({ candidate: 2, steps: [{ weight: 20, hold: '1h' }], salt });
    await settled();
    const keys = Array.from({ length: 200 }, (_, i) => `user-${i}`);
    const versions = await Promise.all(keys.map((key) => deployment.predict({ x: 0 }, { key })));
    await deployment.close();
    return keys.filter((_, i) => versions[i]!.version === 2);
  };
  const first = await firstOf('volunteers');
  expect(first.length).toBeGreaterThan(20);
  expect(await firstOf('volunteers')).toEqual(first);
  expect(await firstOf()).not.toEqual(first);
});
