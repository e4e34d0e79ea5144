import { availableParallelism } from 'node:os';
import { Worker, type MessagePort, type ResourceLimits, type TransferListItem } from 'node:worker_threads';
import * as z from 'zod/mini';
import { durationMs, type Duration } from '../../core/duration.ts';
import { ModelkeepError } from '../../core/errors.ts';
import { check } from '../../core/schema.ts';
import { threadProgram, type FromThread, type ThrownRecord, type ToThread } from './thread-program.ts';

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
export interface WorkerPoolOptions {
  /** How many steps run at once; further ones wait their turn. @default as many as the host runs at once */
  readonly size?: number | undefined;
  /** After this long without work a thread is let go. @default '10s' */
  readonly idle?: Duration | undefined;
  /** How much memory a thread may have; it ends when it needs more. What typed arrays hold is not counted. @default Node's */
  readonly resourceLimits?: ThreadLimits | undefined;
}

/** Threads that steps share. */
export interface WorkerPool {
  /** How many threads there are, those that are idle among them. */
  readonly threads: number;
  /** Lets all threads go; a step that runs in one fails, and so does one that comes later. */
  close(): Promise<void>;
  /** As `close`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** How a call of an export ended. */
export type ThreadAnswer = Exclude<FromThread, { type: 'stream' }> | ThreadEnd;

/** How a thread ended that was to answer. */
export type ThreadEnd = { readonly type: 'ended'; readonly error?: unknown; readonly exitCode?: number | undefined };

/** One call of an export of a module. */
export interface ThreadCall {
  readonly message: Extract<ToThread, { type: 'run' }>;
  readonly transfer: readonly (ArrayBuffer | MessagePort)[];
  /** Is given what the export puts out as a stream; the call lasts until that has ended. */
  readonly onStream: (stream: ReadableStream<Uint8Array | string>) => void;
  readonly signal: AbortSignal;
  readonly graceMs: number;
  /** What of the signal's reason can be sent. */
  readonly reason: () => ThrownRecord;
}

const limit = z.optional(z.number().check(z.positive()));
const schema = z.strictObject({
  size: z.optional(z.int().check(z.minimum(1))),
  idle: z.optional(z.custom<Duration>()),
  resourceLimits: z.optional(z.strictObject({ maxOldGenerationSizeMb: limit, maxYoungGenerationSizeMb: limit, stackSizeMb: limit })),
});

/** The threads themselves. */
export class ThreadPool implements WorkerPool {
  readonly #size: number;
  readonly #idleMs: number;
  readonly #limits: ResourceLimits;
  readonly #idle: { readonly thread: Worker; readonly undo: () => void }[] = [];
  readonly #waiting = new Set<() => void>();
  readonly #busy = new Set<Worker>();
  #taken = 0;
  #closed = false;

  constructor(options: WorkerPoolOptions = {}) {
    const { size, idle, resourceLimits } = check(schema, options, 'options');
    this.#size = size ?? availableParallelism();
    this.#idleMs = durationMs(idle ?? '10s', 'options.idle');
    this.#limits = { ...resourceLimits };
  }

  get threads(): number {
    return this.#busy.size + this.#idle.length;
  }

  /** Calls an export in a thread; rejects with the signal's reason when it fires before a thread is free, or when the thread had to be ended for it. */
  async call(call: ThreadCall): Promise<ThreadAnswer> {
    await this.#turn(call.signal);
    try {
      call.signal.throwIfAborted();
      return await this.#execute(this.#thread(), call);
    } finally {
      this.#taken--;
      const [next] = this.#waiting;
      next?.();
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const wake of [...this.#waiting]) wake();
    const threads = [...this.#idle.splice(0).map(({ thread, undo }) => (undo(), thread)), ...this.#busy];
    await Promise.all(threads.map((thread) => thread.terminate()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Resolves when there is room for one more. */
  async #turn(signal: AbortSignal): Promise<void> {
    while (!this.#closed && this.#taken >= this.#size) {
      signal.throwIfAborted();
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          signal.removeEventListener('abort', wake);
          this.#waiting.delete(wake);
          resolve();
        };
        this.#waiting.add(wake);
        signal.addEventListener('abort', wake, { once: true });
      });
    }
    if (this.#closed) throw closedError();
    this.#taken++;
  }

  #thread(): Worker {
    const idle = this.#idle.pop();
    idle?.undo();
    const thread = idle?.thread ?? new Worker(threadProgram(), { resourceLimits: this.#limits });
    thread.ref();
    this.#busy.add(thread);
    return thread;
  }

  async #execute(thread: Worker, call: ThreadCall): Promise<ThreadAnswer> {
    const { message, transfer, signal, graceMs } = call;
    let deadline: NodeJS.Timeout | undefined;
    let ended = false;
    const tell = (to: ToThread, moved: ThreadCall['transfer'] = []): void => thread.postMessage(to, moved as readonly TransferListItem[]);
    const stop = (): void => {
      tell({ type: 'abort', reason: call.reason() });
      deadline = setTimeout(() => void thread.terminate(), graceMs);
    };
    try {
      const answered = answerOf(thread);
      tell(message, transfer);
      signal.addEventListener('abort', stop, { once: true });
      const answer = await lastOf(thread, await answered, call);
      ended = answer.type === 'ended';
      if (ended) signal.throwIfAborted();
      if (ended && this.#closed) throw closedError();
      return answer;
    } catch (error) {
      // What could not be sent leaves a thread that was asked for nothing.
      if (!ended) void thread.terminate();
      ended = true;
      throw error;
    } finally {
      signal.removeEventListener('abort', stop);
      clearTimeout(deadline);
      this.#busy.delete(thread);
      if (!ended) this.#rest(thread);
    }
  }

  #rest(thread: Worker): void {
    if (this.#closed) return void thread.terminate();
    thread.unref();
    const leave = (): void => {
      undo();
      this.#idle.splice(this.#idle.findIndex((other) => other.thread === thread), 1);
    };
    const crashed = (): undefined => undefined;
    const timer = setTimeout(() => {
      leave();
      void thread.terminate();
    }, this.#idleMs).unref();
    const undo = (): void => {
      clearTimeout(timer);
      thread.off('exit', leave).off('error', crashed);
    };
    // What an earlier step left behind in it may still end it.
    thread.once('exit', leave).on('error', crashed);
    this.#idle.push({ thread, undo });
  }
}

function closedError(): ModelkeepError {
  return new ModelkeepError('closed', 'The pool of worker threads is closed; make another.', {});
}

/** What a thread says when a stream that it said first has ended. */
async function lastOf(thread: Worker, answer: FromThread | ThreadEnd, { onStream }: ThreadCall): Promise<ThreadAnswer> {
  if (answer.type !== 'stream') return answer;
  const last = answerOf(thread);
  onStream(answer.stream);
  return (await last) as ThreadAnswer;
}

/** The next thing that a thread says, or that it ended. */
function answerOf(thread: Worker): Promise<FromThread | ThreadEnd> {
  return new Promise((resolve) => {
    let error: unknown;
    const settle = (answer: FromThread | ThreadEnd): void => {
      thread.off('message', settle).off('error', crashed).off('exit', exited);
      resolve(answer);
    };
    const crashed = (thrown: unknown): void => {
      error = thrown ?? new Error('nothing');
    };
    const exited = (exitCode: number): void => settle({ type: 'ended', error, exitCode });
    thread.on('message', settle).on('error', crashed).on('exit', exited);
  });
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
export function workerPool(options: WorkerPoolOptions = {}): WorkerPool {
  return new ThreadPool(options);
}
