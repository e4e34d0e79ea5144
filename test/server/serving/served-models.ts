import '@tensorflow/tfjs-backend-cpu';
import * as core from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { Deployment, MemoryStorage, Registry, type Predictor } from 'modelkeep';
import type { ServedTensor } from 'modelkeep/server';
import { tfjsHandler, tfjsSignature } from 'modelkeep/tfjs';

core.enableProdMode();

/** A layers model of TensorFlow.js whose outputs are known, y = x·w + b, in production in a registry and served. */
export async function serveTfjs(): Promise<Deployment<ServedTensor, ServedTensor>> {
  const storage = new MemoryStorage();
  const registry = new Registry({ storage });
  await registry.createModel('line');
  const model = tfl.sequential({ layers: [tfl.layers.dense({ inputShape: [3], units: 2 })] });
  const weights = [core.tensor2d([1, 10, 2, 20, 3, 30], [3, 2]), core.tensor1d([0.5, -0.5])];
  model.setWeights(weights);
  await model.save(tfjsHandler(registry, 'line', { signature: tfjsSignature(model) }));
  await registry.promote('line@1', 'production', { by: 'test', reason: 'known' });
  core.dispose(weights);
  model.dispose();
  return new Deployment({ storage, registry, model: 'line', load: ({ version }) => tfjsPredictor(registry, version.version) });
}

async function tfjsPredictor(registry: Registry, version: number): Promise<Predictor<ServedTensor, ServedTensor>> {
  const model = await tfl.loadLayersModel(tfjsHandler(registry, `line@${version}`));
  return {
    async predict({ data, shape, dtype }) {
      const x = core.tensor(data as Float32Array, [...shape], dtype as 'float32');
      const y = model.predict(x) as core.Tensor;
      try {
        return { dtype: y.dtype as 'float32', shape: y.shape, data: (await y.data()) as Float32Array };
      } finally {
        core.dispose([x, y]);
      }
    },
    dispose: () => model.dispose(),
  };
}

/** How many tensors TensorFlow.js holds. */
export function tensorCount(): number {
  return core.memory().numTensors;
}
