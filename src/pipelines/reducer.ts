import type { FailureRecord } from '../core/failure.ts';
import type { Plan } from './plan.ts';
import { retryWaitMs } from './retry.ts';

/** Where a step stands. `upstream_failed`: it will not run, because a step that it depends on did not succeed. */
export type StepStatus = 'pending' | 'running' | 'retrying' | 'succeeded' | 'failed' | 'upstream_failed' | 'cancelled';

/** How a run ended. */
export type RunOutcome = 'succeeded' | 'failed' | 'cancelled';

/** An attempt that failed. */
export interface AttemptFailure {
  /** Its number, counted from 1. */
  readonly attempt: number;
  /** Epoch milliseconds. */
  readonly at: number;
  /** What was thrown. */
  readonly failure: FailureRecord;
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
  /** How long the last attempt took, in milliseconds. */
  readonly durationMs?: number | undefined;
  /** Why a step did not run. */
  readonly because?: string | undefined;
}

/** The state of a run: all that decisions are made from. */
export interface RunState {
  readonly status: 'running' | RunOutcome;
  readonly cancelling: boolean;
  /** How many steps may run at once. */
  readonly concurrency: number;
  readonly running: number;
  /** Steps that may start as soon as there is room, first come first served. */
  readonly ready: readonly number[];
  /** By the step's number in the plan. */
  readonly steps: readonly StepState[];
  /** How many upstream steps have succeeded, by the step's number in the plan. */
  readonly met: readonly number[];
  /** Steps that have not come to a final status. */
  readonly open: number;
}

/** Something that happened to a run. */
export type RunEvent =
  | { readonly type: 'started'; readonly at: number }
  | { readonly type: 'attempt-succeeded'; readonly at: number; readonly step: string; readonly attempt: number; readonly durationMs: number }
  | {
      readonly type: 'attempt-failed';
      readonly at: number;
      readonly step: string;
      readonly attempt: number;
      readonly durationMs: number;
      readonly failure: FailureRecord;
      readonly retryable: boolean;
      /** In [0, 1): fixes the jitter of the wait. */
      readonly chance: number;
    }
  | { readonly type: 'retry-due'; readonly at: number; readonly step: string }
  | { readonly type: 'cancelled'; readonly at: number };

/** What an executor has to do, in this order; every `record` must be durable before anything else is done. */
export type RunCommand =
  | { readonly type: 'record'; readonly step: string }
  | { readonly type: 'execute'; readonly step: string; readonly attempt: number }
  | { readonly type: 'wait'; readonly step: string; readonly until: number }
  | { readonly type: 'abort'; readonly step: string }
  | { readonly type: 'finish'; readonly status: RunOutcome };

// A record must not grow with the limit of its retries.
const keptFailures = 16;

const untouched: StepState = { status: 'pending', attempts: 0, failures: [] };

/** The state before the first event; `restored` holds what an earlier process recorded of steps that succeeded, failed or wait for a retry. */
export function initialState(plan: Plan, concurrency: number, restored: ReadonlyMap<string, StepState> = new Map()): RunState {
  const steps = plan.steps.map(({ name }) => restored.get(name) ?? untouched);
  return {
    status: 'running',
    cancelling: false,
    concurrency,
    running: 0,
    ready: [],
    steps,
    met: plan.upstream.map((sources) => sources.filter((source) => steps[source]!.status === 'succeeded').length),
    open: steps.filter(({ status }) => !isFinal(status)).length,
  };
}

/** Whether a step in this status will not change any more. */
function isFinal(status: StepStatus): boolean {
  return status === 'succeeded' || status === 'failed' || status === 'upstream_failed' || status === 'cancelled';
}

/**
 * The one place where a run is decided: what the state becomes by an event, and what has to be done about it. Pure, so that every executor decides alike and any
 * run can be replayed. An event that the state no longer waits for (a second result of an attempt, a retry of a cancelled step) changes nothing.
 */
export function decide(plan: Plan, state: RunState, event: RunEvent): [RunState, readonly RunCommand[]] {
  const decision = new Decision(plan, state, event.at);
  switch (event.type) {
    case 'started':
      decision.start();
      break;
    case 'attempt-succeeded':
      decision.succeed(event.step, event.attempt, event.durationMs);
      break;
    case 'attempt-failed':
      decision.fail(event);
      break;
    case 'retry-due':
      decision.retry(event.step);
      break;
    case 'cancelled':
      decision.cancel();
      break;
  }
  return decision.result();
}

/** One decision under way: copies of the state's arrays that it alone may change. */
class Decision {
  readonly #plan: Plan;
  readonly #at: number;
  readonly #before: RunState;
  readonly #steps: StepState[];
  readonly #met: number[];
  readonly #ready: number[];
  readonly #commands: RunCommand[] = [];
  #running: number;
  #open: number;
  #cancelling: boolean;

  constructor(plan: Plan, state: RunState, at: number) {
    this.#plan = plan;
    this.#at = at;
    this.#before = state;
    this.#steps = state.steps.slice();
    this.#met = state.met.slice();
    this.#ready = state.ready.slice();
    this.#running = state.running;
    this.#open = state.open;
    this.#cancelling = state.cancelling;
  }

  start(): void {
    this.#steps.forEach((step, i) => {
      if (step.status === 'pending' && this.#met[i] === this.#plan.upstream[i]!.length) this.#ready.push(i);
      else if (step.status === 'retrying') this.#commands.push({ type: 'wait', step: this.#name(i), until: step.retryAt ?? this.#at });
      else if (step.status === 'failed') this.#block(i);
    });
  }

  succeed(name: string, attempt: number, durationMs: number): void {
    const i = this.#runningStep(name, attempt);
    if (i === undefined) return;
    this.#running--;
    this.#close(i, { status: 'succeeded', durationMs });
    for (const follower of this.#plan.downstream[i]!) {
      this.#met[follower]!++;
      if (this.#met[follower] === this.#plan.upstream[follower]!.length && this.#steps[follower]!.status === 'pending') this.#ready.push(follower);
    }
  }

  fail(event: Extract<RunEvent, { type: 'attempt-failed' }>): void {
    const i = this.#runningStep(event.step, event.attempt);
    if (i === undefined) return;
    this.#running--;
    const { durationMs, attempt, failure } = event;
    if (this.#cancelling) return this.#close(i, { status: 'cancelled', durationMs, because: 'the run was cancelled while it ran' });
    const failures = [...this.#steps[i]!.failures, { attempt, at: this.#at, failure }].slice(-keptFailures);
    const { retry } = this.#plan.steps[i]!;
    if (event.retryable && attempt <= retry.limit) {
      const retryAt = this.#at + retryWaitMs(retry, attempt, event.chance);
      this.#steps[i] = { ...this.#steps[i]!, status: 'retrying', failures, durationMs, retryAt };
      this.#commands.push({ type: 'record', step: event.step }, { type: 'wait', step: event.step, until: retryAt });
      return;
    }
    this.#close(i, { status: 'failed', failures, durationMs });
    this.#block(i);
  }

  retry(name: string): void {
    const i = this.#plan.indexOf.get(name);
    if (i === undefined || this.#steps[i]!.status !== 'retrying') return;
    this.#steps[i] = { ...this.#steps[i]!, status: 'pending', retryAt: undefined };
    this.#ready.push(i);
  }

  cancel(): void {
    if (this.#cancelling || this.#open === 0) return;
    this.#cancelling = true;
    this.#ready.length = 0;
    this.#steps.forEach(({ status }, i) => {
      if (status === 'running') this.#commands.push({ type: 'abort', step: this.#name(i) });
      else if (!isFinal(status)) this.#close(i, { status: 'cancelled', retryAt: undefined, because: 'the run was cancelled before it ran' });
    });
  }

  result(): [RunState, readonly RunCommand[]] {
    this.#startReady();
    const finished = this.#open === 0 && this.#before.status === 'running' ? this.#outcome() : undefined;
    if (finished) this.#commands.push({ type: 'finish', status: finished });
    const { concurrency, status } = this.#before;
    const next: RunState = {
      status: finished ?? status,
      cancelling: this.#cancelling,
      concurrency,
      running: this.#running,
      ready: this.#ready,
      steps: this.#steps,
      met: this.#met,
      open: this.#open,
    };
    return [next, this.#commands];
  }

  /** Marks all that depends on a step that did not succeed, at once and however far down: it need not wait for what else it depends on. */
  #block(i: number): void {
    const because = new Map([[i, this.#name(i)]]);
    for (const [source, culprit] of because) {
      for (const follower of this.#plan.downstream[source]!) {
        if (this.#steps[follower]!.status !== 'pending') continue;
        this.#close(follower, { status: 'upstream_failed', because: `step '${culprit}' failed` });
        because.set(follower, culprit);
      }
    }
  }

  #startReady(): void {
    const room = this.#before.concurrency - this.#running;
    for (const i of this.#ready.splice(0, Math.max(0, room))) {
      const step = this.#steps[i]!;
      const attempts = step.attempts + 1;
      this.#steps[i] = { ...step, status: 'running', attempts, startedAt: step.startedAt ?? this.#at };
      this.#running++;
      this.#commands.push({ type: 'execute', step: this.#name(i), attempt: attempts });
    }
  }

  #close(i: number, change: Partial<StepState>): void {
    this.#steps[i] = { ...this.#steps[i]!, ...change, endedAt: this.#at };
    this.#open--;
    this.#commands.push({ type: 'record', step: this.#name(i) });
  }

  /** Green only when every step is: a failure inside is never covered by what came after it. */
  #outcome(): RunOutcome {
    if (this.#steps.every(({ status }) => status === 'succeeded')) return 'succeeded';
    return this.#cancelling ? 'cancelled' : 'failed';
  }

  #runningStep(name: string, attempt: number): number | undefined {
    const i = this.#plan.indexOf.get(name);
    const step = i === undefined ? undefined : this.#steps[i];
    return step?.status === 'running' && step.attempts === attempt ? i : undefined;
  }

  #name(i: number): string {
    return this.#plan.steps[i]!.name;
  }
}
