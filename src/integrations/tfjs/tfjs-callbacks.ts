import { ValidationError } from '../../core/errors.ts';
import type { ErrorListener } from '../../core/logger.ts';
import { shown } from '../../core/shown.ts';
import type { FitCallbacks, FitLogs, FitYieldEvery } from './fit-callbacks.ts';
import { FitRecorder } from './fit-recorder.ts';
import type { DeviceScalar, StoppableModel, TfjsCallback, TfjsLayers } from './tfjs-layers.ts';
import type { TfjsRun } from './tfjs-run.ts';

/** What of a fit is recorded, and how, with or without {@link TfjsCustomCallbackOptions.tf | `tf`}. */
export interface TfjsRecordingOptions {
  /**
   * Which batches are recorded, under `batch/`, besides the epochs. `'yield'`: those at which the fit gives way to other work, every 125 ms by default. `true`: every one. A number: one in so many, from the first. `false`: none,
   * as is needed without `tf` for a fit with `yieldEvery: 'never'`. Reading a batch waits for the device, so with `true` a training on a GPU may take half as long again; so it may with a number without `tf`, since TensorFlow.js reads every batch then.
   * @default 'yield', or false where `yieldEvery` is 'never'
   */
  batches?: boolean | number | 'yield' | undefined;
  /** Put before the name of every metric, param and tag, such as `fold1/`. @default '' */
  prefix?: string | undefined;
  /** The step of the first epoch at least: how many epochs a run that is resumed has had. Later fits with the same callbacks go on counting by themselves. @default 0 */
  initialEpoch?: number | undefined;
  /** The step of the first batch: how many batches a run that is resumed has had. @default 0 */
  initialBatch?: number | undefined;
  /** Aborting it ends the training after the batch at hand; `fit()` then resolves as if it were done. @default none */
  signal?: AbortSignal | undefined;
  /**
   * What `fit()` is given as `shuffle`, which callbacks are not told; without it `fit()` shuffles. It is recorded as the tag `fit/shuffle`: the generator that shuffles cannot be seeded, so `tracker.reproduction()` warns of `true`.
   * @default not recorded
   */
  shuffle?: boolean | undefined;
  /** Is told what the run throws, which never reaches the training. @default none */
  onError?: ErrorListener | undefined;
}

/** How a fit is recorded by plain callbacks. */
export interface TfjsCallbacksOptions extends TfjsRecordingOptions {
  /** The model that is trained, which plain callbacks are not told; needed for `signal`. @default none */
  model?: StoppableModel | undefined;
}

/** How a fit is recorded by a callback of TensorFlow.js' own class. */
export interface TfjsCustomCallbackOptions<Callback extends TfjsCallback> extends TfjsRecordingOptions {
  /** TensorFlow.js, whose `CustomCallback` is used. */
  tf: TfjsLayers<Callback>;
  /** How often the fit gives way to other work; `fit()` does not hand its own `yieldEvery` to callbacks of this class. @default 'auto' */
  yieldEvery?: FitYieldEvery | undefined;
  /** Whether what `fit()` was called with is recorded as params: `fit/epochs`, `fit/batchSize`, `fit/samples` and so on, under `fit2/` for the second fit. @default false */
  params?: boolean | undefined;
}

/** Options of either kind, as they come. */
type AnyOptions = TfjsCallbacksOptions & Partial<TfjsCustomCallbackOptions<TfjsCallback>>;

/**
 * Callbacks for `model.fit()` and `model.fitDataset()` of TensorFlow.js that record the training in a run: at the end of each epoch its metrics (`loss`, `val_loss`…) with the epoch as the step, and in between the batches at which
 * the fit gives way (`batch/loss`…), numbered through all epochs. NaN is recorded as NaN.
 *
 * Nothing in them waits for the storage and nothing they do fails the training: what the run throws goes to `onError`. When `fit()` fails, no callback is told; end the run with `withRun` or `await using`. The same callbacks may be used for
 * one fit after the other, whose steps go on from those before.
 *
 * Without `tf` they are a plain object, for `fit(x, y, { callbacks: tfjsCallbacks(run) })`. TensorFlow.js does not take plain objects beside `tf.callbacks.earlyStopping()`; with `tf` the result is a `tf.CustomCallback`, which also
 * knows the model and the parameters of the fit.
 *
 * @throws {ValidationError} when an option is not what it should be, or needs `tf`, a `model` or a method that the run lacks.
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import { enableProdMode, tensor2d } from '@tensorflow/tfjs-core';
 * import * as tf from '@tensorflow/tfjs-layers';
 * import { MemoryStorage, Tracker } from 'modelkeep';
 * import { tfjsCallbacks } from 'modelkeep/tfjs';
 *
 * enableProdMode();
 * const model = tf.sequential({ layers: [tf.layers.dense({ inputShape: [1], units: 1 })] });
 * model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
 * const [x, y] = [tensor2d([[1], [2], [3]]), tensor2d([[2], [4], [6]])];
 *
 * const tracker = new Tracker({ storage: new MemoryStorage() });
 * const id = await tracker.withRun({ experiment: 'lines' }, async (run) => {
 *   const callbacks = [tfjsCallbacks(run, { tf, params: true, shuffle: false }), tf.callbacks.earlyStopping({ monitor: 'loss', patience: 3 })];
 *   await model.fit(x, y, { epochs: 20, shuffle: false, verbose: 0, callbacks });
 *   return run.id;
 * });
 * console.log((await tracker.metricHistory(id, 'loss')).values);
 * ```
 */
export function tfjsCallbacks<Callback extends TfjsCallback>(run: TfjsRun, options: TfjsCustomCallbackOptions<Callback>): Callback;
export function tfjsCallbacks(run: TfjsRun, options?: TfjsCallbacksOptions): FitCallbacks;
export function tfjsCallbacks(run: TfjsRun, options: AnyOptions = {}): FitCallbacks | TfjsCallback {
  check(run, options);
  const { tf, yieldEvery, batches = yieldEvery === 'never' ? false : 'yield', signal, params, prefix = '', initialEpoch = 0, initialBatch = 0, shuffle, onError } = options;
  const recorder = new FitRecorder(run, { prefix, initialEpoch, initialBatch, shuffle, onError });
  const stride = typeof batches === 'number' ? batches : batches === true ? 1 : undefined;
  const isDue = (): boolean => stride !== undefined && recorder.batchStep % stride === 0;
  let model = options.model;
  const stop = (): void => {
    if (model !== undefined) model.stopTraining = true;
  };

  const callbacks: FitCallbacks = {
    onTrainBegin() {
      recorder.trainBegins();
      signal?.addEventListener('abort', stop, { once: true });
    },
    onEpochBegin(epoch) {
      recorder.epochBegins(epoch);
      // A fit forgets, after onTrainBegin, that it was told to stop.
      if (signal?.aborted) stop();
    },
    onEpochEnd: (epoch, logs) => recorder.epochEnds(epoch, logs),
    onTrainEnd: () => signal?.removeEventListener('abort', stop),
    ...(batches === false ? {} : { onBatchBegin: () => recorder.batchBegins() }),
    ...(batches === 'yield' ? { onYield: (_epoch: number, _batch: number, logs: FitLogs) => recorder.batchEnds(logs) } : {}),
  };
  if (tf === undefined) {
    if (stride === undefined) return callbacks;
    const onBatchEnd = (_batch: number, logs?: FitLogs): void => {
      if (isDue()) recorder.batchEnds(logs);
    };
    return { ...callbacks, onBatchEnd };
  }

  return hearingMore(new tf.CustomCallback(callbacks, yieldEvery), {
    setModel: (trained) => (model = trained as StoppableModel),
    setParams: params ? (given) => recorder.takesParams(given) : undefined,
    onBatchEnd:
      stride === undefined
        ? undefined
        : async (logs) => {
            if (isDue()) recorder.batchEnds(await readScalars(logs));
          },
    onError: (error) => recorder.report(error),
  });
}

/** What a callback of TensorFlow.js' class is told that it does not pass on to the functions it was made of. */
interface MoreHooks {
  readonly setModel: (model: object) => void;
  readonly setParams: ((params: Readonly<Record<string, unknown>>) => void) | undefined;
  /** Is given values that may still be on the device, unlike `onBatchEnd` of plain callbacks, for which each is read. */
  readonly onBatchEnd: ((logs: Readonly<Record<string, number | DeviceScalar>>) => Promise<void>) | undefined;
  readonly onError: ErrorListener;
}

/** The same callback, whose own properties hide the methods of its class: it stays one of TensorFlow.js' own and hears more. */
function hearingMore<Callback extends TfjsCallback>(callback: Callback, hooks: MoreHooks): Callback {
  const [setModel, setParams, onBatchEnd] = [callback.setModel.bind(callback), callback.setParams.bind(callback), callback.onBatchEnd.bind(callback)];
  const own: TfjsCallback = {
    setModel(model) {
      hooks.setModel(model);
      setModel(model);
    },
    setParams(params) {
      hooks.setParams?.(params);
      setParams(params);
    },
    onBatchEnd:
      hooks.onBatchEnd === undefined
        ? onBatchEnd
        : async (batch, logs = {}) => {
            await hooks.onBatchEnd?.(logs).catch(hooks.onError);
            await onBatchEnd(batch, logs);
          },
  };
  return Object.assign(callback, own);
}

/** The values of a batch, read from the device and left there: TensorFlow.js disposes of them when all callbacks have seen them. */
async function readScalars(logs: Readonly<Record<string, number | DeviceScalar>>): Promise<FitLogs> {
  const read = async (value: number | DeviceScalar): Promise<number> => (typeof value === 'number' ? value : Number((await value.data())[0]));
  return Object.fromEntries(await Promise.all(Object.entries(logs).map(async ([name, value]) => [name, await read(value)] as const)));
}

function check(run: TfjsRun, options: AnyOptions): void {
  const { tf, batches, prefix, initialEpoch, initialBatch, signal, model, params, shuffle } = options;
  const fail = (path: string, message: string): never => {
    throw new ValidationError(message, { path });
  };
  if (typeof run?.logMetrics !== 'function') fail('run', `run is ${shown(run, 80)}; give a run, or something else with logMetrics().`);
  if (tf !== undefined && typeof tf?.CustomCallback !== 'function') fail('tf', "tf has no CustomCallback; give all of '@tensorflow/tfjs' or '@tensorflow/tfjs-layers': import * as tf.");
  if (!(batches === undefined || batches === 'yield' || typeof batches === 'boolean' || (Number.isSafeInteger(batches) && batches > 0))) {
    fail('batches', `batches is ${shown(batches, 80)}; give 'yield', true, false or a whole number of at least 1.`);
  }
  if (prefix !== undefined && typeof prefix !== 'string') fail('prefix', `prefix is ${shown(prefix, 80)}; give a text such as 'fold1/'.`);
  for (const [name, value] of Object.entries({ initialEpoch, initialBatch })) {
    if (value !== undefined && !(Number.isSafeInteger(value) && value >= 0)) fail(name, `${name} is ${shown(value, 80)}; give a whole number of at least 0.`);
  }
  if (signal !== undefined && typeof signal?.addEventListener !== 'function') fail('signal', `signal is ${shown(signal, 80)}; give an AbortSignal.`);
  if (signal !== undefined && tf === undefined && (typeof model !== 'object' || model === null)) fail('model', 'A signal can only stop a model that is known; give the model, or tf.');
  if (params && tf === undefined) fail('params', 'TensorFlow.js tells plain callbacks nothing of how fit() was called; give tf as well, or log the params yourself.');
  if (params && typeof run.logParams !== 'function') fail('params', 'The run has no logParams() to record the params of the fit with.');
  if (shuffle !== undefined && typeof shuffle !== 'boolean') fail('shuffle', `shuffle is ${shown(shuffle, 80)}; give what fit() is given, true or false.`);
  if (shuffle !== undefined && typeof run.setTags !== 'function') fail('shuffle', 'The run has no setTags() to record shuffle with.');
}
