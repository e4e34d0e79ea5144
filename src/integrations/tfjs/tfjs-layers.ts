import type { FitCallbacks, FitYieldEvery } from './fit-callbacks.ts';

/** A model whose training can be stopped, such as a `tf.LayersModel`. */
export interface StoppableModel {
  /** Set to true, it ends the training after the batch at hand. */
  stopTraining: boolean;
}

/** A value of a batch that is still on the device. */
export interface DeviceScalar {
  /** Reads it. */
  data(): Promise<ArrayLike<unknown>>;
}

/** What is needed of a `tf.CustomCallback`. */
export interface TfjsCallback {
  /** Is given what a fit was called with. */
  setParams(params: Readonly<Record<string, unknown>>): void;
  /** Is given the model that is trained. */
  setModel(model: object): void;
  /** Is called after each batch. */
  onBatchEnd(batch: number, logs?: Readonly<Record<string, number | DeviceScalar>>): Promise<void>;
}

/** What is needed of TensorFlow.js to make a callback of its own class: `import * as tf from '@tensorflow/tfjs'`, or `'@tensorflow/tfjs-layers'`. */
export interface TfjsLayers<Callback extends TfjsCallback> {
  /** The class. */
  readonly CustomCallback: {
    /** Makes one of plain callbacks. */
    new (callbacks: FitCallbacks, yieldEvery?: FitYieldEvery): Callback;
  };
}
