import * as z from 'zod/mini';
import type { Clock } from '../../../core/clock.ts';
import { durationMs, type Duration } from '../../../core/duration.ts';
import { ModelkeepError, ValidationError } from '../../../core/errors.ts';
import { shown } from '../../../core/shown.ts';
import type { PredictCall, Predictor } from '../../predictor.ts';
import { PredictorThread, type ModelModule, type ModelThread } from './predictor-thread.ts';
import type { LoadedPredictor } from './predictor-program.ts';

/** How a model is loaded and run in a thread. */
export interface WorkerPredictorOptions {
  /** The name under which the module exports the function that loads the model. @default 'default' */
  readonly export?: string | undefined;
  /** What that function is called with, as a structured clone; or a function that makes it, which is called for every thread that is begun. @default undefined */
  readonly argument?: unknown;
  /** How long a call may go on when its signal has fired, and `dispose` take, before the thread is ended. @default '1s' */
  readonly grace?: Duration | undefined;
  /** Whether the buffers of typed arrays in outputs are moved out of the thread and not copied; the model must then make new ones for every call. @default false */
  readonly moveOutputs?: boolean | undefined;
}

/** A model in a thread, which has the methods that the model has. */
export interface WorkerPredictor<Input = unknown, Output = unknown> extends Predictor<Input, Output> {
  /** Gives the model's memory back and ends its thread. */
  dispose(): Promise<void>;
}

/** What the options of a model in a thread must look like, to which a host may add its own. */
export const workerPredictorShape: {
  readonly export: z.ZodMiniType<string | undefined>;
  readonly argument: z.ZodMiniType<unknown>;
  readonly grace: z.ZodMiniType<Duration | undefined>;
  readonly moveOutputs: z.ZodMiniType<boolean | undefined>;
} = {
  export: z.optional(z.string().check(z.minLength(1))),
  argument: z.optional(z.unknown()),
  grace: z.optional(z.custom<Duration>()),
  moveOutputs: z.optional(z.boolean()),
};

/** What a host gives for models in threads. */
export interface ThreadHost {
  readonly begin: () => ModelThread;
  readonly clock: Clock;
}

/** Loads a model in a thread of the host. */
export async function threadPredictor<Input, Output>(module: URL, options: WorkerPredictorOptions, host: ThreadHost): Promise<WorkerPredictor<Input, Output>> {
  if (!(module instanceof URL)) throw new ValidationError(`The module is ${shown(module)}; give a URL, such as new URL('./model.js', import.meta.url).`, { path: 'module' });
  const { export: name = 'default', argument, grace, moveOutputs = false } = options;
  const predictor = new ThreadPredictor({ place: { module: module.href, export: name }, argument, graceMs: durationMs(grace ?? '1s', 'options.grace'), moveOutputs, ...host });
  return predictor.start<Input, Output>();
}

interface ThreadPredictorParts extends ThreadHost {
  readonly place: ModelModule;
  readonly argument: unknown;
  readonly graceMs: number;
  readonly moveOutputs: boolean;
}

/** A model in a thread, and in another when that one has ended. */
class ThreadPredictor {
  readonly #parts: ThreadPredictorParts;
  #current: Promise<PredictorThread> | undefined;
  #warm = false;
  #disposed = false;

  constructor(parts: ThreadPredictorParts) {
    this.#parts = parts;
  }

  async start<Input, Output>(): Promise<WorkerPredictor<Input, Output>> {
    const { thread, loaded } = await this.#load();
    this.#current = Promise.resolve(thread);
    const call = (method: 'predict' | 'predictBatch') => (input: unknown, { signal }: PredictCall) => this.#call(method, input, signal);
    return {
      ...(loaded.predict && { predict: call('predict') as NonNullable<Predictor<Input, Output>['predict']> }),
      ...(loaded.predictBatch && { predictBatch: call('predictBatch') as NonNullable<Predictor<Input, Output>['predictBatch']> }),
      ...(loaded.warmUp && { warmUp: ({ signal }: PredictCall) => this.#warmUp(signal) }),
      ...(loaded.bytes !== undefined && { bytes: loaded.bytes }),
      dispose: () => this.#dispose(),
    };
  }

  async #call(method: 'predict' | 'predictBatch', input: unknown, signal: AbortSignal): Promise<unknown> {
    if (this.#disposed) throw new ModelkeepError('closed', 'The model was disposed of with its thread; load it again.', { ...this.#parts.place });
    const thread = await this.#thread();
    return this.#watched(thread, method, input, signal);
  }

  /** Ends the thread with a call that goes on when it was stopped: nothing else ends what computes there. */
  async #watched(thread: PredictorThread, method: 'predict' | 'predictBatch' | 'warmUp', input: unknown, signal: AbortSignal): Promise<unknown> {
    let undo: (() => void) | undefined;
    try {
      return await thread.call(method, input, signal, (call) => {
        undo = this.#parts.clock.setTimer(
          () => {
            if (thread.has(call)) void thread.terminate(`was ended with its thread, for it did not stop within ${this.#parts.graceMs} ms of being told to.`);
          },
          this.#parts.graceMs,
          { keepAlive: true },
        );
      });
    } finally {
      undo?.();
    }
  }

  async #warmUp(signal: AbortSignal): Promise<void> {
    await this.#watched(await this.#thread(), 'warmUp', undefined, signal);
    this.#warm = true;
  }

  /** The thread of now; begun when the last could not be. */
  #thread(): Promise<PredictorThread> {
    this.#current ??= this.#begin();
    return this.#current;
  }

  /** Another thread in the place of one that has ended, as it was: loaded, and warmed up if that was. */
  #begin(): Promise<PredictorThread> {
    const begun = (async () => {
      const { thread, loaded } = await this.#load();
      if (this.#disposed) await thread.terminate('was disposed of.');
      else if (this.#warm && loaded.warmUp) await this.#watched(thread, 'warmUp', undefined, new AbortController().signal);
      return thread;
    })();
    begun.catch(() => {
      if (this.#current === begun) this.#current = undefined;
    });
    return begun;
  }

  async #load(): Promise<{ readonly thread: PredictorThread; readonly loaded: LoadedPredictor }> {
    const { place, argument, moveOutputs, begin } = this.#parts;
    const given: unknown = typeof argument === 'function' ? await (argument as () => unknown)() : argument;
    const thread: PredictorThread = new PredictorThread(begin(), place, () => {
      if (this.#disposed) return;
      // One that ended before it had answered anything would end again; it is tried when somebody asks.
      this.#current = thread.hasAnswered ? this.#begin() : undefined;
    });
    return { thread, loaded: await thread.load(given, moveOutputs) };
  }

  async #dispose(): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    const thread = await this.#current?.catch(() => undefined);
    await thread?.dispose((late) => this.#parts.clock.setTimer(late, this.#parts.graceMs, { keepAlive: true }));
  }
}
