import { isModelkeepError } from 'modelkeep';
import { tfjsBackend, tfjsCallbacks, tfjsHandler } from 'modelkeep/tfjs';
import { measures, split, type Example } from './data.ts';
import { core, createModel, inputsOf, labelsOf, tf } from './model.ts';
import { experiment, modelName, registry, tracker } from './store.ts';

/** What a training may be told. */
export interface TrainingOptions {
  readonly epochs: number;
  readonly learningRate: number;
  readonly seed: number;
}

// #region train
/** Trains a model and puts it into production. All of it is recorded in a run, whose id is given back. */
export async function train({ epochs, learningRate, seed }: TrainingOptions): Promise<string> {
  await core.ready();
  const rows = split();
  const [x, y] = tensorsOf(rows.train);
  const validationData = tensorsOf(rows.test);
  const model = createModel(seed, learningRate);
  try {
    return await tracker.withRun({ experiment, params: { learningRate, seed, backend: tfjsBackend(core).backend } }, async (run) => {
      // The rows are shuffled by the seed already: shuffled again by fit(), no training could be repeated.
      const callbacks = [tfjsCallbacks(run, { tf, params: true, shuffle: false, batches: false, yieldEvery: 'never' }), new tf.CustomCallback({ onEpochEnd: letOthersWork }, 'never')];
      const { history } = await model.fit(x, y, { epochs, batchSize: 32, shuffle: false, validationData, verbose: 0, yieldEvery: 'never', callbacks });
      await register(model, run.id, (history['val_acc'] as number[]).at(-1)!);
      return run.id;
    });
  } finally {
    core.dispose([x, y, ...validationData]);
    model.dispose();
  }
}

async function register(model: tf.LayersModel, run: string, accuracy: number): Promise<void> {
  await ensureModel();
  const handler = tfjsHandler(registry, modelName, { run, metrics: { accuracy }, signature });
  await model.save(handler);
  await registry.promote(`${modelName}@${handler.version!.version}`, 'production', { by: 'page', reason: `right about ${(100 * accuracy).toFixed(1)} % of the penguins it was not trained with` });
}
// #endregion train

// #region give-way
/** Gives way to what else the page does. TensorFlow.js itself would wait for the next frame, which never comes while the tab is in the background. */
function letOthersWork(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(undefined);
  });
}
// #endregion give-way

const signature = { input: { type: 'row', columns: measures.map((name) => ({ name, type: 'float64', minimum: 0 })) } } as const;

async function ensureModel(): Promise<void> {
  try {
    await registry.createModel(modelName, { description: 'The species of a penguin, by four measures' });
  } catch (error) {
    // An earlier training made it, or one in another tab at this moment.
    if (!isModelkeepError(error, 'conflict')) throw error;
  }
}

function tensorsOf(examples: readonly Example[]): [core.Tensor2D, core.Tensor2D] {
  return [inputsOf(examples.map(({ penguin }) => penguin)), labelsOf(examples)];
}
