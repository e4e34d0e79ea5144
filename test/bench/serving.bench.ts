import { Deployment, MemoryStorage, Registry } from 'modelkeep';
import { measure } from './harness.ts';

const many = 20_000;
type Input = { readonly x: number };

/** A deployment of a model that answers at once, so that what is timed is all that is around it; half of the keys go to a candidate or its control. */
async function deployed(rollout: boolean): Promise<Deployment<Input, number>> {
  const storage = new MemoryStorage();
  const registry = new Registry({ storage });
  await registry.createModel('m');
  for (const text of ['1', '2']) await registry.registerVersion('m', { files: { 'model.txt': text }, signature: { input: { type: 'row', columns: [{ name: 'x', type: 'float64' }] }, output: { type: 'float64' } } });
  await registry.promote('m@1', 'production', { by: 'bench', reason: 'bench' });
  const deployment = new Deployment<Input, number>({ storage, registry, model: 'm', load: () => ({ x }) => x + 1 });
  await deployment.ready();
  if (!rollout) return deployment;
  await deployment.startRollout({ candidate: 2, steps: [{ weight: 25, hold: '1h' }], guardrails: [{ metric: 'error_rate', max: 0.01 }] });
  while (deployment.status().versions.filter(({ state }) => state === 'ready').length < 2) await new Promise((resolve) => setImmediate(resolve));
  return deployment;
}

async function predictMany(deployment: Deployment<Input, number>): Promise<void> {
  for (let i = 0; i < many; i++) {
    const { output } = await deployment.predict({ x: i }, { key: `user-${i}` });
    if (output !== i + 1) throw new Error(`${i} was answered ${output}.`);
  }
}

const around = { teardown: (deployment: Deployment<Input, number>) => deployment.close(), operations: many, unit: 'µs', warmup: 3, target: { atMost: 20 } } as const;

export const benchmarks = [
  measure('A prediction with its routing, checks and books, model at once', predictMany, { ...around, setup: () => deployed(false) }),
  measure('The same while a rollout goes on', predictMany, { ...around, setup: () => deployed(true) }),
];
