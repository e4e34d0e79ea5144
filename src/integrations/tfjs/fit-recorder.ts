import { isModelkeepError } from '../../core/errors.ts';
import type { ErrorListener } from '../../core/logger.ts';
import { reportFailure } from '../../core/report-failure.ts';
import type { FitLogs } from './fit-callbacks.ts';
import type { TfjsRun } from './tfjs-run.ts';

/** What a recorder works with. */
export interface FitRecorderOptions {
  readonly prefix: string;
  readonly initialEpoch: number;
  readonly initialBatch: number;
  readonly shuffle: boolean | undefined;
  readonly onError: ErrorListener | undefined;
}

/** What of a fit's parameters is recorded; `null` there, as for most of them under `fitDataset`, is left out. */
const recordedParams = ['epochs', 'initialEpoch', 'batchSize', 'samples', 'steps', 'doValidation'] as const;

/**
 * Numbers the steps of one fit after the other and hands what they bring to a run. Nothing here throws: a tracker that fails must not end a training.
 */
export class FitRecorder {
  readonly #run: TfjsRun;
  readonly #options: FitRecorderOptions;
  #fits = 0;
  /** Whether the first epoch of a fit is still to come. */
  #starting = true;
  /** The first step that no epoch has taken. */
  #nextEpoch: number;
  /** What is added to the epochs of this fit. */
  #shift = 0;
  /** Batches that have begun, over all epochs and fits. */
  #batches: number;

  constructor(run: TfjsRun, options: FitRecorderOptions) {
    this.#run = run;
    this.#options = options;
    this.#nextEpoch = options.initialEpoch;
    this.#batches = options.initialBatch;
  }

  /** The step of the batch at hand. */
  get batchStep(): number {
    return this.#batches - 1;
  }

  trainBegins(): void {
    this.#starting = true;
    const { shuffle } = this.#options;
    if (shuffle !== undefined) this.#safely(() => this.#run.setTags?.({ [`${this.#options.prefix}fit/shuffle`]: String(shuffle) }));
  }

  /** Records what a fit was called with, under `fit/`, then `fit2/` and so on: a param cannot be changed. */
  takesParams(params: Readonly<Record<string, unknown>>): void {
    const folder = `${this.#options.prefix}fit${++this.#fits === 1 ? '' : this.#fits}/`;
    const values: Record<string, number | boolean> = {};
    for (const name of recordedParams) {
      const value = params[name];
      if (typeof value === 'number' || typeof value === 'boolean') values[folder + name] = value;
    }
    this.#safely(() => this.#run.logParams?.(values));
  }

  epochBegins(epoch: number): void {
    if (this.#starting) this.#shift = Math.max(0, this.#nextEpoch - epoch);
    this.#starting = false;
  }

  epochEnds(epoch: number, logs: FitLogs = {}): void {
    const step = epoch + this.#shift;
    this.#nextEpoch = step + 1;
    this.#log(Object.entries(logs), step, '');
  }

  batchBegins(): void {
    this.#batches++;
  }

  /** Records the values of the batch at hand. */
  batchEnds(logs: FitLogs = {}): void {
    this.#log(
      Object.entries(logs).filter(([name]) => name !== 'batch' && name !== 'size'),
      this.batchStep,
      'batch/',
    );
  }

  /** Tells of a failure that must not reach the training. */
  report(error: unknown): void {
    reportFailure(error, { who: 'The callbacks for TensorFlow.js', onError: this.#options.onError });
  }

  #log(entries: readonly (readonly [name: string, value: number])[], step: number, folder: string): void {
    if (entries.length === 0) return;
    const values = Object.fromEntries(entries.map(([name, value]) => [this.#options.prefix + folder + name, value]));
    this.#safely(() => {
      try {
        return this.#run.logMetrics(values, { step });
      } catch (error) {
        // One layer with an odd name must not cost the loss: a run that refuses one value has taken none.
        if (entries.length === 1 || !isModelkeepError(error) || error.code !== 'validation') throw error;
        for (const entry of entries) this.#log([entry], step, folder);
      }
    });
  }

  #safely(action: () => unknown): void {
    try {
      const answer = action();
      if (typeof (answer as PromiseLike<unknown> | undefined)?.then === 'function') void Promise.resolve(answer).catch((error: unknown) => this.report(error));
    } catch (error) {
      this.report(error);
    }
  }
}
