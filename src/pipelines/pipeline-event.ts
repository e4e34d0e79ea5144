import type { FailureRecord } from '../core/failure.ts';
import type { ErrorListener } from '../core/logger.ts';
import type { CachedFrom } from './caching/cached-from.ts';
import type { CancelCause } from './cancelling/cancellation.ts';
import type { StepItems } from './items.ts';
import type { RunOutcome } from './run-state.ts';
import type { StepFailure } from './step-failure.ts';
import type { StepWait } from './waiting/wait.ts';

/** What a run tells while it goes on, by its `type`. What an event tells of is durable by then. */
export type PipelineEvent = RunStarted | StepStarted | StepListed | StepSucceeded | StepRetrying | StepWaiting | StepFailed | StepSkipped | StepCancelled | RunCancelling | RunWaiting | RunFinished;

/** What every event of a run tells. */
export interface RunEventBase {
  /** Id of the run. */
  readonly run: string;
  /** Name of the pipeline. */
  readonly pipeline: string;
  /** When it happened, epoch milliseconds. */
  readonly at: number;
}

/** What every event of one attempt at a step tells. */
export interface AttemptEventBase extends RunEventBase {
  /** Name of the step. */
  readonly step: string;
  /** The number of the item of the step that it is about, counted from 0; absent when it is about the step itself. */
  readonly index?: number | undefined;
  /** Number of the attempt, counted from 1. */
  readonly attempt: number;
}

/** That a run begins or goes on. */
export interface RunStarted extends RunEventBase {
  /** Tells this event from the others. */
  readonly type: 'run-started';
  /** Whether it goes on with what an earlier process or call had begun. */
  readonly resumed: boolean;
  /** How far the run has come. */
  readonly steps: {
    /** How many steps it has. */
    readonly total: number;
    /** How many of them have succeeded before. */
    readonly succeeded: number;
  };
}

/** That an attempt begins. */
export interface StepStarted extends AttemptEventBase {
  /** Tells this event from the others. */
  readonly type: 'step-started';
}

/** That it is known which items a step has. Those of which an earlier process has recorded something are told of by nothing else. */
export interface StepListed extends RunEventBase {
  /** Tells this event from the others. */
  readonly type: 'step-listed';
  /** Name of the step. */
  readonly step: string;
  /** How they stand. */
  readonly items: StepItems;
}

/** That a step, or an item of one, has succeeded and its output is stored. */
export interface StepSucceeded extends AttemptEventBase {
  /** Tells this event from the others. */
  readonly type: 'step-succeeded';
  /** How long the attempt took, in milliseconds. */
  readonly durationMs: number;
  /** Where the output was taken from, when the step was not run for it: then `attempt` is the number of attempts that had failed before, usually 0, and `durationMs` how long the last of them took. */
  readonly cache?: CachedFrom | undefined;
}

/** That an attempt has failed and another will be made. */
export interface StepRetrying extends AttemptEventBase {
  /** Tells this event from the others. */
  readonly type: 'step-retrying';
  /** How long the attempt took, in milliseconds. */
  readonly durationMs: number;
  /** Why it failed. */
  readonly failure: StepFailure;
  /** When the next attempt begins, epoch milliseconds. */
  readonly retryAt: number;
}

/** That a step waits, for a moment or for somebody. */
export interface StepWaiting extends RunEventBase {
  /** Tells this event from the others. */
  readonly type: 'step-waiting';
  /** Name of the step. */
  readonly step: string;
  /** What it waits for. */
  readonly waitingFor: StepWait;
}

/** That the last attempt has failed and the step with it. */
export interface StepFailed extends AttemptEventBase {
  /** Tells this event from the others. */
  readonly type: 'step-failed';
  /** How long the attempt took, in milliseconds. */
  readonly durationMs: number;
  /** Why it failed. */
  readonly failure: StepFailure;
}

/** That a step will not run, by its condition, its trigger, or because one that it depends on did not succeed. */
export interface StepSkipped extends RunEventBase {
  /** Tells this event from the others. */
  readonly type: 'step-skipped';
  /** Name of the step. */
  readonly step: string;
  /** The status that the step has come to. */
  readonly status: 'skipped' | 'upstream_failed';
  /** Why it will not run, for a person. */
  readonly because: string;
}

/** That a step will not run or was stopped, because the run was cancelled or has timed out. */
export interface StepCancelled extends RunEventBase {
  /** Tells this event from the others. */
  readonly type: 'step-cancelled';
  /** Name of the step. */
  readonly step: string;
  /** The number of the item of the step that it is about, counted from 0; absent when it is about the step itself. */
  readonly index?: number | undefined;
  /** Why it did not succeed, for a person. */
  readonly because: string;
}

/** That a run is cancelled: what it stops is told next, and when its last steps have run, its end. */
export interface RunCancelling extends RunEventBase, CancelCause {
  /** Tells this event from the others. */
  readonly type: 'run-cancelling';
}

/** That nothing in a run goes on until somebody has decided, and that this process lets go of it. */
export interface RunWaiting extends RunEventBase {
  /** Tells this event from the others. */
  readonly type: 'run-waiting';
  /** Names of the steps that wait. */
  readonly steps: readonly string[];
}

/** That a run has ended. */
export interface RunFinished extends RunEventBase {
  /** Tells this event from the others. */
  readonly type: 'run-finished';
  /** How it ended. */
  readonly status: RunOutcome;
  /** From the first start to the end, in milliseconds, pauses before a resumption included. */
  readonly durationMs: number;
  /** Why it failed as a whole, such as by its timeout; absent when it is its steps that failed. */
  readonly failure?: FailureRecord | undefined;
}

/** Is told of each event; what it throws harms nothing and is reported to `onError`. */
export type PipelineListener = (event: PipelineEvent) => void;

/** Calls a listener so that neither a throw nor a rejected promise gets out. */
export function tell(listener: PipelineListener, event: PipelineEvent, onError: ErrorListener): void {
  try {
    const answer: unknown = listener(event);
    if (answer instanceof Promise) answer.catch(onError);
  } catch (error) {
    onError(error);
  }
}
