import * as z from 'zod/mini';
import { untilAborted } from '../../core/abort.ts';
import { durationMs, type Duration } from '../../core/duration.ts';
import { ModelkeepError, ValidationError } from '../../core/errors.ts';
import type { ErrorListener } from '../../core/logger.ts';
import { callable, signalOption } from '../../core/option-schemas.ts';
import type { OperationOptions } from '../../core/progress.ts';
import { check } from '../../core/schema.ts';
import type { PipelineListener } from '../pipeline-event.ts';
import type { KeptWorker } from './launch-worker.ts';
import type { LaunchOptions } from './launch.ts';

/** How schedules and triggers are kept. */
export interface KeeperOptions {
  /** Is told of each event of the runs that go on here. */
  readonly onEvent?: PipelineListener | undefined;
  /** How many steps of one run may go on at once. @default 8 */
  readonly concurrency?: number | undefined;
  /** How often to look for what other processes did, and into sources that give no hint. @default '5s' */
  readonly interval?: Duration | undefined;
}

/** Keeps the schedules and triggers of a pipeline going in this process. */
export interface PipelineKeeper {
  /** How many runs go on here. */
  readonly running: number;
  /** Resolves when nothing that is due by now is left to begin, but for what waits until runs of other processes make room for it, and no run goes on here: for a process that is started by something else, does what is due, and ends. */
  idle(options?: OperationOptions): Promise<void>;
  /** Begins no further run, and waits for those that go on here; when its signal fires, they are cancelled. What was not begun is begun by another process, or by the next. */
  close(options?: OperationOptions): Promise<void>;
  /** As `close`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** Makes the worker of a schedule or trigger. */
export type WorkerMaker = (options: Omit<LaunchOptions, 'signal'>, intervalMs: number) => Promise<KeptWorker>;

const schema = z.strictObject({ onEvent: z.optional(callable<PipelineListener>()), concurrency: z.optional(z.int().check(z.minimum(1))), interval: z.optional(z.custom<Duration>()) });
const waitSchema = z.strictObject({ signal: signalOption });

/** The workers of one `start()`. */
export class Keeper implements PipelineKeeper {
  readonly #options: Omit<LaunchOptions, 'signal'>;
  readonly #intervalMs: number;
  readonly #onError: ErrorListener;
  readonly #onClose: () => void;
  readonly #workers = new Set<Promise<KeptWorker | undefined>>();
  readonly #begun = new Set<KeptWorker>();
  #closing: Promise<void> | undefined;

  /** Throws `ValidationError` when an option is not what it must be. */
  constructor(options: KeeperOptions, onError: ErrorListener, onClose: () => void) {
    const { interval = '5s', onEvent, concurrency } = check(schema, options, 'options') as KeeperOptions;
    this.#options = { onEvent, concurrency };
    this.#intervalMs = durationMs(interval, 'options.interval');
    if (this.#intervalMs === 0) throw new ValidationError('options.interval is 0; give the time between two looks.', { path: 'options.interval' });
    this.#onError = onError;
    this.#onClose = onClose;
  }

  get running(): number {
    return [...this.#begun].reduce((sum, { running }) => sum + running, 0);
  }

  /** Keeps another schedule or trigger. */
  add(make: WorkerMaker): void {
    if (this.#closing) return;
    const worker = make(this.#options, this.#intervalMs)
      .then((made) => {
        if (this.#closing) return undefined;
        this.#begun.add(made);
        made.start();
        return made;
      })
      .catch((error: unknown) => void this.#onError(error));
    this.#workers.add(worker);
  }

  async idle(options: OperationOptions = {}): Promise<void> {
    const { signal } = check(waitSchema, options, 'options');
    if (this.#closing) throw new ModelkeepError('closed', 'The keeper of the pipeline is closed.', {});
    await untilAborted(Promise.all([...this.#workers].map(async (worker) => (await worker)?.idle())), signal, 'Waiting for a keeper');
  }

  close(options: OperationOptions = {}): Promise<void> {
    const { signal } = check(waitSchema, options, 'options');
    this.#closing ??= Promise.resolve();
    this.#onClose();
    // A second call may bring the signal that the first had not.
    this.#closing = Promise.all([...this.#workers].map(async (worker) => (await worker)?.close(signal))).then(() => undefined);
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
