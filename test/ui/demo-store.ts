import { ABTest, Deployment, DriftMonitor, featureView, FeatureStore, gates, MemoryStorage, Pipeline, profileData, Registry, Tracker, type StorageAdapter } from 'modelkeep';
import { seededRandom } from '../../src/core/random.ts';

/** What a name must never become: an element, an attribute, a prototype, a path, another direction of reading. */
export const hostileNames = {
  markup: '<script>alert(1)</script>"\'><img src=x onerror=alert(1)>&amp;',
  prototype: '__proto__',
  path: '../../etc/passwd',
  rightToLeft: 'دقة النموذج \u202eevil',
  long: 'a very long name '.repeat(18).slice(0, 300),
} as const;

/** A store with something of everything, and the ids of what pages ask for. */
export interface DemoStore {
  readonly storage: StorageAdapter;
  readonly runs: readonly string[];
  readonly pipelineRun: string;
  readonly failedPipelineRun: string;
}

const by = { by: 'ada', reason: 'better on February' };

/** Fills a store by the real classes. */
export async function demoStore(storage: StorageAdapter = new MemoryStorage()): Promise<DemoStore> {
  const runs = await demoRuns(storage);
  await demoModels(storage, runs[0]!);
  await demoFeatures(storage);
  await demoMonitor(storage);
  await demoTest(storage);
  return { storage, runs, ...(await demoPipeline(storage)) };
}

async function demoRuns(storage: StorageAdapter): Promise<string[]> {
  const tracker = new Tracker({ storage });
  const random = seededRandom(7);
  const ids: string[] = [];
  for (const [i, learningRate] of [0.3, 0.1, 0.03, 0.01].entries()) {
    await tracker.withRun({ experiment: 'flight-delay', name: `rate ${learningRate}`, params: { learningRate, layers: [64, 32], note: hostileNames.markup }, tags: { team: 'ops' }, seed: 7 }, async (run) => {
      for (let step = 0; step < 300; step++) run.logMetrics({ loss: 1 / (1 + step * learningRate) + 0.05 * random(), 'val/auc': 0.9 - 0.4 / (1 + step / (10 * (i + 1))) }, { step });
      await run.logArtifact('report.html', '<h1>mine</h1><script>document.title = "run"</script>', { mediaType: 'text/html' });
      await run.logArtifact('notes.txt', 'late\nflights', { mediaType: 'text/plain' });
      await run.logTable('predictions', { columns: { flight: ['AA1', hostileNames.markup], late: [true, false] } });
      await run.logDataset({ name: 'flights-2001-01', role: 'training', rows: [{ distance: 500, late: true }, { distance: 900, late: false }] });
      ids.push(run.id);
    });
  }
  const names = Object.values(hostileNames);
  for (const name of names) {
    await tracker.withRun({ experiment: hostileNames.markup, name, params: { name, constructor: name }, tags: { name }, notes: name }, async (run) => {
      run.logMetrics({ constructor: Number.NaN, loss: Infinity }, { step: 0 });
      await run.logArtifact('folder/name.txt', name);
      ids.push(run.id);
    });
  }
  await tracker
    .withRun({ experiment: 'flight-delay', name: 'broken' }, () => {
      throw new Error(`the data is gone ${hostileNames.markup}`);
    })
    .catch(() => undefined);
  return ids;
}

async function demoModels(storage: StorageAdapter, run: string): Promise<void> {
  const registry = new Registry({ storage });
  await registry.createModel('flight-delay', { description: 'Arrives more than 15 minutes late?', owner: 'ops' });
  await registry.setPolicy('flight-delay', { production: [gates.metric('auc', { goal: 'maximize', min: 0.75 })] });
  for (const auc of [0.8, 0.83, 0.5]) await registry.registerVersion('flight-delay', { files: { 'model.json': JSON.stringify({ auc }) }, run, metrics: { auc }, createdBy: 'training@ci' });
  await registry.promote('flight-delay@1', 'production', by);
  await registry.createModel(hostileNames.markup, { description: hostileNames.markup, owner: hostileNames.rightToLeft });
  await using deployment = new Deployment<{ x: number }, number>({ storage, registry, model: 'flight-delay', load: () => ({ predict: ({ x }: { x: number }) => x }) });
  await deployment.ready();
  await deployment.startRollout({ candidate: 2, steps: [{ weight: 5, hold: '10m' }, { weight: 100 }], guardrails: [{ metric: 'error_rate', max: 0.01 }], by: 'ada' });
  await deployment.pauseRollout({ by: 'ada', reason: hostileNames.markup });
}

async function demoFeatures(storage: StorageAdapter): Promise<void> {
  await using store = new FeatureStore({ storage });
  await store.apply([featureView({ name: 'airport_delays', entity: ['origin'], timestamp: 'at', ttl: '7d', description: hostileNames.markup, freshness: { maxAge: '1d' }, features: { delay: 'float64' } })]);
  await store.ingest('airport_delays', [{ origin: 'ATL', at: new Date('2001-01-01T00:00:00Z'), delay: 12 }]);
}

async function demoMonitor(storage: StorageAdapter): Promise<void> {
  const random = seededRandom(3);
  const reference = profileData({ distance: Float64Array.from({ length: 2000 }, () => 1000 * random()), taxi: Float64Array.from({ length: 2000 }, () => random()) });
  await using monitor = new DriftMonitor({ storage, name: 'flight-delay', reference, window: { rows: 300 } });
  for (let i = 0; i < 900; i++) monitor.observe({ features: { distance: (i < 300 ? 1000 : 1700) * random(), taxi: random() } });
  await monitor.flush();
}

async function demoTest(storage: StorageAdapter): Promise<void> {
  const random = seededRandom(5);
  await using test = new ABTest({ storage, name: 'delay-model', variants: [{ name: 'A', version: 1 }, { name: 'B', version: 2 }], metrics: [{ name: 'converted', kind: 'proportion', role: 'primary' }] });
  for (let i = 0; i < 600; i++) {
    const unit = `user-${i}`;
    const { variant } = test.expose(unit);
    test.record(unit, { converted: random() < (variant === 'B' ? 0.6 : 0.4) ? 1 : 0 }, { id: unit });
  }
  await test.flush();
}

async function demoPipeline(storage: StorageAdapter): Promise<{ pipelineRun: string; failedPipelineRun: string }> {
  const pipeline = new Pipeline({ name: 'retrain', storage });
  const rows = pipeline.step('ingest', {}, () => 3);
  const model = pipeline.step('train', { needs: { rows } }, ({ inputs }) => inputs.rows + 1);
  pipeline.step('report', { needs: { model } }, () => 'done');
  const { id } = await pipeline.run({ by: 'ada', reason: 'monthly' });
  const failing = new Pipeline({ name: hostileNames.long.slice(0, 200), storage });
  const first = failing.step('load', {}, () => {
    throw new Error(hostileNames.markup);
  });
  failing.step('use', { needs: { first } }, () => 1);
  return { pipelineRun: id, failedPipelineRun: (await failing.run()).id };
}
