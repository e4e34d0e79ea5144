import { ModelkeepError, NotFoundError, ValidationError } from '../../../core/errors.ts';
import type { Thread, ThreadEnd } from '../../../core/threads/thread.ts';
import { revivedError, type ThrownRecord } from '../../../core/threads/thrown-record.ts';
import type { FromPredictor, LoadedPredictor, NotLoaded, PredictorAnswer, ToPredictor } from './predictor-program.ts';

/** A thread with the program of a predictor. */
export type ModelThread = Thread<ToPredictor, FromPredictor>;

/** Where a model in a thread comes from. */
export interface ModelModule {
  readonly module: string;
  readonly export: string;
}

interface Waiting {
  readonly resolve: (output: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** A thread that has one model loaded, until it ends. */
export class PredictorThread {
  readonly #thread: ModelThread;
  readonly #place: ModelModule;
  readonly #onEnd: () => void;
  readonly #calls = new Map<number, Waiting>();
  #loading: { readonly resolve: (loaded: LoadedPredictor) => void; readonly reject: (error: Error) => void } | undefined;
  #disposing: { readonly resolve: () => void; readonly reject: (error: Error) => void } | undefined;
  #next = 0;
  #answered = false;
  #ended: ModelkeepError | undefined;

  /** @param onEnd - Is told, once, when the thread answers no more, whatever it ended of. */
  constructor(thread: ModelThread, place: ModelModule, onEnd: () => void) {
    this.#thread = thread;
    this.#place = place;
    this.#onEnd = onEnd;
    thread.listen((said) => this.#hear(said));
  }

  /** Loads the model. Rejects when there is none in the end; the thread is ended then. */
  async load(argument: unknown, moveOutputs: boolean): Promise<LoadedPredictor> {
    this.#thread.keep(true);
    const { module, export: name } = this.#place;
    try {
      return await new Promise<LoadedPredictor>((resolve, reject) => {
        this.#loading = { resolve, reject };
        this.#thread.tell({ type: 'load', module, name, argument, moveOutputs }, []);
      });
    } catch (error) {
      await this.#thread.terminate();
      throw error instanceof DOMException ? new ValidationError(`options.argument cannot be sent to a thread: ${error.message} Give plain data, bytes or typed arrays.`, { path: 'options.argument', cause: error }) : error;
    } finally {
      this.#loading = undefined;
      this.#rest();
    }
  }

  /** One call of the model; `stopped` is called when its signal fires. */
  call(method: 'predict' | 'predictBatch' | 'warmUp', input: unknown, signal: AbortSignal, stopped: (call: number) => void): Promise<unknown> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    const call = this.#next++;
    const stop = (): void => {
      this.#thread.tell({ type: 'abort', call }, []);
      stopped(call);
    };
    return new Promise<unknown>((resolve, reject) => {
      this.#calls.set(call, { resolve, reject });
      this.#thread.keep(true);
      // What cannot be sent throws here.
      this.#thread.tell({ type: 'call', call, method, input }, []);
      if (signal.aborted) stop();
      else signal.addEventListener('abort', stop, { once: true });
    })
      .catch((error: unknown) => {
        throw error instanceof DOMException ? new ValidationError(`The input cannot be sent to the thread of ${this.#where}: ${error.message} Give plain data, bytes or typed arrays.`, { path: 'input', cause: error }) : error;
      })
      .finally(() => {
        signal.removeEventListener('abort', stop);
        this.#calls.delete(call);
        this.#rest();
      });
  }

  /** Whether a call has come to an end of its own. */
  get hasAnswered(): boolean {
    return this.#answered;
  }

  /** Whether a call is still in the model. */
  has(call: number): boolean {
    return this.#calls.has(call);
  }

  /** Has the model give back what it holds, and ends the thread. Rejects with what the model failed of at that, after the thread has ended. */
  async dispose(graceMs: (late: () => void) => () => void): Promise<void> {
    if (this.#ended !== undefined) return;
    const disposed = new Promise<void>((resolve, reject) => {
      this.#disposing = { resolve, reject };
      this.#thread.keep(true);
      this.#thread.tell({ type: 'dispose' }, []);
    });
    const undo = graceMs(() => void this.#thread.terminate());
    try {
      await disposed;
    } finally {
      undo();
      await this.#thread.terminate();
    }
  }

  /** Ends the thread, even in the middle of a loop. */
  async terminate(why: string): Promise<void> {
    this.#fail(this.#error(why));
    await this.#thread.terminate();
  }

  /** An idle thread keeps no process alive. */
  #rest(): void {
    if (this.#ended === undefined && this.#calls.size === 0 && this.#loading === undefined && this.#disposing === undefined) this.#thread.keep(false);
  }

  #hear(said: FromPredictor | ThreadEnd): void {
    switch (said.type) {
      case 'loaded':
        return this.#loading?.resolve(said);
      case 'unloadable':
      case 'no-function':
      case 'load-failed':
      case 'no-predictor':
        return this.#loading?.reject(this.#notLoaded(said));
      case 'disposed':
        return said.thrown === undefined ? this.#disposing?.resolve() : this.#disposing?.reject(this.#revived(said.thrown));
      case 'ended':
        return this.#fail(this.#error(said.why ?? 'was ended with its thread.', said));
      default:
        return this.#settle(said);
    }
  }

  #settle(said: PredictorAnswer): void {
    const waiting = this.#calls.get(said.call);
    if (waiting === undefined) return;
    this.#answered = true;
    if (said.type === 'thrown') return waiting.reject(this.#revived(said.thrown));
    if (said.type === 'uncloneable') return waiting.reject(new ModelkeepError('model-failed', `${this.#where} gave what cannot be sent from its thread: ${said.message} Give plain data, bytes or typed arrays.`, { ...this.#place }));
    const { output, errors } = said;
    for (const [i, thrown] of errors) (output as unknown[])[i] = this.#revived(thrown);
    waiting.resolve(output);
  }

  /** The thread is not there any more, for those who wait and those who come. */
  #fail(error: ModelkeepError): void {
    if (this.#ended !== undefined) return;
    this.#ended = error;
    for (const { reject } of [...this.#calls.values()]) reject(error);
    this.#loading?.reject(error);
    // Whoever disposes of a model wants its thread ended.
    this.#disposing?.resolve();
    this.#onEnd();
  }

  get #where(): string {
    const { module, export: name } = this.#place;
    return `The model that '${name}' of ${module.length > 200 ? `${module.slice(0, 200)}…` : module} loads`;
  }

  #error(why: string, { exitCode, cause }: Partial<ThreadEnd> = {}): ModelkeepError {
    return new ModelkeepError('worker-failed', `${this.#where} ${why}`, { ...this.#place, ...(exitCode !== undefined && { exitCode }), ...(cause !== undefined && { cause }) });
  }

  #revived(thrown: ThrownRecord): Error {
    return revivedError(thrown, this.#where, { ...this.#place });
  }

  #notLoaded(said: NotLoaded): Error {
    const { module, export: name } = this.#place;
    if (said.type === 'load-failed') return this.#revived(said.thrown);
    if (said.type === 'no-function') return new ValidationError(`'${name}' of ${module} is ${said.found}; the module must export a function under that name.`, { path: 'options.export', ...this.#place });
    if (said.type === 'no-predictor') return new ValidationError(`'${name}' of ${module} gave ${said.found}; it must give a function, or an object with predict or predictBatch.`, { path: 'options.export', ...this.#place });
    const cause = Object.assign(new Error(said.thrown.message), { name: said.thrown.name ?? 'Error' });
    const message = `${module} does not load: ${said.thrown.message}`;
    return said.thrown.code === 'ERR_MODULE_NOT_FOUND' ? new NotFoundError(message, { key: module, ...this.#place, cause }) : new ModelkeepError('worker-failed', message, { ...this.#place, cause });
  }
}
