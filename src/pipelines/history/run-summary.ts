import type { Clock } from '../../core/clock.ts';
import type { FailureRecord } from '../../core/failure.ts';
import type { Page } from '../../core/page.ts';
import { cancellationOf, type RunCancellation } from '../cancelling/cancellation.ts';
import type { RunCause } from '../launching/run-cause.ts';
import type { LeaseRecord } from '../../storage/lease.ts';
import type { RunOutcome } from '../run-state.ts';
import { runTimings, type RunTimings } from '../run-result.ts';
import type { RunHead } from '../run-store.ts';
import type { DataInterval } from '../schedules/data-interval.ts';

/** Where a run stands. `interrupted`: it is not finished, and no living process works on it; resume it. `waiting`: nothing in it goes on until somebody has decided. */
export type PipelineRunStatus = 'running' | 'interrupted' | 'waiting' | RunOutcome;

/** A run in a list. */
export interface PipelineRunSummary {
  /** Its id, for `getRun` and `resume`. */
  readonly id: string;
  /** Name of the pipeline. */
  readonly pipeline: string;
  /** Where it stands. */
  readonly status: PipelineRunStatus;
  /** Why it failed as a whole, such as by its timeout; absent when it is its steps that failed. */
  readonly failure?: FailureRecord | undefined;
  /** By whom and why it is cancelled in its present round, when that is by {@link Pipeline.cancel}; when all of its steps had ended by then, it has not the status `cancelled`. */
  readonly cancellation?: RunCancellation | undefined;
  /** The process that works on it, while one does. */
  readonly owner?: string | undefined;
  /** What it was started with, as the schema made it. */
  readonly params?: unknown;
  /** What it was started by; absent in runs of before that was recorded. */
  readonly triggeredBy?: RunCause | undefined;
  /** The time whose data it is about, if a schedule began it. */
  readonly interval?: DataInterval | undefined;
  /** When it began and ended. */
  readonly timings: RunTimings;
}

/** A run that cannot be read. */
export interface DamagedPipelineRun {
  /** Its id. */
  readonly id: string;
  /** Why it cannot be read. */
  readonly error: FailureRecord;
}

/** Part of a list of runs. */
export interface PipelineRunPage extends Page<PipelineRunSummary> {
  /** Runs that cannot be read and hide none of the others, each told once: with the page that looked as far, or, where all runs are looked at, with the first one. */
  readonly damaged: readonly DamagedPipelineRun[];
}

/** A run as a list shows it. */
export function runSummary(head: RunHead, lease: LeaseRecord | undefined, clock: Clock): PipelineRunSummary {
  const live = head.status === 'running' && lease !== undefined && lease.expiresAt > clock.now();
  return {
    id: head.id,
    pipeline: head.pipeline,
    status: head.status !== 'running' ? head.status : live ? 'running' : 'interrupted',
    failure: head.failure,
    cancellation: cancellationOf(head),
    owner: live ? lease.owner : undefined,
    params: head.params,
    triggeredBy: head.triggeredBy,
    interval: head.interval,
    timings: runTimings(head),
  };
}
