import type { FailureRecord } from '../core/failure.ts';
import type { CachedFrom } from './caching/cached-from.ts';
import type { StepItems } from './items.ts';
import type { CancelCause } from './cancelling/cancellation.ts';
import type { StopReason } from './cancelling/stop-reason.ts';
import type { RunOutcome, StepState } from './run-state.ts';
import type { StepFailure } from './step-failure.ts';
import type { UnitName } from './units.ts';
import type { StepWait } from './waiting/wait.ts';

/** Something that happened to a run. */
export type RunEvent = RunBegun | AttemptSucceeded | ItemsListed | AttemptFailed | AttemptDeclined | WaitBegun | WaitOver | SuccessFound | RetryDue | DeadlineDue | CancelAsked;

/** An executor begins or goes on with the run. */
interface RunBegun {
  readonly type: 'started';
  readonly at: number;
}

/** What tells of the end of an attempt. */
interface AttemptEnd extends UnitName {
  readonly at: number;
  readonly attempt: number;
}

export interface AttemptSucceeded extends AttemptEnd {
  readonly type: 'attempt-succeeded';
  readonly durationMs: number;
  /** Given when there was an output to take, so that no attempt was made. */
  readonly cache?: CachedFrom | undefined;
}

/** An attempt at a step that has items has come to know which. */
export interface ItemsListed extends AttemptEnd {
  readonly type: 'items-listed';
  /** How many there are. */
  readonly count: number;
  /** What an earlier process recorded of them, by index. */
  readonly known?: ReadonlyMap<number, StepState> | undefined;
}

export interface AttemptFailed extends AttemptEnd {
  readonly type: 'attempt-failed';
  readonly durationMs: number;
  readonly failure: StepFailure;
  readonly retryable: boolean;
  /** In [0, 1): fixes the jitter of the wait. */
  readonly chance: number;
}

/** The condition of a step did not hold. */
interface AttemptDeclined extends AttemptEnd {
  readonly type: 'declined';
}

/** What an attempt has come to is a wait. */
export interface WaitBegun extends AttemptEnd {
  readonly type: 'waits';
  readonly durationMs: number;
  readonly wait: StepWait;
}

/** The moment has come that a unit waited for, or somebody has decided. */
export interface WaitOver extends UnitName {
  readonly type: 'wait-over';
  readonly at: number;
  /** Why it fails; absent when it succeeds. */
  readonly failure?: FailureRecord | undefined;
}

/** A former owner's success of a unit has been found. */
export interface SuccessFound extends UnitName {
  readonly type: 'found-succeeded';
  readonly at: number;
  readonly durationMs: number | undefined;
  /** Of a step that has items, how they ended. */
  readonly items?: StepItems | undefined;
  readonly cache?: CachedFrom | undefined;
}

interface RetryDue extends UnitName {
  readonly type: 'retry-due';
  readonly at: number;
}

/** The time of a unit is over, or that of the run when none is named. */
interface DeadlineDue {
  readonly type: 'deadline-due';
  readonly at: number;
  readonly step?: string | undefined;
  readonly index?: number | undefined;
}

interface CancelAsked {
  readonly type: 'cancelled';
  readonly at: number;
  /** By whom and why; absent when that was not said. */
  readonly cause?: CancelCause | undefined;
}

/** What an executor has to do, in this order; every `record` must be durable before anything else is done. */
export type RunCommand =
  | RecordUnit
  | ExecuteUnit
  | AwaitRetry
  | AwaitDeadline
  | AwaitEnd
  | AbortUnit
  | { readonly type: 'finish'; readonly status: RunOutcome }
  /** To let go of the run until somebody has decided. */
  | { readonly type: 'park' };

interface RecordUnit extends UnitName {
  readonly type: 'record';
}

interface ExecuteUnit extends UnitName {
  readonly type: 'execute';
  readonly attempt: number;
}

/** To tell that a retry is due. */
interface AwaitRetry extends UnitName {
  readonly type: 'wait';
  readonly forMs: number;
}

/** To tell that the time of a unit is over, or that of the run when none is named. */
export interface AwaitDeadline {
  readonly type: 'deadline';
  readonly step?: string | undefined;
  readonly index?: number | undefined;
  readonly forMs: number;
}

/** To tell when what a unit waits for has come. */
interface AwaitEnd extends UnitName {
  readonly type: 'await';
}

export interface AbortUnit extends UnitName {
  readonly type: 'abort';
  readonly reason: StopReason | 'step-timeout';
}
