import { checkStore, collectGarbage, DriftMonitor, exportStore, FeatureStore, featureView, importStore, MemoryStorage, Pipeline, profileData, Registry, Tracker, type GarbageReport, type StorageAdapter } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { describe, expect, it } from 'vitest';
import { fromUtf8, utf8 } from '../../src/core/bytes.ts';
import { listAll } from '../../src/storage/records.ts';
import { temporaryDirectories } from './filesystem/temporary-directory.ts';
import { SimulatedTime } from './simulated-time.ts';
import { contentsOf } from './store-contents.ts';

const directory = temporaryDirectories();
const big = 'x'.repeat(50_000);
const environment = { describe: async () => ({ runtime: { name: 'node', version: '20' } }) as never, onExit: () => () => undefined };
const profile = profileData({ amount: Float64Array.from({ length: 400 }, (_, i) => i) });

/** Uses every part of modelkeep that keeps blobs, and gives the id of the run. */
async function use(storage: StorageAdapter): Promise<string> {
  const tracker = new Tracker({ storage, environment });
  const id = await tracker.withRun({ experiment: 'demo' }, async (run) => {
    run.logMetrics({ loss: 0.5 });
    await run.logArtifact('weights.bin', utf8(big));
    return run.id;
  });
  const registry = new Registry({ storage });
  await registry.createModel('fraud');
  for (const weights of ['[1]', '[2]']) await registry.registerVersion('fraud', { files: { 'model.json': weights, 'notes/readme.txt': `about ${weights}` } });
  await registry.promote('fraud@1', 'production', { by: 'me', reason: 'first' });
  const features = new FeatureStore({ storage });
  await features.apply([featureView({ name: 'spend', entity: ['customer'], timestamp: 'at', features: { amount: 'float64' } })]);
  await features.ingest('spend', [{ customer: 'anna', at: 1000, amount: 3 }], { online: true });
  const pipeline = new Pipeline({ name: 'train', storage });
  const rows = pipeline.step('rows', {}, async () => big);
  pipeline.step('size', { needs: { rows } }, async ({ inputs }) => inputs.rows.length);
  await pipeline.run();
  await using monitor = new DriftMonitor({ storage, name: 'fraud', reference: profile, window: { rows: 200 } });
  for (let i = 0; i < 200; i++) monitor.observe({ version: 1, features: { amount: i } });
  await monitor.check();
  return id;
}

/** Reads again what lies in blobs. */
async function read(storage: StorageAdapter, run: string): Promise<void> {
  const tracker = new Tracker({ storage });
  expect(fromUtf8(await tracker.readArtifact(run, 'weights.bin'))).toBe(big);
  expect(await tracker.environment(run)).toMatchObject({ runtime: { name: 'node' } });
  const registry = new Registry({ storage });
  for (const ref of ['fraud@production', 'fraud@2']) {
    const loaded = await registry.load(ref);
    expect(fromUtf8(await loaded.file('notes/readme.txt'))).toMatch(/^about/);
  }
  await using monitor = await DriftMonitor.open({ storage, name: 'fraud', window: { rows: 200 } });
  for (let i = 0; i < 200; i++) monitor.observe({ version: 1, features: { amount: 1000 } });
  expect((await monitor.check()).status).toBe('drifted');
}

describe.each([
  ['MemoryStorage', () => new MemoryStorage()],
  ['FilesystemStorage', () => new FilesystemStorage(directory())],
])('a store made by real use, on a %s', (_name, open) => {
  it('loses nothing to the collection of garbage, and is well', async () => {
    await using storage = open();
    const clock = new SimulatedTime();
    const run = await use(storage);
    const nothing: GarbageReport = { marked: 0, waiting: 0, deleted: 0, freedBytes: 0, leftovers: 0 };
    let blobs = 0;
    for await (const { size } of listAll(storage, { kind: 'blob' })) blobs += size > 0 ? 1 : 0;
    expect(blobs).toBeGreaterThanOrEqual(6);
    for (let i = 0; i < 3; i++) {
      expect(await collectGarbage(storage, { clock })).toEqual(nothing);
      clock.time += 86_400_000;
    }
    for await (const finding of checkStore(storage)) expect(finding).toBeUndefined();
    await read(storage, run);
  });

  it('keeps the reference of a monitor that has seen nothing for long', async () => {
    await using storage = open();
    const clock = new SimulatedTime();
    await using monitor = new DriftMonitor({ storage, name: 'idle', reference: profile, window: { rows: 200 } });
    await monitor.flush();
    for (let i = 0; i < 2; i++) {
      await collectGarbage(storage, { clock });
      clock.time += 86_400_000;
    }
    for (let i = 0; i < 200; i++) monitor.observe({ version: 1, features: { amount: i } });
    await monitor.check();
    for await (const finding of checkStore(storage)) expect(finding).toBeUndefined();
  });

  it('is the same when it was exported and imported', async () => {
    await using storage = open();
    const run = await use(storage);
    const copy = new MemoryStorage();
    await importStore(copy, exportStore(storage));
    expect(await contentsOf(copy)).toEqual(await contentsOf(storage));
    for await (const finding of checkStore(copy)) expect(finding).toBeUndefined();
    await read(copy, run);
  });
});
