import { availableParallelism } from 'node:os';
import * as z from 'zod/mini';
import { systemClock } from '../../core/clock.ts';
import { check } from '../../core/schema.ts';
import { idleTime, ThreadPool, workerPoolOptions, type WorkerPool, type WorkerPoolOptions } from '../../pipelines/threads/thread-pool.ts';
import { callingProgram } from '../../pipelines/threads/thread-program.ts';
import { NodeThread } from './node-thread.ts';

/** How much memory a thread may have, in mebibytes. */
export interface ThreadLimits {
  /** Of the heap where objects live long. @default Node's */
  readonly maxOldGenerationSizeMb?: number | undefined;
  /** Of the heap of young objects. @default Node's */
  readonly maxYoungGenerationSizeMb?: number | undefined;
  /** Of its stack. @default 4 */
  readonly stackSizeMb?: number | undefined;
}

/** How many threads a pool has, and of which kind. */
export interface ThreadPoolOptions extends WorkerPoolOptions {
  /** How much memory a thread may have; it ends when it needs more. What typed arrays hold is not counted. @default Node's */
  readonly resourceLimits?: ThreadLimits | undefined;
}

const limit = z.optional(z.number().check(z.positive()));

/** Schema of how much memory a thread may have. */
export const threadLimits: z.ZodMiniType<ThreadLimits | undefined> = z.optional(z.strictObject({ maxOldGenerationSizeMb: limit, maxYoungGenerationSizeMb: limit, stackSizeMb: limit }));

const schema = z.strictObject({ ...workerPoolOptions, resourceLimits: threadLimits });

/** A pool of worker threads. */
export function threadPool(options: ThreadPoolOptions): ThreadPool {
  const { size, idle, resourceLimits } = check(schema, options, 'options');
  return new ThreadPool({ size: size ?? availableParallelism(), idleMs: idleTime(idle), clock: systemClock, begin: () => new NodeThread(callingProgram, { ...resourceLimits }) });
}

/**
 * Threads that steps made by `worker` share, so that all of them together take no more than `size`. A thread is begun when it is needed, used again, replaced when it has died, and let go when it has been idle;
 * one that is idle keeps no process alive.
 *
 * Throws `ValidationError` when an option is not what it must be.
 *
 * @example
 * ```ts
 * import { MemoryStorage, Pipeline } from 'modelkeep';
 * import { worker, workerPool } from 'modelkeep/node';
 *
 * await using pool = workerPool({ size: 2, resourceLimits: { maxOldGenerationSizeMb: 512 } });
 * const module = new URL('data:text/javascript,export const area = ({ params }) => 6 * 7; export const name = () => "fit";');
 * const pipeline = new Pipeline({ name: 'both', storage: new MemoryStorage() });
 * const area = pipeline.step('area', {}, worker<() => number>(module, { export: 'area', pool }));
 * pipeline.step('name', {}, worker<() => string>(module, { export: 'name', pool }));
 * console.log((await pipeline.run()).output(area)); // 42
 * ```
 */
export function workerPool(options: ThreadPoolOptions = {}): WorkerPool {
  return threadPool(options);
}
