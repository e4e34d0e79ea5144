import '@tensorflow/tfjs-backend-cpu';
import * as core from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-layers';
import { measures, species, type Example, type Penguin } from './data.ts';

// About the mean and the spread of each measure, so that all inputs are of one size. They belong to the model: whoever asks it gives millimetres and grams.
const centre = [44, 17, 201, 4200];
const spread = [5.5, 2, 14, 800];

/** A small network that tells the species; the same weights at the start for the same seed. */
export function createModel(seed: number, learningRate: number): tf.LayersModel {
  const initializer = (offset: number) => tf.initializers.glorotUniform({ seed: seed + offset });
  const model = tf.sequential({
    layers: [
      tf.layers.dense({ inputShape: [measures.length], units: 12, activation: 'relu', kernelInitializer: initializer(1) }),
      tf.layers.dense({ units: species.length, activation: 'softmax', kernelInitializer: initializer(2) }),
    ],
  });
  model.compile({ optimizer: core.train.adam(learningRate), loss: 'categoricalCrossentropy', metrics: ['accuracy'] });
  return model;
}

/** Penguins as the network takes them. */
export function inputsOf(penguins: readonly Penguin[]): core.Tensor2D {
  return core.tensor2d(penguins.map((penguin) => measures.map((name, i) => (penguin[name] - centre[i]!) / spread[i]!)), [penguins.length, measures.length]);
}

/** Species as the network is to answer them. */
export function labelsOf(examples: readonly Example[]): core.Tensor2D {
  return core.tensor2d(examples.map((example) => species.map((name) => Number(name === example.species))), [examples.length, species.length]);
}

/** What the network answers: for each penguin, how likely each species is. */
export async function scoresOf(model: tf.LayersModel, penguins: readonly Penguin[]): Promise<number[][]> {
  const x = inputsOf(penguins);
  const y = model.predict(x) as core.Tensor2D;
  try {
    return await y.array();
  } finally {
    core.dispose([x, y]);
  }
}

export { core, tf };
