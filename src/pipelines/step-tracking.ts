import { ModelkeepError, isModelkeepError, StorageError } from '../core/errors.ts';
import { describeFailure } from '../core/failure.ts';
import type { ErrorListener } from '../core/logger.ts';
import type { Tracker } from '../tracking/tracker.ts';
import type { AttemptOutcome } from './attempt.ts';
import { runIdFor } from './launching/launch.ts';
import { isFinal, type RunState, type StepState } from './run-state.ts';
import type { StepAttempt } from './step.ts';
import type { UnitName } from './units.ts';

/** What a pipeline takes of a {@link Tracker}. */
export type StepTracker = Pick<Tracker, 'startRun' | 'getRun'>;

/** The run of a Tracker that a step has. */
export type StepRun = Awaited<ReturnType<StepTracker['startRun']>>;

/** The pipeline run whose steps had runs of a Tracker. */
export interface TrackedRun {
  readonly id: string;
  readonly pipeline: string;
  /** Epoch milliseconds. */
  readonly startedAt: number;
}

/** The id of the run of a Tracker that a step of a pipeline run has, or an item of one, if it asked for it. */
export function stepRunId({ id, pipeline, startedAt }: TrackedRun, { step, index }: UnitName): string {
  return runIdFor(startedAt, 'step-run', pipeline, id, step, ...(index === undefined ? [] : [index]));
}

/** The run of a Tracker that one attempt at a step asks for: the same for all attempts at the step in a pipeline run, in whatever process. */
export class StepTracking {
  readonly #tracker: StepTracker;
  readonly #attempt: StepAttempt;
  readonly #id: string;
  readonly #onError: ErrorListener;
  #run: Promise<StepRun> | undefined;
  #ended = false;

  /** @param startedAt - When the pipeline run began, epoch milliseconds. */
  constructor(tracker: StepTracker, attempt: StepAttempt, startedAt: number, onError: ErrorListener) {
    this.#tracker = tracker;
    this.#attempt = attempt;
    this.#id = stepRunId({ id: attempt.id, pipeline: attempt.pipeline, startedAt }, attempt);
    this.#onError = onError;
  }

  /** The run, started or gone on with at the first call. */
  start(): Promise<StepRun> {
    const { step, attempt } = this.#attempt;
    if (this.#ended) return Promise.reject(new StorageError('closed', `Attempt ${attempt} at step '${step}' has ended, so track() has no run to give.`, { key: this.#id }));
    this.#run ??= this.#start().catch((error: unknown) => {
      this.#run = undefined;
      throw error;
    });
    return this.#run;
  }

  /** Ends the run as the attempt has ended. An attempt that had succeeded fails when its run cannot be ended, for what it logged may be lost. */
  async end(outcome: AttemptOutcome): Promise<AttemptOutcome> {
    this.#ended = true;
    const run = await this.#run?.catch(() => undefined);
    if (run === undefined || run.ended) return outcome;
    try {
      if ('value' in outcome) await run.end('finished');
      else if ('error' in outcome) await run.end('failed', { error: outcome.error });
      else await run.end('killed', { reason: describeFailure(outcome.stopped).message });
      return outcome;
    } catch (error) {
      if ('value' in outcome) return { error };
      this.#onError(error);
      return outcome;
    }
  }

  async #start(): Promise<StepRun> {
    const { id: pipelineRun, pipeline, step, index, attempt, signal } = this.#attempt;
    const item = index === undefined ? undefined : String(index);
    const tags = { 'modelkeep.pipeline': pipeline, 'modelkeep.step': step, ...(item && { 'modelkeep.item': item }), 'modelkeep.attempt': String(attempt) };
    try {
      return await this.#tracker.startRun({ id: this.#id, experiment: pipeline, name: [pipeline, step, item].filter((part) => part !== undefined).join('/'), pipelineRun, tags, signal });
    } catch (error) {
      // An earlier attempt has begun it.
      if (!isModelkeepError(error, 'conflict')) throw error;
      return this.#tracker.startRun({ resume: this.#id, tags, signal });
    }
  }
}

// As many runs are looked up at once.
const lookedUpAtOnce = 16;

/**
 * Ends the runs that attempts in processes that died have left open, at units which have ended without asking for theirs again: an output was taken, a condition did not hold, the pipeline run was cancelled. Those of units that had
 * succeeded `before` this process went on were ended before that was recorded. What fails is told to `onError`, for the pipeline run has ended whatever becomes of it.
 */
export async function endLeftRuns(tracker: StepTracker, run: TrackedRun, { units }: RunState, before: (unit: UnitName) => boolean, onError: ErrorListener): Promise<void> {
  const all = Array.from({ length: units.length }, (_, unit) => ({ name: units.nameOf(unit), state: units.at(unit) }));
  const open = all.filter(({ name, state }) => isFinal(state.status) && !before(name));
  for (let at = 0; at < open.length; at += lookedUpAtOnce) {
    await Promise.all(open.slice(at, at + lookedUpAtOnce).map(({ name, state }) => endLeft(tracker, stepRunId(run, name), state).catch(onError)));
  }
}

async function endLeft(tracker: StepTracker, id: string, { status, because, failure, failures }: StepState): Promise<void> {
  const found = await tracker.getRun(id).catch((error: unknown) => {
    if (isModelkeepError(error, 'not-found')) return undefined;
    throw error;
  });
  if (found === undefined || ['finished', 'failed', 'killed'].includes(found.status)) return;
  const left = await tracker.startRun({ resume: id });
  if (status === 'succeeded' || status === 'skipped') await left.end('finished');
  else if (status === 'cancelled') await left.end('killed', { reason: because ?? 'its step was cancelled' });
  else await left.end('failed', { error: new Error((failure ?? failures.at(-1)?.failure)?.message ?? because) });
}

/** What `track()` gives in a pipeline that has no tracker. */
export function noTracker({ pipeline }: StepAttempt): Promise<never> {
  return Promise.reject(new ModelkeepError('unsupported', `Pipeline '${pipeline}' has no tracker; give one as options.tracker.`, { pipeline }));
}
