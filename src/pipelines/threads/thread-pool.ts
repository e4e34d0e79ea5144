import * as z from 'zod/mini';
import type { Clock, Undo } from '../../core/clock.ts';
import { durationMs, type Duration } from '../../core/duration.ts';
import { ModelkeepError } from '../../core/errors.ts';
import type { Moved, Thread, ThreadEnd } from '../../core/threads/thread.ts';
import type { ThrownRecord } from '../../core/threads/thrown-record.ts';
import type { FromThread, ThreadAnswer, ThreadLine, ToThread } from './thread-messages.ts';

/** How many workers a pool has. */
export interface WorkerPoolOptions {
  /** How many steps run at once; further ones wait their turn. @default as many as the host runs at once */
  readonly size?: number | undefined;
  /** After this long without work a worker is let go. @default '10s' */
  readonly idle?: Duration | undefined;
}

/** Threads that steps share: worker threads in Node, Web Workers in a page. */
export interface WorkerPool {
  /** How many threads there are, those that are idle among them. */
  readonly threads: number;
  /** Lets all threads go; a step that runs in one fails, and so does one that comes later. */
  close(): Promise<void>;
  /** As `close`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** A thread that calls exports of modules. */
export type CallingThread = Thread<ToThread, FromThread>;

/** What a pool is made of. */
export interface ThreadPoolParts {
  readonly size: number;
  readonly idleMs: number;
  readonly clock: Clock;
  readonly begin: () => CallingThread;
}

/** One call of an export of a module. */
export interface ThreadCall {
  readonly message: Omit<Extract<ToThread, { type: 'run' }>, 'call'>;
  readonly transfer: readonly Moved[];
  readonly signal: AbortSignal;
  readonly graceMs: number;
  readonly onLine: (line: ThreadLine) => void;
  readonly onHeartbeat: (details: unknown) => void;
  /** Is given what the export puts out as a stream; the call lasts until that has ended. */
  readonly onStream: (stream: ReadableStream<Uint8Array | string>) => void;
  /** What of the signal's reason can be sent. */
  readonly reason: () => ThrownRecord;
}

/** What the options of a pool must look like, to which a host may add its own. */
export const workerPoolOptions: { readonly size: z.ZodMiniType<number | undefined>; readonly idle: z.ZodMiniType<Duration | undefined> } = {
  size: z.optional(z.int().check(z.minimum(1))),
  idle: z.optional(z.custom<Duration>()),
};

/** How long threads stay that have nothing to do. */
export function idleTime(idle: Duration | undefined): number {
  return durationMs(idle ?? '10s', 'options.idle');
}

/** The threads themselves. */
export class ThreadPool implements WorkerPool {
  readonly #parts: ThreadPoolParts;
  readonly #idle: { readonly thread: CallingThread; readonly undo: Undo }[] = [];
  readonly #waiting = new Set<() => void>();
  readonly #busy = new Set<CallingThread>();
  #taken = 0;
  #calls = 0;
  #closed = false;

  constructor(parts: ThreadPoolParts) {
    this.#parts = parts;
  }

  get threads(): number {
    return this.#busy.size + this.#idle.length;
  }

  /** Calls an export in a thread; rejects with the signal's reason when it fires before a thread is free, or when the thread had to be ended for it. */
  async call(call: ThreadCall): Promise<ThreadAnswer | ThreadEnd> {
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
    while (!this.#closed && this.#taken >= this.#parts.size) {
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

  #thread(): CallingThread {
    const idle = this.#idle.pop();
    idle?.undo();
    const thread = idle?.thread ?? this.#parts.begin();
    thread.keep(true);
    this.#busy.add(thread);
    return thread;
  }

  async #execute(thread: CallingThread, { message, transfer, signal, graceMs, onLine, onHeartbeat, onStream, reason }: ThreadCall): Promise<ThreadAnswer | ThreadEnd> {
    const call = ++this.#calls;
    let deadline: Undo | undefined;
    let ended = false;
    const stop = (): void => {
      thread.tell({ type: 'abort', reason: reason() }, []);
      deadline = this.#parts.clock.setTimer(() => void thread.terminate(), graceMs, { keepAlive: true });
    };
    try {
      const answered = new Promise<ThreadAnswer | ThreadEnd>((resolve) => {
        thread.listen((said) => {
          if (said.type !== 'log' && said.type !== 'heartbeat' && said.type !== 'stream') return resolve(said);
          // What an earlier step left behind may still speak.
          if (said.call !== call) return;
          if (said.type === 'log') onLine(said);
          else if (said.type === 'heartbeat') onHeartbeat(said.details);
          else onStream(said.stream);
        });
      });
      thread.tell({ ...message, call }, transfer);
      signal.addEventListener('abort', stop, { once: true });
      const answer = await answered;
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
      deadline?.();
      this.#busy.delete(thread);
      if (!ended) this.#rest(thread);
    }
  }

  #rest(thread: CallingThread): void {
    if (this.#closed) return void thread.terminate();
    thread.keep(false);
    const leave = (): void => {
      undo();
      const place = this.#idle.findIndex((other) => other.thread === thread);
      if (place >= 0) this.#idle.splice(place, 1);
    };
    const { clock, idleMs } = this.#parts;
    const undo = clock.setTimer(() => {
      leave();
      void thread.terminate();
    }, idleMs);
    this.#idle.push({ thread, undo });
    // What an earlier step left behind in it may still end it.
    thread.listen(({ type }) => {
      if (type === 'ended') leave();
    });
  }
}

function closedError(): ModelkeepError {
  return new ModelkeepError('closed', 'The pool of worker threads is closed; make another.', {});
}
