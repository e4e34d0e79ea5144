/** A process that serves a model, and tells how once it is in the second step of a rollout; it goes on until it is killed. Argument: the store. */
import { FilesystemStorage } from '../../../src/filesystem.ts';
import { Deployment, Registry } from '../../../src/index.ts';
import { loadSlope } from './deployment-drive.ts';

const storage = new FilesystemStorage(process.argv[2]!);
const registry = new Registry({ storage });
const deployment = new Deployment({ storage, registry, model: 'm', load: loadSlope });
await deployment.ready();
await deployment.load(2);
await deployment.startRollout({ candidate: 2, steps: [{ weight: 30, hold: 1 }, { weight: 60, hold: '1h' }], every: 100, by: 'ada' });
for (;;) {
  const { candidate } = deployment.status().traffic;
  const answers: Record<string, number> = {};
  for (let i = 0; i < 50; i++) answers[`user-${i}`] = (await deployment.predict(1, { key: `user-${i}` })).version;
  // What requests go by is stored.
  if (candidate?.weight === 0.6) process.send?.({ answers });
  await new Promise((resolve) => setImmediate(resolve));
}
