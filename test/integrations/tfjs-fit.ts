import '@tensorflow/tfjs-backend-cpu';
import * as core from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import type { FitCallbacks, TfjsRun } from 'modelkeep/tfjs';

core.enableProdMode();

/** TensorFlow.js in one piece, as `@tensorflow/tfjs` gives it. */
export const tf: Omit<typeof core, 'default'> & Omit<typeof tfl, 'default'> = { ...core, ...tfl };

/** A line through rows of numbers, and what it should be: 8 rows. */
export function line(): { x: core.Tensor2D; y: core.Tensor2D } {
  const inputs = Array.from({ length: 8 }, (_, i) => i / 8);
  return { x: core.tensor2d(inputs, [8, 1]), y: core.tensor2d(inputs.map((value) => 2 * value), [8, 1]) };
}

/** A model of one weight that begins at 0, so that every training of it is the same. */
export function lineModel({ learningRate = 0.1 }: { learningRate?: number } = {}): tfl.LayersModel {
  const model = tfl.sequential({ layers: [tfl.layers.dense({ inputShape: [1], units: 1, kernelInitializer: 'zeros' })] });
  model.compile({ optimizer: core.train.sgd(learningRate), loss: 'meanSquaredError', metrics: ['mse'] });
  return model;
}

/** What `fit` of a line is called with: two batches of four rows in each epoch. */
const twoBatches = { epochs: 3, batchSize: 4, shuffle: false, verbose: 0 } as const;

/** Trains a line and disposes of everything. */
export async function fitLine(callbacks: FitCallbacks | tfl.CustomCallback | (FitCallbacks | tfl.Callback | tfl.CustomCallback)[], more: tfl.ModelFitArgs = {}, model: tfl.LayersModel = lineModel()): Promise<tfl.History> {
  const { x, y } = line();
  const history = await model.fit(x, y, { ...twoBatches, ...more, callbacks: callbacks as FitCallbacks });
  core.dispose([x, y]);
  return history;
}

/** A run that keeps in memory what it is given. */
export class KeptRun implements TfjsRun {
  readonly points: { step: number; values: Readonly<Record<string, number>> }[] = [];
  readonly params: Record<string, number | boolean> = {};
  readonly tags: Record<string, string> = {};

  logMetrics(values: Readonly<Record<string, number>>, { step }: { step: number }): void {
    this.points.push({ step, values });
  }

  async logParams(values: Readonly<Record<string, number | boolean>>): Promise<void> {
    Object.assign(this.params, values);
  }

  setTags(values: Readonly<Record<string, string>>): void {
    Object.assign(this.tags, values);
  }

  /** The steps at which a metric was logged, in order. */
  steps(metric: string): number[] {
    return this.points.filter(({ values }) => metric in values).map(({ step }) => step);
  }

  /** The values of a metric, in order. */
  values(metric: string): number[] {
    return this.points.filter(({ values }) => metric in values).map(({ values }) => values[metric]!);
  }
}
