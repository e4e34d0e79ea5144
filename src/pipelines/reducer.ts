import { describeFailure, type FailureRecord } from '../core/failure.ts';
import type { CachedFrom } from './caching/cached-from.ts';
import { PersistentArray } from './persistent-array.ts';
import type { Plan, StepSpec } from './plan.ts';
import { ReadyQueue } from './ready-queue.ts';
import { retryWaitMs } from './retry.ts';
import type { StepFailure } from './step-failure.ts';
import { leftOf, runTimeout, stepTimeout, type RunTimeout } from './timeouts.ts';
import { triggerVerdict, type Tally, type TriggerVerdict } from './trigger-rule.ts';

/** Where a step stands. `skipped`: it was not to run, by its condition or its trigger. `upstream_failed`: it cannot run, because a step that it depends on failed. */
export type StepStatus = 'pending' | 'running' | 'retrying' | 'succeeded' | 'failed' | 'skipped' | 'upstream_failed' | 'cancelled';

/** How a run ended. */
export type RunOutcome = 'succeeded' | 'failed' | 'cancelled';

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
  /** How long the last attempt took, in milliseconds. */
  readonly durationMs?: number | undefined;
  /** Why it failed, or will when it has been stopped, if that is not what its last attempt threw. */
  readonly failure?: FailureRecord | undefined;
  /** Why a step did not run. */
  readonly because?: string | undefined;
  /** Where its output was taken from, when it was not run for it. */
  readonly cache?: CachedFrom | undefined;
}

/** The state of a run: all that decisions are made from. */
export interface RunState {
  readonly status: 'running' | RunOutcome;
  /** Why the steps that do not run at the end are stopped; absent while they are not. */
  readonly stopping?: StopReason | undefined;
  /** Why the run as a whole failed, if that is no step's failure. */
  readonly failure?: FailureRecord | undefined;
  readonly timeout?: RunTimeout | undefined;
  /** How many steps may run at once. */
  readonly concurrency: number;
  readonly running: number;
  /** Steps that may start as soon as there is room, and the slots that are free. */
  readonly ready: ReadyQueue;
  /** By the step's number in the plan. */
  readonly steps: PersistentArray<StepState>;
  /** How the steps that it comes after have ended, by the step's number in the plan. */
  readonly tallies: PersistentArray<Tally>;
  /** Steps that have not come to a final status. */
  readonly open: number;
  /** Those of them that do not run at the end of the run. */
  readonly openBefore: number;
}

/** Why a run is stopped. */
export type StopReason = 'cancelled' | 'run-timeout';

/** Something that happened to a run. */
export type RunEvent =
  | { readonly type: 'started'; readonly at: number }
  | {
      readonly type: 'attempt-succeeded';
      readonly at: number;
      readonly step: string;
      readonly attempt: number;
      readonly durationMs: number;
      /** Given when there was an output to take, so that no attempt was made. */
      readonly cache?: CachedFrom | undefined;
    }
  | {
      readonly type: 'attempt-failed';
      readonly at: number;
      readonly step: string;
      readonly attempt: number;
      readonly durationMs: number;
      readonly failure: StepFailure;
      readonly retryable: boolean;
      /** In [0, 1): fixes the jitter of the wait. */
      readonly chance: number;
    }
  | { readonly type: 'declined'; readonly at: number; readonly step: string; readonly attempt: number }
  /** A former owner's success of a step has been found. */
  | { readonly type: 'found-succeeded'; readonly at: number; readonly step: string; readonly durationMs: number | undefined; readonly cache?: CachedFrom | undefined }
  | { readonly type: 'retry-due'; readonly at: number; readonly step: string }
  /** The time of a step is over, or that of the run. */
  | { readonly type: 'deadline-due'; readonly at: number; readonly step?: string | undefined }
  | { readonly type: 'cancelled'; readonly at: number };

/** What an executor has to do, in this order; every `record` must be durable before anything else is done. */
export type RunCommand =
  | { readonly type: 'record'; readonly step: string }
  | { readonly type: 'execute'; readonly step: string; readonly attempt: number }
  /** To tell that a retry is due. */
  | { readonly type: 'wait'; readonly step: string; readonly forMs: number }
  /** To tell that the time of a step is over, or that of the run. */
  | { readonly type: 'deadline'; readonly step?: string | undefined; readonly forMs: number }
  | { readonly type: 'abort'; readonly step: string; readonly reason: StopReason | 'step-timeout' }
  | { readonly type: 'finish'; readonly status: RunOutcome };

// A record must not grow with the limit of its retries.
const keptFailures = 16;

/** Why a step did not come to its end, by what stopped the run before or while it ran. */
const stopReasons: Readonly<Record<StopReason, { readonly before: string; readonly during: string }>> = {
  cancelled: { before: 'the run was cancelled before it ran', during: 'the run was cancelled while it ran' },
  'run-timeout': { before: 'the run passed its timeout before it ran', during: 'the run passed its timeout while it ran' },
};

const untouched: StepState = { status: 'pending', attempts: 0, failures: [] };

/** The state before the first event; `restored` holds what an earlier process recorded of steps that have ended, wait for a retry or were begun. */
export function initialState(plan: Plan, concurrency: number, restored: ReadonlyMap<string, StepState> = new Map(), timeout?: RunTimeout): RunState {
  const steps = plan.steps.map(({ name }) => restored.get(name) ?? untouched);
  return {
    status: 'running',
    timeout,
    concurrency,
    running: 0,
    ready: ReadyQueue.of(plan),
    steps: PersistentArray.from(steps),
    tallies: PersistentArray.from(plan.upstream.map((sources) => sources.reduce((tally, source) => counted(tally, steps[source]!.status), nothingEnded))),
    open: steps.filter(({ status }) => !isFinal(status)).length,
    openBefore: steps.filter(({ status }, i) => !isFinal(status) && !plan.steps[i]!.final).length,
  };
}

const nothingEnded: Tally = { succeeded: 0, failed: 0, skipped: 0, upstreamFailed: 0 };

/** A tally with one more step in it, if that has ended. What was cancelled has not done its work, as what failed. */
function counted(tally: Tally, status: StepStatus): Tally {
  if (!isFinal(status)) return tally;
  const kind = status === 'succeeded' || status === 'skipped' ? status : status === 'upstream_failed' ? 'upstreamFailed' : 'failed';
  return { ...tally, [kind]: tally[kind] + 1 };
}

/** Whether a step in this status will not change any more. */
export function isFinal(status: StepStatus): boolean {
  return status !== 'pending' && status !== 'running' && status !== 'retrying';
}

/** What the record of a step's beginning says when nobody works on it any more: that it is to be begun again, and since when its time counts. */
export function unbegun<State extends StepState>(state: State): State {
  return state.status === 'running' ? { ...state, status: 'pending', attempts: state.attempts - 1 } : state;
}

/**
 * The one place where a run is decided: what the state becomes by events that have gathered, and what has to be done about it. Pure, so that every executor decides alike
 * and any run can be replayed. An event that the state no longer waits for (a second result of an attempt, a retry of a cancelled step) changes nothing. Costs time in
 * the number of steps once, and for each event in the number of steps that come after its own: states share what has not changed.
 */
export function decide(plan: Plan, state: RunState, ...events: readonly RunEvent[]): [RunState, readonly RunCommand[]] {
  const decision = new Decision(plan, state);
  for (const event of events) decision.take(event);
  return decision.result();
}

/** What success makes of a step. An attempt that took an output was none. */
function success({ attempt, durationMs, cache }: Extract<RunEvent, { type: 'attempt-succeeded' }>): Partial<StepState> {
  if (cache === undefined) return { status: 'succeeded', durationMs };
  return { status: 'succeeded', attempts: attempt - 1, ...(attempt === 1 ? { startedAt: undefined } : {}), cache };
}

/** One decision under way. */
class Decision {
  readonly #plan: Plan;
  readonly #before: RunState;
  readonly #commands: RunCommand[] = [];
  /** Steps whose trigger may say something new. */
  readonly #affected: number[] = [];
  #at = 0;
  #steps: PersistentArray<StepState>;
  #tallies: PersistentArray<Tally>;
  #ready: ReadyQueue;
  #running: number;
  #open: number;
  #openBefore: number;
  #stopping: StopReason | undefined;
  #failure: FailureRecord | undefined;

  constructor(plan: Plan, state: RunState) {
    this.#plan = plan;
    this.#before = state;
    this.#steps = state.steps;
    this.#tallies = state.tallies;
    this.#ready = state.ready;
    this.#running = state.running;
    this.#open = state.open;
    this.#openBefore = state.openBefore;
    this.#stopping = state.stopping;
    this.#failure = state.failure;
  }

  take(event: RunEvent): void {
    this.#at = event.at;
    switch (event.type) {
      case 'started':
        this.#start();
        break;
      case 'attempt-succeeded':
        this.#ended(event.step, event.attempt, success(event));
        break;
      case 'attempt-failed':
        this.#fail(event);
        break;
      case 'declined':
        this.#ended(event.step, event.attempt, { status: 'skipped', attempts: event.attempt - 1, startedAt: undefined, because: 'its condition did not hold' });
        break;
      case 'found-succeeded':
        this.#adopt(event);
        break;
      case 'retry-due':
        this.#retry(event.step);
        break;
      case 'deadline-due':
        if (event.step === undefined) this.#stop('run-timeout');
        else this.#overrun(this.#plan.indexOf.get(event.step));
        break;
      case 'cancelled':
        this.#stop('cancelled');
        break;
    }
    for (let i = this.#affected.pop(); i !== undefined; i = this.#affected.pop()) this.#judge(i);
  }

  result(): [RunState, readonly RunCommand[]] {
    this.#startReady();
    const finished = this.#open === 0 && this.#before.status === 'running' ? this.#outcome() : undefined;
    if (finished) this.#commands.push({ type: 'finish', status: finished });
    const { concurrency, timeout, status } = this.#before;
    const next: RunState = {
      status: finished ?? status,
      stopping: this.#stopping,
      failure: this.#failure,
      timeout,
      concurrency,
      running: this.#running,
      ready: this.#ready,
      steps: this.#steps,
      tallies: this.#tallies,
      open: this.#open,
      openBefore: this.#openBefore,
    };
    return [next, this.#commands];
  }

  #start(): void {
    for (let i = this.#steps.length - 1; i >= 0; i--) this.#affected.push(i);
    const { timeout } = this.#before;
    if (timeout) this.#watch(leftOf(timeout.limitMs, timeout.since, this.#at));
    for (const i of this.#plan.steps.keys()) this.#continue(i);
  }

  /** Takes up what an earlier process left of a step: its time that runs, its wait for a retry. */
  #continue(i: number): void {
    const { name, totalTimeoutMs, retry } = this.#plan.steps[i]!;
    const { status, startedAt } = this.#steps.at(i);
    if (!isFinal(status) && startedAt !== undefined && totalTimeoutMs !== undefined) this.#watch(leftOf(totalTimeoutMs, startedAt, this.#at), i);
    const { status: now, retryAt = this.#at } = this.#steps.at(i);
    if (now === 'retrying') this.#commands.push({ type: 'wait', step: name, forMs: Math.min(retry.waits.maxMs, Math.max(0, retryAt - this.#at)) });
  }

  /** Has the end of a step's time told, or of the run's; when nothing is left of it, that is now. */
  #watch(forMs: number, i?: number): void {
    if (forMs > 0) this.#commands.push({ type: 'deadline', step: i === undefined ? undefined : this.#name(i), forMs });
    else if (i === undefined) this.#stop('run-timeout');
    else this.#overrun(i);
  }

  #ended(name: string, attempt: number, change: Partial<StepState>): void {
    const i = this.#runningStep(name, attempt);
    if (i === undefined) return;
    this.#leave(i);
    const { failure, durationMs } = this.#steps.at(i);
    // What comes too late is not taken.
    if (failure) this.#close(i, { status: 'failed', durationMs: change.durationMs ?? durationMs });
    else if (this.#stopping === 'run-timeout' && !this.#plan.steps[i]!.final) this.#close(i, { status: 'cancelled', because: stopReasons['run-timeout'].during });
    else this.#close(i, change);
  }

  /** A step runs no more, whatever becomes of it. */
  #leave(i: number): void {
    this.#running--;
    this.#ready = this.#ready.released(i);
  }

  #adopt({ step, durationMs, cache }: Extract<RunEvent, { type: 'found-succeeded' }>): void {
    const i = this.#plan.indexOf.get(step);
    const status = i === undefined ? undefined : this.#steps.at(i).status;
    if (i === undefined || isFinal(status!)) return;
    if (status === 'running') this.#leave(i);
    this.#ready = this.#ready.without(i);
    this.#close(i, { status: 'succeeded', durationMs, retryAt: undefined, failure: undefined, cache });
  }

  #fail(event: Extract<RunEvent, { type: 'attempt-failed' }>): void {
    const i = this.#runningStep(event.step, event.attempt);
    if (i === undefined) return;
    this.#leave(i);
    const { durationMs, attempt, failure } = event;
    const { retry, final } = this.#plan.steps[i]!;
    const before = this.#steps.at(i);
    if (this.#stopping && !final && !before.failure) return this.#close(i, { status: 'cancelled', durationMs, because: stopReasons[this.#stopping].during });
    const failures = [...before.failures, { attempt, at: this.#at, failure }].slice(-keptFailures);
    if (event.retryable && attempt <= retry.limit && !before.failure) {
      const retryAt = this.#at + retryWaitMs(retry, attempt, event.chance);
      this.#change(i, { status: 'retrying', failures, durationMs, retryAt });
      this.#commands.push({ type: 'record', step: event.step }, { type: 'wait', step: event.step, forMs: retryAt - this.#at });
      return;
    }
    this.#close(i, { status: 'failed', failures, durationMs });
  }

  #retry(name: string): void {
    const i = this.#plan.indexOf.get(name);
    if (i === undefined || this.#steps.at(i).status !== 'retrying') return;
    this.#change(i, { status: 'pending', retryAt: undefined });
    this.#ready = this.#ready.with(i);
  }

  /** Ends a step whose time is over: at once when it waits, else when it has been stopped. */
  #overrun(i: number | undefined): void {
    if (i === undefined) return;
    const { name, totalTimeoutMs, final } = this.#plan.steps[i]!;
    const { status, startedAt, failure: known } = this.#steps.at(i);
    if (totalTimeoutMs === undefined || startedAt === undefined || known || isFinal(status) || (this.#stopping && !final)) return;
    const failure = describeFailure(stepTimeout(name, totalTimeoutMs));
    this.#ready = this.#ready.without(i);
    if (status !== 'running') return this.#close(i, { status: 'failed', failure, retryAt: undefined });
    this.#change(i, { failure });
    this.#commands.push({ type: 'abort', step: name, reason: 'step-timeout' });
  }

  /** What runs at the end still does, and is not stopped: it is there to clean up. */
  #stop(reason: StopReason): void {
    if (this.#stopping || this.#openBefore === 0) return;
    this.#stopping = reason;
    if (reason === 'run-timeout') this.#failure = describeFailure(runTimeout(this.#before.timeout!.limitMs));
    this.#ready = this.#ready.cleared();
    for (const [i, { name, final }] of this.#plan.steps.entries()) {
      const { status } = this.#steps.at(i);
      if (isFinal(status) || final) continue;
      if (status === 'running') this.#commands.push({ type: 'abort', step: name, reason });
      else this.#close(i, { status: 'cancelled', retryAt: undefined, because: stopReasons[reason].before });
    }
  }

  /** Asks the trigger of a step that waits; a verdict need not wait for what else the step comes after. */
  #judge(i: number): void {
    const { final, trigger } = this.#plan.steps[i]!;
    if (this.#steps.at(i).status !== 'pending' || (final ? this.#openBefore > 0 : this.#stopping)) return;
    const verdict = triggerVerdict(trigger, this.#tallies.at(i), this.#plan.upstream[i]!.length);
    if (verdict === 'wait') return;
    if (verdict !== 'run') this.#close(i, { status: verdict, because: this.#reason(i, verdict) });
    else this.#ready = this.#ready.with(i);
  }

  #reason(i: number, verdict: TriggerVerdict): string {
    const culprits = this.#plan.upstream[i]!.map((source) => ({ name: this.#name(source), ...this.#steps.at(source) }));
    const { trigger } = this.#plan.steps[i]!;
    if (verdict === 'upstream_failed') {
      const culprit = culprits.find(({ status }) => status === 'failed') ?? culprits.find(({ status }) => status === 'upstream_failed');
      if (culprit) return culprit.status === 'failed' ? `step '${culprit.name}' failed` : culprit.because!;
    }
    const skipped = culprits.find(({ status }) => status === 'skipped');
    if (skipped && (trigger === 'all_success' || trigger === 'none_skipped')) return `step '${skipped.name}' was skipped`;
    const { succeeded, failed, skipped: skips, upstreamFailed } = this.#tallies.at(i);
    return `its trigger '${trigger}' cannot be met: of ${culprits.length} steps ${succeeded} succeeded, ${failed} failed, ${skips} were skipped and ${upstreamFailed} could not run`;
  }

  #startReady(): void {
    while (this.#running < this.#before.concurrency) {
      const next = this.#ready.next();
      if (next === undefined) return;
      this.#ready = next.rest;
      this.#execute(next.step);
    }
  }

  #execute(i: number): void {
    const { name, totalTimeoutMs } = this.#plan.steps[i]!;
    const { attempts: before, startedAt } = this.#steps.at(i);
    const attempts = before + 1;
    this.#change(i, { status: 'running', attempts, startedAt: startedAt ?? this.#at });
    this.#running++;
    if (startedAt === undefined && totalTimeoutMs !== undefined) {
      // Recorded, so that a process that dies does not give the step more time.
      this.#commands.push({ type: 'record', step: name }, { type: 'deadline', step: name, forMs: totalTimeoutMs });
    }
    this.#commands.push({ type: 'execute', step: name, attempt: attempts });
  }

  #close(i: number, change: Partial<StepState>): void {
    const { status } = this.#change(i, { ...change, endedAt: this.#at });
    this.#open--;
    this.#commands.push({ type: 'record', step: this.#name(i) });
    const followers = this.#plan.downstream[i]!;
    for (const follower of followers) this.#tallies = this.#tallies.with(follower, counted(this.#tallies.at(follower), status));
    // The last goes first: those that become ready do so in the order of the plan.
    for (let at = followers.length - 1; at >= 0; at--) this.#affected.push(followers[at]!);
    if (this.#plan.steps[i]!.final || --this.#openBefore > 0) return;
    for (let at = this.#steps.length - 1; at >= 0; at--) if (this.#plan.steps[at]!.final) this.#affected.push(at);
  }

  /** Green only when no step went wrong that was not allowed to: a failure inside is never covered by what came after it. */
  #outcome(): RunOutcome {
    const good = ({ status }: StepState, { allowFailure }: StepSpec): boolean => status === 'succeeded' || status === 'skipped' || (status !== 'cancelled' && allowFailure);
    if (!this.#failure && this.#plan.steps.every((step, i) => good(this.#steps.at(i), step))) return 'succeeded';
    return this.#stopping === 'cancelled' ? 'cancelled' : 'failed';
  }

  #change(i: number, change: Partial<StepState>): StepState {
    const changed: StepState = { ...this.#steps.at(i), ...change };
    this.#steps = this.#steps.with(i, changed);
    return changed;
  }

  #runningStep(name: string, attempt: number): number | undefined {
    const i = this.#plan.indexOf.get(name);
    const step = i === undefined ? undefined : this.#steps.at(i);
    return step?.status === 'running' && step.attempts === attempt ? i : undefined;
  }

  #name(i: number): string {
    return this.#plan.steps[i]!.name;
  }
}
