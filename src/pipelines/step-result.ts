import type { CachedFrom } from './caching/cached-from.ts';
import type { StepItems } from './items.ts';
import { isFinal, type AttemptFailure, type StepState, type StepStatus } from './run-state.ts';
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
  /** What it waited for at last, once it does no longer; `endedAt` is when that was over. */
  readonly waited?: StepWait | undefined;
  /** How its items stand, once it is known which it has; absent for a step that has none. */
  readonly items?: StepItems | undefined;
  /** Where its output was taken from, when the step was not run for it. */
  readonly cache?: CachedFrom | undefined;
}

/** A step's state as callers see it. */
export function stepResult(name: string, state: StepState): StepResult {
  const { status, attempts, failures, startedAt, endedAt, durationMs, because, items, cache, wait } = state;
  const failure = status === 'failed' ? (state.failure ?? failures.at(-1)?.failure) : undefined;
  return { name, status, attempts, failures, failure, because, startedAt, endedAt, durationMs, ...(wait && (status === 'waiting' ? { waitingFor: wait } : { waited: wait })), ...(items && { items }), cache };
}

/** Whether a step in this state has something to give: all of its output, or what those of its items have that have succeeded. */
export function hasOutput(step: Pick<StepResult, 'status' | 'items'> | undefined): boolean {
  return step !== undefined && (step.status === 'succeeded' || (step.items !== undefined && isFinal(step.status)));
}
