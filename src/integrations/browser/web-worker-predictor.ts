import * as z from 'zod/mini';
import { systemClock } from '../../core/clock.ts';
import { ModelkeepError } from '../../core/errors.ts';
import { check } from '../../core/schema.ts';
import { predictorProgram } from '../../serving/execution/threads/predictor-program.ts';
import { threadPredictor, workerPredictorShape, type WorkerPredictor, type WorkerPredictorOptions } from '../../serving/execution/threads/thread-predictor.ts';
import { WebThread, type WorkerGlobals } from './web-thread.ts';

const schema = /* @__PURE__ */ z.strictObject(workerPredictorShape);

/**
 * A model that answers in a module Web Worker, so that what computes for long holds up neither the page nor its timeouts. The module exports a function that loads the model there: it is called with `argument`, and gives what the `load` of a deployment gives, a function or an object with `predict` or
 * `predictBatch`. Inputs and outputs travel as structured clones. The module is loaded from the page's own origin, or from one that allows it by CORS.
 *
 * When a call goes on beyond `grace` after its signal has fired, since its request has timed out or its caller has left, the worker is ended, even in the middle of a loop. All calls in it fail with the code `worker-failed`, and so do those in a worker that dies of itself, such as of an error that nothing caught. Another worker takes its
 * place, loads the model and warms it up as it was; calls that come meanwhile wait for that. `dispose` has the model dispose of itself, and ends the worker.
 *
 * Rejects with what loading the model failed of, with the code `worker-failed` when the worker cannot be begun or the module does not load, with `ValidationError` when it exports no such function, that gives no model, or an option is not what it must be, and with an error of code `unsupported` where there are no Web Workers. What the model throws is
 * thrown here with its message, name, stack and `code`.
 *
 * @param module - Where the worker imports the function from, such as `new URL('./model.js', import.meta.url)`.
 *
 * @typeParam Input - What one request asks.
 * @typeParam Output - What it is answered.
 *
 * @example
 * ```ts
 * import { workerPredictor } from 'modelkeep/browser';
 *
 * if ('Worker' in globalThis) {
 *   const model = await workerPredictor<number[], number>(new URL('./model.js', import.meta.url), { argument: { weights: [2, 3] } });
 *   console.log(await model.predict?.([1, 2], { signal: AbortSignal.timeout(1000) }));
 * }
 * ```
 */
export async function workerPredictor<Input = unknown, Output = unknown>(module: URL, options: WorkerPredictorOptions = {}): Promise<WorkerPredictor<Input, Output>> {
  const given = check(schema, options, 'options');
  const globals = globalThis as WorkerGlobals;
  if (globals.Worker === undefined) throw new ModelkeepError('unsupported', "This host has no Web Workers; in Node take workerPredictor of 'modelkeep/node'.", {});
  return threadPredictor<Input, Output>(module, given, { clock: systemClock, begin: () => new WebThread(globals, predictorProgram) });
}
