import { cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ABTest, DriftMonitor, FeatureStore, Pipeline, Registry, Tracker, entity, featureService, featureView, profileData, type StorageAdapter } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';

const fixtures = fileURLToPath(new URL('../../fixtures/', import.meta.url));

/** The ids in place of those that the guides show. */
export interface GuideWorld {
  readonly runs: readonly [string, string];
  readonly pipelineRun: string;
}

/** A Parquet file of two flights with `distance` and `origin`. */
const parquet = 'UEFSMRUGFSAVJFwVBBUAFQQVABUEFQAAAAMDDjQDAAAAQVRMAwAAAEpGSxUGFSQVJlwVBBUAFQQVABUEFQAAAAMDEAAAAQEoQH9AAAAAAABooEAVBBk8SARyb290FQQAFQwlAhgGb3JpZ2luJQAAFQolAhgIZGlzdGFuY2UAFgQZHBksJggcFQwZFQAZGAZvcmlnaW4VAhYEFkoWTiYIAAAmVhwVChkVABkYCGRpc3RhbmNlFQIWBBZOFlAmVgAAFpgBFgQ2ngEAKAloeXBhcnF1ZXQZLBwAABwAAACKAAAAUEFSMQ==';

/** The pipeline `retrain`, which fails without enough memory. */
export function retrain(storage: StorageAdapter, hasMemory: boolean): Pipeline {
  const pipeline = new Pipeline({ name: 'retrain', storage });
  pipeline.step('train', {}, () => {
    if (!hasMemory) throw new Error('no memory');
    return 1;
  });
  return pipeline;
}

/** Makes what the guides take for granted: a store in `.modelkeep` with something of everything, and files beside it. */
export async function makeGuideWorld(directory: string): Promise<GuideWorld> {
  await using storage = new FilesystemStorage(join(directory, '.modelkeep'));
  const runs = await makeRuns(storage);
  await makeModel(storage, runs[1], directory);
  await makeFeatures(storage);
  await makeWatched(storage);
  await writeFiles(directory);
  return { runs, pipelineRun: (await retrain(storage, false).run()).id };
}

async function makeRuns(storage: StorageAdapter): Promise<[string, string]> {
  const tracker = new Tracker({ storage });
  const ids: string[] = [];
  for (const auc of [0.79, 0.83]) {
    const run = await tracker.startRun({ experiment: 'flight-delay', name: `auc ${auc}`, params: { depth: auc * 100 } });
    for (let step = 0; step < 5; step++) run.logMetrics({ auc: auc - 0.1 / (step + 1), loss: 1 / (step + 1) }, { step });
    run.logMetrics({ auc }, { step: 5 });
    ids.push((await run.end()).id);
  }
  return [ids[0]!, ids[1]!];
}

/** Three versions of `flight-delay`: the second in production after the first, the third in staging, and all of them signed. */
async function makeModel(storage: StorageAdapter, run: string, directory: string): Promise<void> {
  const registry = new Registry({ storage });
  await registry.createModel('flight-delay', { owner: 'ops' });
  const { publicKey, privateKey } = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify']);
  const base64 = Buffer.from(await crypto.subtle.exportKey('spki', publicKey)).toString('base64');
  await writeFile(join(directory, 'release.pem'), `-----BEGIN PUBLIC KEY-----\n${base64.replace(/.{64}/g, '$&\n')}\n-----END PUBLIC KEY-----\n`);
  for (const version of [1, 2, 3]) {
    await registry.registerVersion('flight-delay', { files: { 'model.json': `{"trees":${version}}` }, run, metrics: { auc: 0.8 + version / 100 }, createdBy: 'ci' });
    await registry.sign(`flight-delay@${version}`, { privateKey, by: 'lead', reason: 'release' });
  }
  for (const version of [1, 2]) await registry.promote(`flight-delay@${version}`, 'production', { by: 'lead', reason: 'better' });
  await registry.promote('flight-delay@3', 'staging', { by: 'lead', reason: 'to be tried' });
}

async function makeFeatures(storage: StorageAdapter): Promise<void> {
  const features = new FeatureStore({ storage });
  const airport = entity({ name: 'airport', keys: { origin: 'string' } });
  const view = featureView({ name: 'airport_delays', entity: airport, timestamp: 'landed', features: { delay: 'float64' } });
  await features.apply([airport, view, featureService({ name: 'delay_v1', features: ['airport_delays:*'] })]);
  await features.ingest(view, [{ origin: 'ATL', landed: '2026-11-29T10:00:00Z', delay: 12 }], { online: true });
}

/** A monitor whose last window was stable, and a test of two variants that are alike. */
async function makeWatched(storage: StorageAdapter): Promise<void> {
  const monitor = new DriftMonitor({ storage, name: 'flight-delay', window: { rows: 200 }, reference: profileData({ distance: Float64Array.from({ length: 1000 }, (_, i) => i % 100) }) });
  for (let i = 0; i < 200; i++) monitor.observe({ features: { distance: i % 100 } });
  await monitor.close();
  await using test = new ABTest({ storage, name: 'delay-model', variants: [{ name: 'A' }, { name: 'B' }], metrics: [{ name: 'clicked', kind: 'proportion', role: 'primary' }] });
  for (let i = 0; i < 400; i++) {
    test.expose(`u${i}`);
    test.record(`u${i}`, { clicked: i % 3 === 0 ? 1 : 0 }, { id: `e${i}` });
  }
}

async function writeFiles(directory: string): Promise<void> {
  const csv = (head: string, row: (i: number) => string): string => `${head}\n${Array.from({ length: 400 }, (_, i) => row(i)).join('\n')}\n`;
  const delays = (late: number): string => csv('origin,delay', (i) => `${['ATL', 'JFK'][i % 2]},${((i * 37) % 100) + late}`);
  const addresses = csv('zip,rooms', (i) => `${10_000 + (i % 7)},${i % 5}`);
  for (const [name, text] of [['january.csv', delays(0)], ['february.csv', delays(60)], ['train.csv', addresses], ['today.csv', addresses]] as const) await writeFile(join(directory, name), text);
  for (const name of ['train.parquet', 'today.parquet']) await writeFile(join(directory, name), Buffer.from(parquet, 'base64'));
  await cp(`${fixtures}mlruns`, join(directory, 'mlruns'), { recursive: true });
  await cp(`${fixtures}killed-run.wandb`, join(directory, 'run-q7c3xyoe.wandb'));
  await mkdir(join(directory, 'wandb'));
  await cp(`${fixtures}killed-run.wandb`, join(directory, 'wandb', 'run-q7c3xyoe.wandb'));
}
