import * as z from 'zod/mini';
import { systemClock } from '../../core/clock.ts';
import { check } from '../../core/schema.ts';
import { predictorProgram } from '../../serving/execution/threads/predictor-program.ts';
import { threadPredictor, workerPredictorShape, type WorkerPredictor, type WorkerPredictorOptions } from '../../serving/execution/threads/thread-predictor.ts';
import { NodeThread } from './node-thread.ts';
import { threadLimits, type ThreadLimits } from './worker-pool.ts';

/** How a model is loaded and run in a worker thread. */
export interface WorkerThreadPredictorOptions extends WorkerPredictorOptions {
  /** How much memory the thread may have; it ends when it needs more. What typed arrays hold is not counted. @default Node's */
  readonly resourceLimits?: ThreadLimits | undefined;
}

const schema = /* @__PURE__ */ z.strictObject({ ...workerPredictorShape, resourceLimits: threadLimits });

/**
 * A model that answers in a worker thread, so that what computes for long holds up neither this process nor its timeouts. The module exports a function that loads the model there: it is called with `argument`, and gives what the `load` of a deployment gives, a function or an object with `predict` or
 * `predictBatch`. Inputs and outputs travel as structured clones.
 *
 * When a call goes on beyond `grace` after its signal has fired, since its request has timed out or its caller has left, the thread is ended, even in the middle of a loop. All calls in it fail with the code `worker-failed`, and so do those in a thread that dies of itself: of an error that nothing caught, or of too little memory. Another thread takes its
 * place, loads the model and warms it up as it was; calls that come meanwhile wait for that. `dispose` has the model dispose of itself, and ends the thread.
 *
 * Rejects with what loading the model failed of, with `NotFoundError` when there is no such module, and with `ValidationError` when it exports no such function, that gives no model, or an option is not what it must be. What the model throws is thrown here with its message, name, stack and `code`.
 *
 * @param module - Where the thread imports the function from, such as `new URL('./model.js', import.meta.url)`.
 *
 * @typeParam Input - What one request asks.
 * @typeParam Output - What it is answered.
 *
 * @example
 * ```ts
 * import { workerPredictor } from 'modelkeep/node';
 *
 * // In a program: new URL('./model.js', import.meta.url).
 * const module = new URL('data:text/javascript,export default ({ weights }) => (x) => x.reduce((sum, value, i) => sum + value * weights[i], 0);');
 * const model = await workerPredictor<number[], number>(module, { argument: { weights: [2, 3] } });
 * console.log(await model.predict?.([1, 2], { signal: AbortSignal.timeout(1000) })); // 8
 * await model.dispose();
 * ```
 */
export async function workerPredictor<Input = unknown, Output = unknown>(module: URL, options: WorkerThreadPredictorOptions = {}): Promise<WorkerPredictor<Input, Output>> {
  const { resourceLimits, ...rest } = check(schema, options, 'options');
  return threadPredictor<Input, Output>(module, rest, { clock: systemClock, begin: () => new NodeThread(predictorProgram, { ...resourceLimits }) });
}
