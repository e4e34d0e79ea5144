import type { StepFacts } from '../../pipelines/step.ts';
import { threadWork, type WorkerFacts, type WorkerOptions, type WorkerWork } from '../../pipelines/threads/thread-work.ts';
import { threadPool } from './worker-pool.ts';

/**
 * The work of a step that is done in a worker thread by a function that a module exports, so that what computes for long holds up neither this process nor the sign of life of its run. The function is given what the step is, but for
 * `track`; what it logs is in the log of the step, and its signal fires there as it does here. In a map it is given `item` and `index` too. Inputs, params, item and output travel as structured clones, but for the buffers of typed arrays among the inputs and in the item, which are moved: after the call, they are empty here; and for streams, which are read piece by piece as they are asked for. When the step is cancelled or times out and the
 * function does not end within `grace`, its thread is ended, even in the middle of a loop. Threads are used again, so the module is loaded once in each.
 *
 * What the function throws fails the step as if it had been thrown here: its message, name, stack and `code` are kept. A step fails with a `ModelkeepError` of code `worker-failed`, whose details have `module`, `export` and `step`, when the thread ends before
 * the function does (`exitCode`, or `cause` for an uncaught error or too little memory), or it throws something that is no error; with `NotFoundError` when there is no such module, and with `ValidationError` when that exports no such function, or the
 * function returns what cannot be cloned.
 *
 * @typeParam Work - The type of the function, from which the step has its types: it may take what {@link WorkerFacts} has.
 *
 * @example
 * ```ts
 * import { MemoryStorage, Pipeline } from 'modelkeep';
 * import { worker } from 'modelkeep/node';
 *
 * const pipeline = new Pipeline({ name: 'retrain', storage: new MemoryStorage() });
 * const rows = pipeline.step('ingest', {}, () => new Float64Array([1, 2, 6]));
 * // In a program: new URL('./train.js', import.meta.url), with `typeof import('./train.js').default` as the type.
 * const module = new URL('data:text/javascript,export default ({ inputs }) => inputs.rows.reduce((sum, y) => sum + y, 0);');
 * const train = worker<(context: { inputs: { rows: Float64Array } }) => number>(module);
 * const sum = pipeline.step('train', { needs: { rows }, timeout: '2h' }, train);
 * console.log((await pipeline.run()).output(sum)); // 9
 * ```
 */
export function worker<Work extends (context: WorkerFacts<Work>) => unknown = (context: StepFacts<unknown, unknown>) => unknown>(module: URL, options: WorkerOptions = {}): WorkerWork<Work> {
  return threadWork<Work>(module, options, () => threadPool({}));
}
