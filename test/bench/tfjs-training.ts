import '@tensorflow/tfjs-backend-cpu';
import * as core from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-layers';
import type { FitCallbacks } from 'modelkeep/tfjs';

core.enableProdMode();

/** A training of known size: rows of 32 numbers through a hidden layer, five epochs of batches of 32. */
export class Training {
  readonly #model: tf.LayersModel;
  readonly #x: core.Tensor2D;
  readonly #y: core.Tensor2D;

  constructor({ rows, hidden }: { rows: number; hidden: number }) {
    this.#model = tf.sequential({ layers: [tf.layers.dense({ inputShape: [32], units: hidden, activation: 'relu' }), tf.layers.dense({ units: 1 })] });
    this.#model.compile({ optimizer: 'sgd', loss: 'meanSquaredError', metrics: ['mae'] });
    this.#x = core.randomNormal([rows, 32], 0, 1, 'float32', 1);
    this.#y = core.randomNormal([rows, 1], 0, 1, 'float32', 2);
  }

  /** Trains, with callbacks or without. */
  async fit(callbacks?: FitCallbacks | tf.CustomCallback): Promise<void> {
    await this.#model.fit(this.#x, this.#y, { epochs: 5, batchSize: 32, shuffle: false, verbose: 0, ...(callbacks !== undefined && { callbacks }) });
  }

  dispose(): void {
    this.#model.dispose();
    core.dispose([this.#x, this.#y]);
  }
}

/** TensorFlow.js, as far as callbacks need it. */
export { tf };
