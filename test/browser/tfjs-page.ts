import '@tensorflow/tfjs-backend-cpu';
import * as core from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-layers';
import { Registry, Tracker, isModelkeepError } from 'modelkeep';
import { browserEnvironment, browserSystemMetrics } from 'modelkeep/browser';
import { IndexedDBStorage } from 'modelkeep/indexeddb';
import { registerTfjsScheme, tfjsBackend, tfjsCallbacks, tfjsHandler } from 'modelkeep/tfjs';

core.enableProdMode();

const storage = new IndexedDBStorage('tfjs');
const tracker = new Tracker({
  storage,
  environment: browserEnvironment({ code: { commit: 'abc' }, gpu: true }),
  systemMetrics: browserSystemMetrics({ tf: core }),
  // So long that only what is flushed by the page's own events is there before the end.
  flushInterval: '1h',
});

/** Rows of numbers of which the second is twice the first, and a model that finds out. */
function line(): { x: core.Tensor2D; y: core.Tensor2D; model: tf.LayersModel } {
  const inputs = Array.from({ length: 64 }, (_, i) => i / 64);
  const model = tf.sequential({ layers: [tf.layers.dense({ inputShape: [1], units: 1, kernelInitializer: 'zeros' })] });
  model.compile({ optimizer: 'sgd', loss: 'meanSquaredError', metrics: ['mse'] });
  return { x: core.tensor2d(inputs, [64, 1]), y: core.tensor2d(inputs.map((value) => 2 * value), [64, 1]), model };
}

/** Trains beside earlyStopping, and gives what the fit itself says of it. */
export async function train(): Promise<{ id: string; losses: number[]; leaked: number }> {
  await core.ready();
  const { x, y, model } = line();
  const before = core.memory().numTensors;
  const { run, history } = await tracker.withRun({ experiment: 'lines', params: { backend: tfjsBackend(core).backend } }, async (run) => {
    const callbacks = [tfjsCallbacks(run, { tf, batches: true, params: true, shuffle: true }), tf.callbacks.earlyStopping({ monitor: 'val_loss' })];
    return { run, history: await model.fit(x, y, { epochs: 5, batchSize: 16, validationSplit: 0.25, verbose: 0, callbacks }) };
  });
  return { id: run.id, losses: history.history['loss'] as number[], leaked: core.memory().numTensors - before };
}

/** Logs to a run that is never ended. */
export async function trainAndStay(): Promise<string> {
  await core.ready();
  const { x, y, model } = line();
  const run = await tracker.startRun({ experiment: 'left', systemMetrics: false });
  await model.fit(x, y, { epochs: 3, verbose: 0, callbacks: tfjsCallbacks(run) });
  return run.id;
}

/** What a page is told when its tab goes into the background, which a tab of a browser without windows never does by itself. */
export function hide(): void {
  Object.defineProperty(document, 'visibilityState', { value: 'hidden' });
  document.dispatchEvent(new Event('visibilitychange', { bubbles: true }));
}

/** Resolves when something of a run's metrics is stored. */
export async function untilFlushed(id: string): Promise<void> {
  while ((await tracker.metricHistory(id, 'loss')).steps.length === 0) await new Promise((resolve) => setTimeout(resolve));
}

/** What is stored of a run. */
export async function readBack(id: string): Promise<object> {
  const { status, params, tags, metrics } = await tracker.getRun(id);
  const { warnings } = await tracker.reproduction(id);
  const [loss, batches] = await Promise.all(['loss', 'batch/loss'].map((name) => tracker.metricHistory(id, name)));
  return {
    status,
    params,
    tags,
    metrics: Object.keys(metrics).sort(),
    loss: { steps: [...loss!.steps], values: [...loss!.values] },
    batchSteps: [...batches!.steps],
    environment: await tracker.environment(id),
    warnings: warnings.map(({ code }) => code),
  };
}

const registry = new Registry({ storage });
registerTfjsScheme(core, registry);

/** Saves a trained model, in shards, and gives what it predicts. */
export async function saveModel(): Promise<number[]> {
  await core.ready();
  const { x, y, model } = line();
  await model.fit(x, y, { epochs: 2, verbose: 0 });
  await registry.createModel('line');
  await model.save(tfjsHandler(registry, 'line', { shardBytes: 4 }), { includeOptimizer: true });
  await model.save('modelkeep://line');
  return [...(model.predict(x) as core.Tensor).dataSync()];
}

/** What a saved model predicts. */
export async function predictAgain(address: string): Promise<number[]> {
  await core.ready();
  const model = await tf.loadLayersModel(address);
  return [...(model.predict(line().x) as core.Tensor).dataSync()];
}

/** Flips a bit of a shard where IndexedDB has it, and gives what loading says then. */
export async function loadDamaged(): Promise<{ code: string; message: string } | undefined> {
  await core.ready();
  const shard = (await registry.getVersion('line@1')).files.find(({ path }) => path.startsWith('group1-shard1of'))!;
  await flipStored(await (await registry.load('line@1')).file(shard.path));
  try {
    await tf.loadLayersModel('modelkeep://line@1');
    return undefined;
  } catch (error) {
    if (!isModelkeepError(error)) throw error;
    return { code: error.code, message: error.message };
  }
}

/** Changes the bytes in whatever object store has them. */
async function flipStored(wanted: Uint8Array): Promise<void> {
  const asked = <T>(request: IDBRequest<T>): Promise<T> => new Promise((resolve, reject) => Object.assign(request, { onsuccess: () => resolve(request.result), onerror: () => reject(request.error!) }));
  for (const { name } of await indexedDB.databases()) {
    const database = await asked(indexedDB.open(name!));
    for (const store of database.objectStoreNames) {
      const objects = database.transaction(store, 'readwrite').objectStore(store);
      for (const key of await asked(objects.getAllKeys())) {
        const value: unknown = await asked(objects.get(key));
        const bytes = bytesIn(value).find((each) => each.length === wanted.length && each.every((byte, i) => byte === wanted[i]));
        if (bytes === undefined) continue;
        bytes[0]! ^= 1;
        await asked(objects.keyPath === null ? objects.put(value, key) : objects.put(value));
      }
    }
    database.close();
  }
}

function bytesIn(value: unknown): Uint8Array[] {
  if (value instanceof Uint8Array) return [value];
  if (value instanceof ArrayBuffer) return [new Uint8Array(value)];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(bytesIn) : [];
}
