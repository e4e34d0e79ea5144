import { describeFailure, type FailureRecord } from '../core/failure.ts';
import type { CancelCause } from './cancelling/cancellation.ts';
import { becauseOf, type StoppedWhen, type StopReason } from './cancelling/stop-reason.ts';
import { lower, pushed, withoutFirst, type Heap } from './heap.ts';
import { countItems, endOfItems, moveItem, takeItem, withDue, type ItemLine } from './items.ts';
import type { PersistentArray } from './persistent-array.ts';
import type { Plan, StepSpec } from './plan.ts';
import type { ReadyQueue } from './ready-queue.ts';
import { retryWaitMs } from './retry.ts';
import type { AttemptFailed, AttemptSucceeded, ItemsListed, RunCommand, RunEvent, SuccessFound, WaitBegun, WaitOver } from './run-event.ts';
import { counted, isAsking, isFinal, isTimed, untouched, type RunOutcome, type RunState, type StepState, type StepStatus } from './run-state.ts';
import { leftOf, runTimeout, stepTimeout } from './timeouts.ts';
import { triggerVerdict, type Tally } from './trigger-rule.ts';
import type { UnitName, Units } from './units.ts';
import { whyNotRun } from './why-not-run.ts';

// A record must not grow with the limit of its retries.
const keptFailures = 16;

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
function success({ attempt, durationMs, cache }: AttemptSucceeded): Partial<StepState> {
  if (cache === undefined) return { status: 'succeeded', durationMs };
  return { status: 'succeeded', attempts: attempt - 1, ...(attempt === 1 ? { startedAt: undefined } : {}), cache };
}

/** One decision under way. */
class Decision {
  readonly #plan: Plan;
  readonly #before: RunState;
  readonly #commands: RunCommand[] = [];
  /** The last command to record a unit, by its number. */
  readonly #records = new Map<number, RunCommand>();
  readonly #superseded = new Set<RunCommand>();
  /** Steps whose trigger may say something new. The first of the plan is asked first: then nothing is decided, or put in line, on half of what came together. */
  #affected: Heap<number> | undefined;
  #at = 0;
  #units: Units;
  #lines: PersistentArray<ItemLine>;
  /** Steps of which further items may be made ready. */
  readonly #moved = new Set<number>();
  #tallies: PersistentArray<Tally>;
  #ready: ReadyQueue;
  #running: number;
  #timed: number;
  #asking: number;
  #open: number;
  #openBefore: number;
  #stopping: StopReason | undefined;
  #cancelledBy: CancelCause | undefined;
  #failure: FailureRecord | undefined;

  constructor(plan: Plan, state: RunState) {
    this.#plan = plan;
    this.#before = state;
    this.#units = state.units;
    this.#lines = state.lines;
    this.#tallies = state.tallies;
    this.#ready = state.ready;
    this.#running = state.running;
    this.#timed = state.timed;
    this.#asking = state.asking;
    this.#open = state.open;
    this.#openBefore = state.openBefore;
    this.#stopping = state.stopping;
    this.#cancelledBy = state.cancelledBy;
    this.#failure = state.failure;
  }

  take(event: RunEvent): void {
    this.#at = event.at;
    switch (event.type) {
      case 'started':
        this.#start();
        break;
      case 'attempt-succeeded':
        this.#ended(event, event.attempt, success(event));
        break;
      case 'items-listed':
        this.#list(event);
        break;
      case 'attempt-failed':
        this.#fail(event);
        break;
      case 'declined':
        this.#ended(event, event.attempt, { status: 'skipped', attempts: event.attempt - 1, startedAt: undefined, because: 'its condition did not hold' });
        break;
      case 'waits':
        this.#wait(event);
        break;
      case 'wait-over':
        this.#waitOver(event);
        break;
      case 'found-succeeded':
        this.#adopt(event);
        break;
      case 'retry-due':
        this.#retry(event);
        break;
      case 'deadline-due':
        if (event.step === undefined) this.#stop('run-timeout');
        else this.#overrun(this.#units.numberOf({ step: event.step, index: event.index }));
        break;
      case 'cancelled':
        this.#stop('cancelled', event.cause);
        break;
    }
    for (let first = this.#affected; first; first = this.#affected) {
      this.#affected = withoutFirst(first, lower);
      this.#judge(first.item);
    }
  }

  result(): [RunState, readonly RunCommand[]] {
    for (const i of this.#moved) this.#admit(i);
    this.#startReady();
    const finished = this.#open === 0 && this.#before.status === 'running' ? this.#outcome() : undefined;
    if (finished) this.#commands.push({ type: 'finish', status: finished });
    const { concurrency, timeout, parks, status } = this.#before;
    const isParked = parks && this.#asking > 0 && this.#running === 0 && this.#timed === 0;
    if (isParked) this.#commands.push({ type: 'park' });
    const next: RunState = {
      status: finished ?? (isParked ? 'waiting' : status),
      stopping: this.#stopping,
      cancelledBy: this.#cancelledBy,
      failure: this.#failure,
      timeout,
      concurrency,
      running: this.#running,
      parks,
      timed: this.#timed,
      asking: this.#asking,
      ready: this.#ready,
      units: this.#units,
      lines: this.#lines,
      tallies: this.#tallies,
      open: this.#open,
      openBefore: this.#openBefore,
    };
    return [next, this.#superseded.size === 0 ? this.#commands : this.#commands.filter((command) => !this.#superseded.has(command))];
  }

  #start(): void {
    // The last goes first: each is put before all that are in the heap, which takes one step.
    for (let i = this.#plan.steps.length - 1; i >= 0; i--) this.#affect(i);
    const { timeout } = this.#before;
    if (timeout) this.#watch(leftOf(timeout.limitMs, timeout.since, this.#at));
    for (const i of this.#plan.steps.keys()) this.#continue(i);
  }

  /** Takes up what an earlier process left of a unit: its time that runs, its wait. */
  #continue(unit: number): void {
    const { retry } = this.#spec(unit);
    const totalTimeoutMs = this.#totalTimeout(unit);
    const { status, startedAt } = this.#units.at(unit);
    if (!isFinal(status) && startedAt !== undefined && totalTimeoutMs !== undefined) this.#watch(leftOf(totalTimeoutMs, startedAt, this.#at), unit);
    const { status: now, retryAt = this.#at } = this.#units.at(unit);
    if (now === 'waiting') this.#commands.push({ type: 'await', ...this.#name(unit) });
    if (now === 'retrying') this.#commands.push({ type: 'wait', ...this.#name(unit), forMs: Math.min(retry.waits.maxMs, Math.max(0, retryAt - this.#at)) });
  }

  /** Has the end of a unit's time told, or of the run's; when nothing is left of it, that is now. */
  #watch(forMs: number, unit?: number): void {
    if (forMs > 0) this.#commands.push({ type: 'deadline', ...(unit === undefined ? {} : this.#name(unit)), forMs });
    else if (unit === undefined) this.#stop('run-timeout');
    else this.#overrun(unit);
  }

  #ended(name: UnitName, attempt: number, change: Partial<StepState>): void {
    const unit = this.#runningUnit(name, attempt);
    if (unit === undefined) return;
    this.#leave(unit);
    const { failure, durationMs } = this.#units.at(unit);
    // What comes too late is not taken.
    if (failure) this.#close(unit, { status: 'failed', durationMs: change.durationMs ?? durationMs });
    else if (this.#stopping === 'run-timeout' && !this.#spec(unit).final) this.#close(unit, { status: 'cancelled', because: this.#because('during') });
    else this.#close(unit, change);
  }

  /** An attempt has come to a wait, which holds no place among the units that run. */
  #wait(event: WaitBegun): void {
    const unit = this.#runningUnit(event, event.attempt);
    if (unit === undefined) return;
    const { wait, durationMs } = event;
    const { failure } = this.#units.at(unit);
    this.#leave(unit);
    if (failure) this.#close(unit, { status: 'failed', durationMs });
    else if (this.#stopping && !this.#spec(unit).final) this.#close(unit, { status: 'cancelled', durationMs, because: this.#because('during') });
    else {
      this.#change(unit, { status: 'waiting', durationMs, wait });
      this.#record(unit, { type: 'await', ...this.#name(unit) });
    }
  }

  #waitOver({ step, index, failure }: WaitOver): void {
    const unit = this.#units.numberOf({ step, index });
    if (unit === undefined || this.#units.at(unit).status !== 'waiting') return;
    this.#close(unit, failure ? { status: 'failed', failure } : { status: 'succeeded' });
  }

  /** A unit runs no more, whatever becomes of it. */
  #leave(unit: number): void {
    const i = this.#units.stepOf(unit);
    this.#running--;
    this.#ready = this.#ready.released(i);
    if (unit !== i) this.#vacate(i);
  }

  /** A unit that may be ready need not start any more. */
  #withdraw(unit: number): void {
    if (!this.#ready.has(unit)) return;
    const i = this.#units.stepOf(unit);
    this.#ready = this.#ready.without(unit);
    if (unit !== i) this.#vacate(i);
  }

  /** An item of a step neither runs any more nor is ready. */
  #vacate(i: number): void {
    const line = this.#lines.at(i);
    this.#lines = this.#lines.with(i, { ...line, busy: line.busy - 1 });
    this.#moved.add(i);
  }

  /** Takes in which items a step has, with what is known of them. */
  #list({ step, attempt, count, known }: ItemsListed): void {
    const i = this.#runningUnit({ step }, attempt);
    if (i === undefined) return;
    this.#leave(i);
    if (this.#stopping) return this.#close(i, { status: 'cancelled', because: this.#because('during') });
    const items = Array.from({ length: count }, (_, index) => known?.get(index) ?? untouched);
    this.#units = this.#units.appended(i, items);
    this.#ready = this.#ready.widened(this.#units.length);
    this.#change(i, { items: countItems(items) });
    this.#timed += items.filter(isTimed).length;
    this.#record(i);
    for (const index of known?.keys() ?? []) this.#continue(this.#units.firstItem(i) + index);
    this.#moved.add(i);
    this.#closeWithItems(i);
  }

  /** Makes items of a step ready, as many as may run at once. */
  #admit(i: number): void {
    const { status, items } = this.#units.at(i);
    if (isFinal(status) || items === undefined || this.#stopping) return;
    const most = Math.min(this.#plan.steps[i]!.items?.concurrency ?? Infinity, this.#before.concurrency);
    let line = this.#lines.at(i);
    while (line.busy < most) {
      const taken = takeItem(line, items.total);
      if (taken === undefined) break;
      ({ line } = taken);
      const unit = this.#units.firstItem(i) + taken.index;
      // It may have ended, or come to its turn by a retry, before it was reached.
      if (this.#units.at(unit).status !== 'pending' || this.#ready.has(unit)) continue;
      this.#ready = this.#ready.with(unit, i);
      line = { ...line, busy: line.busy + 1 };
    }
    this.#lines = this.#lines.with(i, line);
  }

  /** Ends a step whose items have all ended. */
  #closeWithItems(i: number): void {
    const { items, startedAt = this.#at, status } = this.#units.at(i);
    if (items === undefined || isFinal(status)) return;
    const end = endOfItems(this.#plan.steps[i]!.name, items, this.#because('during'));
    if (end) this.#close(i, { ...end, durationMs: Math.max(0, this.#at - startedAt) });
  }

  #adopt({ step, index, durationMs, items, cache }: SuccessFound): void {
    const unit = this.#units.numberOf({ step, index });
    const status = unit === undefined ? undefined : this.#units.at(unit).status;
    if (unit === undefined || isFinal(status!)) return;
    if (status === 'running') this.#leave(unit);
    this.#withdraw(unit);
    this.#close(unit, { status: 'succeeded', durationMs, retryAt: undefined, failure: undefined, cache, ...(items && { items }) });
  }

  #fail(event: AttemptFailed): void {
    const unit = this.#runningUnit(event, event.attempt);
    if (unit === undefined) return;
    this.#leave(unit);
    const { durationMs, attempt, failure } = event;
    const { retry, final } = this.#spec(unit);
    const before = this.#units.at(unit);
    if (this.#stopping && !final && !before.failure) return this.#close(unit, { status: 'cancelled', durationMs, because: this.#because('during') });
    const failures = [...before.failures, { attempt, at: this.#at, failure }].slice(-keptFailures);
    if (event.retryable && attempt <= retry.limit && !before.failure) {
      const retryAt = this.#at + retryWaitMs(retry, attempt, event.chance);
      this.#change(unit, { status: 'retrying', failures, durationMs, retryAt });
      this.#record(unit, { type: 'wait', ...this.#name(unit), forMs: retryAt - this.#at });
      return;
    }
    this.#close(unit, { status: 'failed', failures, durationMs });
  }

  #retry({ step, index }: UnitName): void {
    const unit = this.#units.numberOf({ step, index });
    if (unit === undefined || this.#units.at(unit).status !== 'retrying') return;
    this.#change(unit, { status: 'pending', retryAt: undefined });
    const i = this.#units.stepOf(unit);
    if (unit === i) this.#ready = this.#ready.with(unit, i);
    else {
      this.#lines = this.#lines.with(i, withDue(this.#lines.at(i), index!));
      this.#moved.add(i);
    }
  }

  /** Ends a unit whose time is over: at once when it waits, else when it has been stopped. */
  #overrun(unit: number | undefined): void {
    if (unit === undefined) return;
    const { name, final } = this.#spec(unit);
    const totalTimeoutMs = this.#totalTimeout(unit);
    const { status, startedAt, failure: known } = this.#units.at(unit);
    if (totalTimeoutMs === undefined || startedAt === undefined || known || isFinal(status) || (this.#stopping && !final)) return;
    const failure = describeFailure(stepTimeout(name, totalTimeoutMs));
    this.#withdraw(unit);
    if (status !== 'running') return this.#close(unit, { status: 'failed', failure, retryAt: undefined });
    this.#change(unit, { failure });
    this.#commands.push({ type: 'abort', ...this.#name(unit), reason: 'step-timeout' });
  }

  /** What runs at the end still does, and is not stopped: it is there to clean up. */
  #stop(reason: StopReason, cause?: CancelCause): void {
    if (this.#stopping || this.#openBefore === 0) return;
    this.#stopping = reason;
    this.#cancelledBy = cause;
    if (reason === 'run-timeout') this.#failure = describeFailure(runTimeout(this.#before.timeout!.limitMs));
    this.#ready = this.#ready.cleared();
    for (const [i, { final }] of this.#plan.steps.entries()) {
      const { status, items } = this.#units.at(i);
      if (isFinal(status) || final) continue;
      if (items === undefined) this.#stopUnit(i, reason);
      else for (let index = 0; index < items.total; index++) this.#stopUnit(this.#units.firstItem(i) + index, reason);
    }
  }

  /** Why what the run stops did not come to its end. */
  #because(when: StoppedWhen): string {
    return this.#stopping ? becauseOf(this.#stopping, when, this.#cancelledBy) : '';
  }

  #stopUnit(unit: number, reason: StopReason): void {
    const { status } = this.#units.at(unit);
    if (isFinal(status)) return;
    if (status === 'running') this.#commands.push({ type: 'abort', ...this.#name(unit), reason });
    else this.#close(unit, { status: 'cancelled', retryAt: undefined, because: this.#because(status === 'waiting' ? 'waiting' : 'before') });
  }

  /** Asks the trigger of a step that waits; a verdict need not wait for what else the step comes after. */
  #judge(i: number): void {
    const { final, trigger } = this.#plan.steps[i]!;
    if (this.#units.at(i).status !== 'pending' || (final ? this.#openBefore > 0 : this.#stopping)) return;
    const verdict = triggerVerdict(trigger, this.#tallies.at(i), this.#plan.upstream[i]!.length);
    if (verdict === 'wait') return;
    if (verdict !== 'run') this.#close(i, { status: verdict, because: whyNotRun(this.#plan, this.#units, this.#tallies.at(i), i, verdict) });
    else this.#ready = this.#ready.with(i, i);
  }

  #startReady(): void {
    while (this.#running < this.#before.concurrency) {
      const next = this.#ready.next();
      if (next === undefined) return;
      this.#ready = next.rest;
      this.#execute(next.unit);
    }
  }

  #execute(unit: number): void {
    const name = this.#name(unit);
    const totalTimeoutMs = this.#totalTimeout(unit);
    const { attempts: before, startedAt } = this.#units.at(unit);
    const attempts = before + 1;
    this.#change(unit, { status: 'running', attempts, startedAt: startedAt ?? this.#at });
    this.#running++;
    if (startedAt === undefined && totalTimeoutMs !== undefined) {
      // Recorded, so that a process that dies does not give the step more time.
      this.#record(unit, { type: 'deadline', ...name, forMs: totalTimeoutMs });
    }
    this.#commands.push({ type: 'execute', ...name, attempt: attempts });
  }

  #close(unit: number, change: Partial<StepState>): void {
    const { status } = this.#change(unit, { ...change, endedAt: this.#at });
    this.#record(unit);
    const i = this.#units.stepOf(unit);
    if (unit === i) this.#closeStep(i, status);
    else this.#closeWithItems(i);
  }

  #closeStep(i: number, status: StepStatus): void {
    this.#open--;
    const followers = this.#plan.downstream[i]!;
    for (const follower of followers) this.#tallies = this.#tallies.with(follower, counted(this.#tallies.at(follower), status));
    for (let at = followers.length - 1; at >= 0; at--) this.#affect(followers[at]!);
    if (this.#plan.steps[i]!.final || --this.#openBefore > 0) return;
    for (let at = this.#plan.steps.length - 1; at >= 0; at--) if (this.#plan.steps[at]!.final) this.#affect(at);
  }

  #affect(i: number): void {
    this.#affected = pushed(this.#affected, i, lower);
  }

  /** Green only when no step went wrong that was not allowed to: a failure inside is never covered by what came after it. */
  #outcome(): RunOutcome {
    const good = ({ status }: StepState, { allowFailure }: StepSpec): boolean => status === 'succeeded' || status === 'skipped' || (status !== 'cancelled' && allowFailure);
    if (!this.#failure && this.#plan.steps.every((step, i) => good(this.#units.at(i), step))) return 'succeeded';
    return this.#stopping === 'cancelled' ? 'cancelled' : 'failed';
  }

  #change(unit: number, change: Partial<StepState>): StepState {
    const before = this.#units.at(unit);
    const changed: StepState = { ...before, ...change };
    this.#timed += Number(isTimed(changed)) - Number(isTimed(before));
    this.#asking += Number(isAsking(changed)) - Number(isAsking(before));
    this.#units = this.#units.with(unit, changed);
    const i = this.#units.stepOf(unit);
    if (unit !== i) {
      const step = this.#units.at(i);
      const items = moveItem(step.items!, before.status, unit - this.#units.firstItem(i), changed);
      this.#units = this.#units.with(i, { ...step, items });
    }
    return changed;
  }

  /** Has a unit recorded, and told of, once: as it is at the end of the decision, after whatever else is to be done about it. */
  #record(unit: number, ...rest: readonly RunCommand[]): void {
    const command: RunCommand = { type: 'record', ...this.#name(unit) };
    const former = this.#records.get(unit);
    if (former) this.#superseded.add(former);
    this.#records.set(unit, command);
    this.#commands.push(command, ...rest);
  }

  #runningUnit({ step, index }: UnitName, attempt: number): number | undefined {
    const unit = this.#units.numberOf({ step, index });
    const state = unit === undefined ? undefined : this.#units.at(unit);
    return state?.status === 'running' && state.attempts === attempt && state.items === undefined ? unit : undefined;
  }

  #name(unit: number): UnitName {
    return this.#units.nameOf(unit);
  }

  /** What bounds a unit as a whole: of a step that has items, each of them. */
  #totalTimeout(unit: number): number | undefined {
    const i = this.#units.stepOf(unit);
    const { totalTimeoutMs, items } = this.#plan.steps[i]!;
    return unit === i && items ? undefined : totalTimeoutMs;
  }

  /** What is known of the step that a unit is, or is an item of. */
  #spec(unit: number): StepSpec {
    return this.#plan.steps[this.#units.stepOf(unit)]!;
  }
}
