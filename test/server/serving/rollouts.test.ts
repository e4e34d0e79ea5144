import { Deployment, MemoryStorage, Registry } from 'modelkeep';
import { expect, it } from 'vitest';
import { askOf } from './ask.ts';
import { SmallDeployment } from './small-deployment.ts';

it('a rollout is started, held, told of and given up over HTTP, in the name of whom the server knows', async () => {
  const storage = new MemoryStorage();
  const registry = new Registry({ storage });
  await registry.createModel('delay');
  for (const slope of ['1', '2']) await registry.registerVersion('delay', { files: { slope } });
  await registry.promote('delay@1', 'production', { by: 'ann', reason: 'first' });
  await using deployment = new Deployment({
    storage, registry, model: 'delay',
    load: async (version) => {
      const slope = Number(new TextDecoder().decode(await version.file('slope')));
      return ({ x }: { x: number }) => slope * x;
    },
  });
  await deployment.ready();
  const ask = askOf([deployment], { authorize: () => ({ actor: 'ops' }) });
  expect((await ask('GET /deployments/delay/rollout')).status).toBe(404);
  expect(await ask('POST /deployments/delay/rollout', { candidate: 2, steps: [{ weight: 0 }] })).toMatchObject({ status: 400, body: { error: { code: 'validation' } } });
  expect(await ask('POST /deployments/delay/rollout', { candidate: 2, steps: [{ weight: 10, hold: '1h' }], by: 'mallory' })).toMatchObject({ status: 201, body: { candidate: 2, stable: 1, by: 'ops' } });
  expect((await ask('POST /deployments/delay/rollout', { candidate: 2 })).status).toBe(409);
  expect(await ask('POST /deployments/delay/rollout/pause', { reason: 'lunch' })).toMatchObject({ status: 200, body: { paused: { by: 'ops', reason: 'lunch' } } });
  expect(await ask('POST /deployments/delay/rollout/resume')).toMatchObject({ status: 200 });
  expect(await ask('POST /deployments/delay/rollout/abort', { reason: 'enough' })).toMatchObject({ status: 200, body: { outcome: expect.any(String) as string } });
  expect((await ask('GET /deployments/delay/rollout')).body).toMatchObject({ candidate: 2, outcome: expect.any(String) as string });
  const { events } = (await ask('GET /deployments/delay/rollout/history')).body as { events: object[] };
  expect(events.length).toBeGreaterThanOrEqual(4);
  expect((await ask('POST /deployments/delay/rollout/explode', {})).status).toBe(404);
  expect((await ask('POST /v1/models/delay:predict', { instances: [{ x: 3 }] })).body).toEqual({ predictions: [3] });
  expect((await ask('GET /metrics')).text).toMatch(/modelkeep_predictions_total\{[^}]*model="delay"/);
  expect((await askOf([new SmallDeployment('small', { 1: { predict: () => 1 } })])('GET /deployments/small/rollout')).status).toBe(501);
});
