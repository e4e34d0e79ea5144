import type { Clock } from '../core/clock.ts';
import type { OperationOptions } from '../core/progress.ts';
import type { RunCause } from './launching/run-cause.ts';
import type { LeaseRecord } from './lease.ts';
import type { RunOutcome, StepState } from './reducer.ts';
import { runTimings, type RunTimings } from './run-result.ts';
import type { RunHead, RunStore, StepRecord } from './run-store.ts';
import type { DataInterval } from './schedules/data-interval.ts';
import { stepResult, type StepResult } from './step-result.ts';

/** Where a run stands. `interrupted`: it is not finished, and no living process works on it; resume it. */
export type PipelineRunStatus = 'running' | 'interrupted' | RunOutcome;

/** A run in a list. */
export interface PipelineRunSummary {
  /** Its id, for `getRun` and `resume`. */
  readonly id: string;
  /** Name of the pipeline. */
  readonly pipeline: string;
  /** Where it stands. */
  readonly status: PipelineRunStatus;
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

/** A run as it was last recorded. */
export interface PipelineRun extends PipelineRunSummary {
  /** By name, in the order in which the steps were defined. */
  readonly steps: Readonly<Record<string, StepResult>>;
}

const untouched: StepState = { status: 'pending', attempts: 0, failures: [] };
const batch = 100;

/** A run with its steps. */
export async function readRun(store: RunStore, head: RunHead, clock: Clock, options: OperationOptions): Promise<PipelineRun> {
  const names = head.definition.map(({ name }) => name);
  const records = await store.steps(head.id, names, options);
  const steps = names.map((name) => [name, stepResult(name, stateOf(records.get(name)?.value, head))] as const);
  return { ...summary(head, (await store.leases([head.id], options))[0], clock), steps: Object.fromEntries(steps) };
}

/** Runs, newest first. */
export async function* readRuns(store: RunStore, clock: Clock, options: OperationOptions): AsyncGenerator<PipelineRunSummary> {
  const ids = (await store.runIds(options)).reverse();
  for (let at = 0; at < ids.length; at += batch) {
    const part = ids.slice(at, at + batch);
    const [heads, leases] = await Promise.all([store.heads(part, options), store.leases(part, options)]);
    for (const [i, head] of heads.entries()) if (head) yield summary(head, leases[i], clock);
  }
}

function summary(head: RunHead, lease: LeaseRecord | undefined, clock: Clock): PipelineRunSummary {
  const live = head.status === 'running' && lease !== undefined && lease.expiresAt > clock.now();
  return {
    id: head.id,
    pipeline: head.pipeline,
    status: head.status !== 'running' ? head.status : live ? 'running' : 'interrupted',
    owner: live ? lease.owner : undefined,
    params: head.params,
    triggeredBy: head.triggeredBy,
    interval: head.interval,
    timings: runTimings(head),
  };
}

/** A record of an earlier round counts only when the step succeeded: otherwise it is tried again. */
function stateOf(record: StepRecord | undefined, head: RunHead): StepState {
  return record && (record.status === 'succeeded' || record.round === head.round) ? record : untouched;
}
