import { tensor2d } from '@tensorflow/tfjs-core';
import * as layers from '@tensorflow/tfjs-layers';

/** What a bundler puts in, as by `define: { BUILD_COMMIT: JSON.stringify(…) }` of Vite or esbuild. */
declare const BUILD_COMMIT: string;

const model = layers.sequential({ layers: [layers.layers.dense({ inputShape: [1], units: 1 })] });
model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
const [x, y] = [tensor2d([[1], [2], [3], [4]]), tensor2d([[2], [4], [6], [8]])];

// #region training
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core'; // or the one package @tensorflow/tfjs
import { Tracker } from 'modelkeep';
import { browserEnvironment, browserSystemMetrics } from 'modelkeep/browser';
import { IndexedDBStorage } from 'modelkeep/indexeddb';
import { tfjsBackend, tfjsCallbacks } from 'modelkeep/tfjs';

await tf.ready();
const tracker = new Tracker({
  storage: new IndexedDBStorage('runs'),
  environment: browserEnvironment({ code: { commit: BUILD_COMMIT } }),
  systemMetrics: browserSystemMetrics({ tf }),
});
await tracker.withRun({ experiment: 'lines', params: { backend: tfjsBackend(tf).backend } }, (run) => model.fit(x, y, { epochs: 20, callbacks: tfjsCallbacks(run) }));
// #endregion training

export const [run] = (await tracker.listRuns({ experiments: ['lines'] })).items;
