import type { FailureRecord } from '../core/failure.ts';
import type { CachedFrom } from './caching/cached-from.ts';
import type { CancelCause } from './cancelling/cancellation.ts';
import type { StopReason } from './cancelling/stop-reason.ts';
import { unbegunLine, type ItemLine, type StepItems } from './items.ts';
import { PersistentArray } from './persistent-array.ts';
import type { Plan } from './plan.ts';
import { ReadyQueue } from './ready-queue.ts';
import type { StepFailure } from './step-failure.ts';
import type { RunTimeout } from './timeouts.ts';
import type { Tally } from './trigger-rule.ts';
import { Units } from './units.ts';
import { isForPerson, type StepWait } from './waiting/wait.ts';

/** Where a step stands. `skipped`: it was not to run, by its condition or its trigger. `upstream_failed`: it cannot run, because a step that it depends on failed. `waiting`: for a moment, or for somebody. */
export type StepStatus = 'pending' | 'running' | 'retrying' | 'waiting' | 'succeeded' | 'failed' | 'skipped' | 'upstream_failed' | 'cancelled';

/** How a run ended. */
export type RunOutcome = 'succeeded' | 'failed' | 'cancelled';

/** Where a run stands. `waiting`: nothing in it goes on until somebody has decided, and nobody holds it meanwhile. */
export type RunStatus = 'running' | 'waiting' | RunOutcome;

/** Whether nothing will change in a run any more, unless it is resumed. */
export function hasEnded(status: RunStatus): status is RunOutcome {
  return status !== 'running' && status !== 'waiting';
}

/** An attempt that failed. */
export interface AttemptFailure {
  /** Its number, counted from 1. */
  readonly attempt: number;
  /** Epoch milliseconds. */
  readonly at: number;
  /** What was thrown. */
  readonly failure: StepFailure;
}

/** What is known of a step at one moment of a run. */
export interface StepState {
  readonly status: StepStatus;
  /** Attempts begun. */
  readonly attempts: number;
  /** The last failed attempts, at most 16. */
  readonly failures: readonly AttemptFailure[];
  /** When the first attempt began, epoch milliseconds. */
  readonly startedAt?: number | undefined;
  /** When it came to its final status, epoch milliseconds. */
  readonly endedAt?: number | undefined;
  /** When a retry is due, epoch milliseconds. */
  readonly retryAt?: number | undefined;
  /** What it waits for, or waited for at last. */
  readonly wait?: StepWait | undefined;
  /** How long the last attempt took, in milliseconds. */
  readonly durationMs?: number | undefined;
  /** Why it failed, or will when it has been stopped, if that is not what its last attempt threw. */
  readonly failure?: FailureRecord | undefined;
  /** Why a step did not run. */
  readonly because?: string | undefined;
  /** How its items stand, once it is known which it has; absent for a step that has none. */
  readonly items?: StepItems | undefined;
  /** Where its output was taken from, when it was not run for it. */
  readonly cache?: CachedFrom | undefined;
}

/** The state of a run: all that decisions are made from. */
export interface RunState {
  readonly status: RunStatus;
  /** Why the steps that do not run at the end are stopped; absent while they are not. */
  readonly stopping?: StopReason | undefined;
  /** By whom and why it is cancelled, if it is and that is known. */
  readonly cancelledBy?: CancelCause | undefined;
  /** Why the run as a whole failed, if that is no step's failure. */
  readonly failure?: FailureRecord | undefined;
  readonly timeout?: RunTimeout | undefined;
  /** How many units may run at once. */
  readonly concurrency: number;
  readonly running: number;
  /** Whether the run is let go of when nothing in it goes on until somebody has decided. */
  readonly parks: boolean;
  /** How many units will go on by the time alone: they wait for a retry or a moment. */
  readonly timed: number;
  /** How many units wait for somebody. */
  readonly asking: number;
  /** Units that may start as soon as there is room, and the slots that are free. */
  readonly ready: ReadyQueue;
  /** What is decided about: the steps, by their number in the plan, and what they have of items. */
  readonly units: Units;
  /** By the step's number, which of its items come next. */
  readonly lines: PersistentArray<ItemLine>;
  /** How the steps that it comes after have ended, by the step's number in the plan. */
  readonly tallies: PersistentArray<Tally>;
  /** Steps that have not come to a final status. */
  readonly open: number;
  /** Those of them that do not run at the end of the run. */
  readonly openBefore: number;
}

/** The state of what has not begun. */
export const untouched: StepState = { status: 'pending', attempts: 0, failures: [] };

/** The state before the first event; `restored` holds what an earlier process recorded of steps that have ended, wait for a retry or were begun. */
export function initialState(plan: Plan, concurrency: number, restored: ReadonlyMap<string, StepState> = new Map(), timeout?: RunTimeout, parks = true): RunState {
  const steps = plan.steps.map(({ name }) => restored.get(name) ?? untouched);
  return {
    status: 'running',
    timeout,
    concurrency,
    running: 0,
    parks,
    timed: steps.filter(isTimed).length,
    asking: steps.filter(isAsking).length,
    ready: ReadyQueue.of(plan),
    units: Units.of(plan, steps),
    lines: PersistentArray.from(steps.map(() => unbegunLine)),
    tallies: PersistentArray.from(plan.upstream.map((sources) => sources.reduce((tally, source) => counted(tally, steps[source]!.status), nothingEnded))),
    open: steps.filter(({ status }) => !isFinal(status)).length,
    openBefore: steps.filter(({ status }, i) => !isFinal(status) && !plan.steps[i]!.final).length,
  };
}

const nothingEnded: Tally = { succeeded: 0, failed: 0, skipped: 0, upstreamFailed: 0 };

/** A tally with one more step in it, if that has ended. What was cancelled has not done its work, as what failed. */
export function counted(tally: Tally, status: StepStatus): Tally {
  if (!isFinal(status)) return tally;
  const kind = status === 'succeeded' || status === 'skipped' ? status : status === 'upstream_failed' ? 'upstreamFailed' : 'failed';
  return { ...tally, [kind]: tally[kind] + 1 };
}

/** Whether a step in this status will not change any more. */
export function isFinal(status: StepStatus): boolean {
  return status !== 'pending' && status !== 'running' && status !== 'retrying' && status !== 'waiting';
}

/** Whether the time alone has it go on. */
export function isTimed({ status, wait }: StepState): boolean {
  return status === 'retrying' || (status === 'waiting' && !isForPerson(wait!));
}

/** What steps wait for, by name. */
export function waitsOf({ steps }: Plan, { units }: RunState): [step: string, wait: StepWait][] {
  return steps.flatMap(({ name }, i): [string, StepWait][] => {
    const { status, wait } = units.at(i);
    return status === 'waiting' && wait ? [[name, wait]] : [];
  });
}

/** Whether it waits for somebody. */
export function isAsking({ status, wait }: StepState): boolean {
  return status === 'waiting' && isForPerson(wait!);
}

/** What the record of a step's beginning says when nobody works on it any more: that it is to be begun again, and since when its time counts. */
export function unbegun<State extends StepState>(state: State): State {
  return state.status === 'running' ? { ...state, status: 'pending', attempts: state.attempts - 1 } : state;
}
