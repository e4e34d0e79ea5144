import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { layers, loadLayersModel, sequential, type LayersModel } from '@tensorflow/tfjs-layers';
import { modelColumns, learnScaling, scale, type Matrix, type Scaling } from './model-inputs.ts';

// Without this TensorFlow.js greets on the console and checks every number.
tf.enableProdMode();

/** The files of a network, as the registry keeps them. */
export interface NetworkFiles {
  /** JSON: topology, weight specs and the scaling of the inputs. */
  'model.json': string;
  'weights.bin': Uint8Array;
}

/** Probability of a delay for each row. */
export type Predictor = (inputs: Matrix) => Float32Array;

/** How a network is trained. */
export interface TrainingOptions {
  epochs: number;
  batchSize: number;
  learningRate: number;
  seed: number;
  /** Ends the training after the batch at hand. */
  signal?: AbortSignal;
  onBatch?: (step: number, loss: number) => void;
}

/** A small network on scaled inputs, the same for the same data and seed. */
export async function trainNetwork(inputs: Matrix, labels: Float32Array, options: TrainingOptions): Promise<NetworkFiles> {
  const scaling = learnScaling(inputs);
  const model = buildNetwork(options.seed);
  model.compile({ optimizer: tf.train.adam(options.learningRate), loss: 'binaryCrossentropy' });
  const x = tf.tensor2d(scale(inputs, scaling).values, [inputs.rows, modelColumns.length]);
  const y = tf.tensor2d(labels, [labels.length, 1]);
  let step = 0;
  // The rows come shuffled by a seed of our own: the shuffle of fit cannot be seeded.
  await model.fit(x, y, {
    epochs: options.epochs,
    batchSize: options.batchSize,
    shuffle: false,
    verbose: 0,
    yieldEvery: 'batch',
    callbacks: {
      onBatchEnd: async (_batch, logs) => {
        options.onBatch?.(step++, logs!['loss']!);
        if (options.signal?.aborted) model.stopTraining = true;
      },
    },
  });
  tf.dispose([x, y]);
  options.signal?.throwIfAborted();
  const files = await toFiles(model, scaling);
  model.dispose();
  return files;
}

/** The files of a network that has learnt nothing: the worse version of this story. */
export async function untrainedNetwork(inputs: Matrix, seed: number): Promise<NetworkFiles> {
  const model = buildNetwork(seed);
  const files = await toFiles(model, learnScaling(inputs));
  model.dispose();
  return files;
}

/** Makes a predictor of a network's files. */
export async function loadNetwork(modelJson: string, weights: Uint8Array): Promise<Predictor> {
  const { modelTopology, weightSpecs, scaling } = JSON.parse(modelJson) as { modelTopology: object; weightSpecs: tf.io.WeightsManifestEntry[]; scaling: Scaling };
  const model = await loadLayersModel(tf.io.fromMemory({ modelTopology, weightSpecs, weightData: weights.slice().buffer }));
  return (inputs) =>
    tf.tidy(() => {
      const x = tf.tensor2d(scale(inputs, scaling).values, [inputs.rows, modelColumns.length]);
      return (model.predict(x, { batchSize: 8_192 }) as tf.Tensor).dataSync() as Float32Array;
    });
}

function buildNetwork(seed: number): LayersModel {
  const initializer = (offset: number): { className: string; config: { seed: number } } => ({ className: 'GlorotUniform', config: { seed: seed + offset } });
  return sequential({
    layers: [
      layers.dense({ inputShape: [modelColumns.length], units: 16, activation: 'relu', kernelInitializer: initializer(0) as never }),
      layers.dense({ units: 8, activation: 'relu', kernelInitializer: initializer(1) as never }),
      layers.dense({ units: 1, activation: 'sigmoid', kernelInitializer: initializer(2) as never }),
    ],
  });
}

async function toFiles(model: LayersModel, scaling: Scaling): Promise<NetworkFiles> {
  let saved: tf.io.ModelArtifacts | undefined;
  await model.save(
    tf.io.withSaveHandler(async (artifacts) => {
      saved = artifacts;
      return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } };
    }),
  );
  const { modelTopology, weightSpecs, weightData } = saved!;
  return {
    'model.json': JSON.stringify({ modelTopology, weightSpecs, scaling }),
    'weights.bin': new Uint8Array(tf.io.CompositeArrayBuffer.join(weightData)),
  };
}
