import type { CachedFrom } from './caching/cached-from.ts';
import type { AttemptFailure, StepState, StepStatus } from './run-state.ts';
import type { StepFailure } from './step-failure.ts';
import type { StepWait } from './waiting/wait.ts';

/** What became of a step. */
export interface StepResult {
  /** Name of the step. */
  readonly name: string;
  /** Where it stands. */
  readonly status: StepStatus;
  /** Attempts begun; 0 when it did not run. */
  readonly attempts: number;
  /** The failed attempts, the last 16 of them. */
  readonly failures: readonly AttemptFailure[];
  /** Why it failed. */
  readonly failure?: StepFailure | undefined;
  /** Why it did not run, or was stopped. */
  readonly because?: string | undefined;
  /** When its first attempt began, epoch milliseconds. */
  readonly startedAt?: number | undefined;
  /** When it came to its final status, epoch milliseconds. */
  readonly endedAt?: number | undefined;
  /** How long its last attempt took, in milliseconds. */
  readonly durationMs?: number | undefined;
  /** What it waits for, while it does. */
  readonly waitingFor?: StepWait | undefined;
  /** Where its output was taken from, when the step was not run for it. */
  readonly cache?: CachedFrom | undefined;
}

/** A step's state as callers see it. */
export function stepResult(name: string, state: StepState): StepResult {
  const { status, attempts, failures, startedAt, endedAt, durationMs, because, cache, wait } = state;
  const failure = status === 'failed' ? (state.failure ?? failures.at(-1)?.failure) : undefined;
  return { name, status, attempts, failures, failure, because, startedAt, endedAt, durationMs, ...(status === 'waiting' && { waitingFor: wait }), cache };
}
