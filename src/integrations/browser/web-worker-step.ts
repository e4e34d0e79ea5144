import * as z from 'zod/mini';
import { systemClock } from '../../core/clock.ts';
import { ModelkeepError } from '../../core/errors.ts';
import { check } from '../../core/schema.ts';
import type { StepFacts } from '../../pipelines/step.ts';
import { idleTime, ThreadPool, workerPoolOptions, type WorkerPool, type WorkerPoolOptions } from '../../pipelines/threads/thread-pool.ts';
import { threadWork, type WorkerFacts, type WorkerOptions, type WorkerWork } from '../../pipelines/threads/thread-work.ts';
import { callingProgram } from '../../pipelines/threads/thread-program.ts';
import { WebThread, type WorkerGlobals } from './web-thread.ts';

const schema = z.strictObject(workerPoolOptions);

function webPool(options: WorkerPoolOptions): ThreadPool {
  const { size, idle } = check(schema, options, 'options');
  const globals = globalThis as WorkerGlobals;
  if (globals.Worker === undefined) throw new ModelkeepError('unsupported', "This host has no Web Workers; in Node take worker and workerPool of 'modelkeep/node'.", {});
  return new ThreadPool({ size: size ?? globals.navigator?.hardwareConcurrency ?? 1, idleMs: idleTime(idle), clock: systemClock, begin: () => new WebThread(globals, callingProgram) });
}

/**
 * Web Workers that steps made by `worker` share, so that all of them together take no more than `size`. A worker is begun when it is needed, used again, replaced when it has died, and let go when it has been idle.
 *
 * Throws `ValidationError` when an option is not what it must be, and an error of code `unsupported` where there are no Web Workers.
 *
 * @example
 * ```ts
 * import { MemoryStorage, Pipeline } from 'modelkeep';
 * import { worker, workerPool } from 'modelkeep/browser';
 *
 * const retrain = new Pipeline({ name: 'retrain', storage: new MemoryStorage() });
 * if ('Worker' in globalThis) {
 *   const pool = workerPool({ size: 2 });
 *   for (const name of ['delay', 'demand', 'price']) retrain.step(name, {}, worker<() => number>(new URL('./train.js', import.meta.url), { export: name, pool }));
 * }
 * ```
 */
export function workerPool(options: WorkerPoolOptions = {}): WorkerPool {
  return webPool(options);
}

/**
 * The work of a step that is done in a module Web Worker by a function that a module exports, so that what computes for long holds up neither the page nor the sign of life of its run. The function is given what the step is, but for `track`; what it logs is in the
 * log of the step, and its signal fires there as it does here. In a map it is given `item` and `index` too. Inputs, params, item and output travel as structured clones, but for the buffers of typed arrays among the inputs and in the item, which are moved: after the call, they are empty here. When the step is
 * cancelled or times out and the function does not end within `grace`, its worker is ended, even in the middle of a loop. Workers are used again, so the module is loaded once in each. It is loaded from the page's own origin, or from one that allows it by CORS.
 *
 * What the function throws fails the step as if it had been thrown here: its message, name, stack and `code` are kept. A step fails with a `ModelkeepError` of code `worker-failed`, whose details have `module`, `export` and `step`, when its worker ends before the
 * function does (by an error that nothing caught, by closing itself), cannot be begun, cannot load the module, or the function throws something that is no error; with `ValidationError` when the module exports no such function, or the function returns what
 * cannot be cloned. That a worker has closed itself is noticed in secure contexts only, which have the Web Locks that tell of it; elsewhere the step's `timeout` ends it.
 *
 * Throws `ValidationError` when an argument is not what it must be, and an error of code `unsupported` where there are no Web Workers.
 *
 * @typeParam Work - The type of the function, from which the step has its types: it may take what {@link WorkerFacts} has.
 *
 * @example
 * ```ts
 * import { MemoryStorage, Pipeline } from 'modelkeep';
 * import { worker } from 'modelkeep/browser';
 *
 * const pipeline = new Pipeline({ name: 'retrain', storage: new MemoryStorage() }); // In a page rather an IndexedDBStorage.
 * const rows = pipeline.step('ingest', {}, () => new Float64Array([1, 2, 6]));
 * if ('Worker' in globalThis) {
 *   // In a program `typeof import('./train.js').default` is the type.
 *   const train = worker<(context: { inputs: { rows: Float64Array } }) => number>(new URL('./train.js', import.meta.url));
 *   pipeline.step('train', { needs: { rows }, timeout: '10m' }, train);
 * }
 * ```
 */
export function worker<Work extends (context: WorkerFacts<Work>) => unknown = (context: StepFacts<unknown, unknown>) => unknown>(module: URL, options: WorkerOptions = {}): WorkerWork<Work> {
  return threadWork<Work>(module, options, () => webPool({}));
}
