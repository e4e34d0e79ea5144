import type { Clock, Undo } from '../core/clock.ts';
import { ConflictError } from '../core/errors.ts';
import type { Version } from '../storage/contract.ts';
import type { AttemptMaker, WorkListener } from './attempt-maker.ts';
import { AttemptStop } from './attempt-stop.ts';
import { cancelledError, causeIn } from './cancelling/cancellation.ts';
import type { StepCache } from './caching/step-cache.ts';
import type { Definition } from './definition.ts';
import { copyItem, type ItemList } from './item-list.ts';
import type { Lease } from '../storage/lease.ts';
import type { Outputs } from './outputs.ts';
import type { PipelineEvent } from './pipeline-event.ts';
import type { PoolSlots } from './pool-slots.ts';
import { decide } from './reducer.ts';
import type { AbortUnit, AwaitDeadline, RunCommand, RunEvent, WaitOver } from './run-event.ts';
import { isFinal, waitsOf, type RunState, type StepState } from './run-state.ts';
import { stepRecord, type RunHead, type RunStore, type StepRecord } from './run-store.ts';
import { hasOutput, stepResult, type StepResult } from './step-result.ts';
import type { StepDefinition } from './step.ts';
import type { StoredItems } from './stored-output.ts';
import { runTimeout, stepTimeout } from './timeouts.ts';
import type { AttemptFacts, RestoredItems, SavedOutput, TrialEnd } from './trial.ts';
import { unitKey, unitName, type UnitName } from './units.ts';
import type { Decision } from './waiting/decision.ts';
import { settled } from './waiting/settled.ts';
import type { StepWait } from './waiting/wait.ts';
import type { WaitWatch, WaitWatchParts } from './waiting/wait-watch.ts';

/** What a run is carried out with. */
export interface ExecutorParts {
  readonly head: RunHead;
  readonly store: RunStore;
  readonly outputs: Outputs;
  /** Absent when no step has asked for one. */
  readonly cache: StepCache | undefined;
  readonly clock: Clock;
  readonly attempts: (onWork: WorkListener) => AttemptMaker;
  readonly definition: Definition;
  readonly state: RunState;
  /** Versions of the step records that there are. */
  readonly versions: ReadonlyMap<string, Version>;
  /** What those of them say that are of the present round. */
  readonly facts: ReadonlyMap<string, AttemptFacts>;
  /** What they say of the items of steps, by the name of the step. */
  readonly items: ReadonlyMap<string, RestoredItems>;
  readonly lease: Lease;
  /** Absent when no step waits. */
  readonly watch: ((over: WaitWatchParts['over']) => WaitWatch) | undefined;
  /** What the runs of the pipeline in this process share. */
  readonly slots: PoolSlots;
  /** Absent when nobody listens. */
  readonly notify: ((event: PipelineEvent) => void) | undefined;
}

/** What goes into the record of a unit beside its state. */
interface Yield {
  /** @default those of the attempt that was recorded before */
  readonly facts?: AttemptFacts | undefined;
  readonly output?: SavedOutput | undefined;
}

/** The end of a wait, and what the step puts out by it. */
interface WaitEnd extends Yield {
  readonly event: WaitOver;
}

/** Something that happened, and what else is known of it when it is the end of an attempt or of a wait. */
type News = TrialEnd | WaitEnd | { readonly event: Exclude<RunEvent, (TrialEnd | WaitEnd)['event']> };

/**
 * Carries out in this process what the reducer decides. Events are taken as they have gathered, decided together and recorded by one write; only when that is durable is
 * anything begun or told because of them. So what one sees has happened, and steps that end together share a flush.
 */
export class RunExecutor {
  readonly #parts: ExecutorParts;
  readonly #versions: Map<string, Version>;
  readonly #maker: AttemptMaker;
  readonly #news: News[] = [];
  readonly #attempts = new Map<string, { stop: AttemptStop; done: Promise<void> }>();
  readonly #timers = new Map<string, Undo>();
  /** Of units, and of the run under no name. */
  readonly #deadlines = new Map<string, Undo>();
  /** The items of steps that have come to know them. */
  readonly #lists = new Map<string, ItemList>();
  /** Of the last attempts at units that have been recorded but not come to their end. */
  readonly #facts: Map<string, AttemptFacts>;
  readonly #waits: WaitWatch | undefined;
  #state: RunState;
  #wake: () => void = () => undefined;
  #breakdown: { readonly error: unknown } | undefined;

  constructor(parts: ExecutorParts) {
    this.#parts = parts;
    this.#maker = parts.attempts((unit, attempt) => this.#notify({ type: 'step-started', ...unit, attempt }));
    this.#versions = new Map(parts.versions);
    this.#facts = new Map(parts.facts);
    this.#state = parts.state;
    this.#waits = parts.watch?.((...over) => this.#endWait(...over));
  }

  /** Runs to the end and gives the last state. Rejects, with the run left to be resumed, when the store fails or the lease is lost. */
  async execute(signal: AbortSignal): Promise<RunState> {
    const { lease, clock } = this.#parts;
    const cancel = (): void => this.#post({ event: { type: 'cancelled', at: clock.now(), cause: causeIn(signal.reason) } });
    lease.startHeartbeat((error) => this.#breakDown(error));
    if (signal.aborted) cancel();
    else signal.addEventListener('abort', cancel, { once: true });
    this.#post({ event: { type: 'started', at: clock.now() } });
    try {
      // What was decided while nobody held the run has happened before it is asked whether anything goes on.
      await this.#waits?.takeUp(waitsOf(this.#parts.definition.plan, this.#state));
      while (this.#state.status === 'running') await this.#turn();
      return this.#state;
    } catch (error) {
      this.#breakDown(error);
      throw error;
    } finally {
      signal.removeEventListener('abort', cancel);
      await this.#stopAll();
    }
  }

  async #turn(): Promise<void> {
    if (this.#news.length === 0 && !this.#breakdown) await new Promise<void>((resolve) => (this.#wake = resolve));
    if (!this.#parts.lease.certain) await this.#parts.lease.ensure();
    if (this.#breakdown) throw this.#breakdown.error;
    const { stopping } = this.#state;
    const commands = await this.#commit(this.#news.splice(0));
    if (stopping === undefined && this.#state.stopping === 'cancelled') this.#notify({ type: 'run-cancelling', ...this.#state.cancelledBy });
    for (const command of commands) this.#perform(command);
  }

  #post(news: News): void {
    this.#news.push(news);
    this.#wake();
  }

  /** Ends the run's work in this process for a reason that is no step's. */
  #breakDown(error: unknown): void {
    this.#breakdown ??= { error };
    this.#wake();
  }

  /** Decides about what happened and makes the decision durable; when a former owner's success of a step is found, that is what has happened, and it is decided anew. */
  async #commit(news: readonly News[]): Promise<readonly RunCommand[]> {
    const yields = this.#yieldsOf(news);
    let events = news.map(({ event }) => event);
    for (;;) {
      const [state, commands] = decide(this.#parts.definition.plan, this.#state, ...events);
      const units = new Map<string, UnitName>();
      for (const command of commands) if (command.type === 'record') units.set(unitKey(command), unitName(command));
      const records = [...units.values()].map((unit) => this.#recordOf(unit, state, yields));
      const refused = records.length === 0 ? [] : await this.#record(records);
      if (refused.length === 0) {
        this.#state = state;
        this.#take(records, yields);
        return commands;
      }
      events = [...(await this.#adopted(refused, yields)), ...events];
    }
  }

  /** By the unit, what those attempts and waits have come to whose end the run is looking for. */
  #yieldsOf(news: readonly News[]): Map<string, Yield> {
    const yields = new Map<string, Yield>();
    for (const each of news) {
      if (!hasYield(each)) continue;
      const { status, attempts } = this.#state.units.named(each.event);
      const isDue = each.event.type === 'wait-over' ? status === 'waiting' : status === 'running' && attempts === each.event.attempt;
      if (isDue) yields.set(unitKey(each.event), each);
    }
    return yields;
  }

  /** Writes records of units; gives those that somebody else had written in the meantime. */
  async #record(records: readonly StepRecord[]): Promise<StepRecord[]> {
    const { store, head } = this.#parts;
    const operations = records.map((record) => store.commit(head.id, record, this.#versions.get(unitKey(record))));
    const results = await store.storage.write(operations);
    const refused: StepRecord[] = [];
    for (const [i, result] of results.entries()) {
      const unit = records[i]!;
      if (result.ok) this.#versions.set(unitKey(unit), result.version!);
      else refused.push(await this.#foundInstead(unit));
    }
    return refused;
  }

  /** The record that stood in the way of ours. A later owner's ends our work; a former owner's is the last that it could write. */
  async #foundInstead(unit: UnitName): Promise<StepRecord> {
    const { store, head, lease } = this.#parts;
    const found = await store.step(head.id, unitName(unit));
    if (found === undefined || found.value.fence > lease.fence) throw await lease.loss();
    this.#versions.set(unitKey(unit), found.version);
    // What is done for items is done for those that were recorded, and for no others.
    if (found.value.list && found.value.status !== 'succeeded') throw itemsConflict(head.id, unit.step);
    return found.value;
  }

  /** Takes successes as they were recorded, in the place of whatever attempts of ours came to. */
  async #adopted(refused: readonly StepRecord[], yields: Map<string, Yield>): Promise<RunEvent[]> {
    const { store, head, outputs, clock } = this.#parts;
    const events: RunEvent[] = [];
    for (const { status, step, index, durationMs, items, cache, output, without, lookup, list, held } of refused) {
      if (status !== 'succeeded') continue;
      if (items) for (const [i, { value }] of await store.items(head.id, step, items.total)) outputs.keep({ step, index: i }, value.output);
      yields.set(unitKey({ step, index }), { facts: { without, lookup, list, held }, output: { stored: output } });
      events.push({ type: 'found-succeeded', at: clock.now(), ...unitName({ step, index }), durationMs, items, cache });
    }
    return events;
  }

  #recordOf(unit: UnitName, state: RunState, yields: ReadonlyMap<string, Yield>): StepRecord {
    const { head, lease } = this.#parts;
    const key = unitKey(unit);
    const of = state.units.named(unit);
    const { facts = this.#facts.get(key), output } = yields.get(key) ?? {};
    const stored = hasOutput(of) ? (output?.stored ?? this.#outputOfItems(unit, of, yields)) : undefined;
    return stepRecord(of, unit, { round: head.round, fence: lease.fence, output: stored }, facts);
  }

  /** What a step puts out that has items, when they have ended. */
  #outputOfItems({ step }: UnitName, { items }: StepState, yields: ReadonlyMap<string, Yield>): StoredItems | undefined {
    return items && this.#parts.outputs.assembled(step, items.total, (index) => yields.get(unitKey({ step, index }))?.output?.stored);
  }

  /** Gives the outputs that have been recorded to those who need them, and keeps what else later records say. */
  #take(records: readonly StepRecord[], yields: ReadonlyMap<string, Yield>): void {
    for (const record of records) {
      const key = unitKey(record);
      const yielded = yields.get(key);
      if (isFinal(record.status)) {
        this.#parts.outputs.keep(record, record.output, yielded?.output?.bytes);
        this.#facts.delete(key);
        this.#maker.recorded(unitName(record));
      } else if (yielded?.facts) this.#facts.set(key, yielded.facts);
    }
  }

  #perform(command: RunCommand): void {
    switch (command.type) {
      case 'record':
        this.#tellOf(unitName(command));
        break;
      case 'execute':
        this.#start(unitName(command), command.attempt);
        break;
      case 'wait':
        this.#wait(unitName(command), command.forMs);
        break;
      case 'deadline':
        this.#watch(command);
        break;
      case 'abort':
        this.#attempts.get(unitKey(command))?.stop.abort(this.#whyStopped(command));
        break;
      case 'await':
        this.#await(command.step);
        break;
      case 'park':
      case 'finish':
        break;
    }
  }

  #whyStopped({ step, reason }: AbortUnit): Error {
    const { timeout, cancelledBy } = this.#state;
    if (reason === 'step-timeout') return stepTimeout(step, this.#parts.definition.steps.get(step)!.totalTimeoutMs!);
    return reason === 'run-timeout' ? runTimeout(timeout!.limitMs) : cancelledError(`Step '${step}' was stopped, for its run was cancelled`, cancelledBy);
  }

  #wait(unit: UnitName, forMs: number): void {
    const { clock } = this.#parts;
    const due = (): void => {
      this.#timers.delete(unitKey(unit));
      this.#post({ event: { type: 'retry-due', at: clock.now(), ...unit } });
    };
    this.#timers.set(unitKey(unit), clock.setTimer(due, forMs, { keepAlive: true }));
  }

  #await(step: string): void {
    const { status, wait } = this.#state.units.named({ step });
    if (status === 'waiting' && wait) this.#waits?.begin(step, wait);
  }

  async #endWait(step: string, wait: StepWait, decision: Decision | undefined): Promise<void> {
    const held = this.#facts.get(unitKey({ step }))?.held;
    const { failure, output } = decision ? await settled(this.#parts.store.storage, step, wait, held, decision) : {};
    this.#post({ event: { type: 'wait-over', at: this.#parts.clock.now(), step, failure }, output });
  }

  #watch({ step, index, forMs }: AwaitDeadline): void {
    const { clock } = this.#parts;
    const due = (): void => this.#post({ event: { type: 'deadline-due', at: clock.now(), step, index } });
    this.#deadlines.set(step === undefined ? '' : unitKey({ step, index }), clock.setTimer(due, forMs, { keepAlive: true }));
  }

  #start(unit: UnitName, attempt: number): void {
    const stop = new AttemptStop();
    const key = unitKey(unit);
    const done = this.#carryOut(unit, attempt, stop).then(() => {
      if (this.#attempts.get(key)?.stop === stop) this.#attempts.delete(key);
    });
    this.#attempts.set(key, { stop, done });
  }

  /** Never rejects. */
  async #carryOut(unit: UnitName, attempt: number, stop: AttemptStop): Promise<void> {
    try {
      this.#postEnd(await this.#admitted(unit, attempt, stop));
    } catch (error) {
      this.#breakDown(error);
    }
  }

  #postEnd(end: TrialEnd): void {
    if (end.items) this.#lists.set(end.event.step, end.items);
    this.#post(end);
  }

  /** An attempt when there is room for it beside the other runs in this process; within the run, the reducer has seen to that. */
  async #admitted(unit: UnitName, attempt: number, stop: AttemptStop): Promise<TrialEnd> {
    const definition = this.#parts.definition.steps.get(unit.step)!;
    const { share, priority } = definition;
    const release = share && (await this.#parts.slots.take(share, priority, stop.signal));
    try {
      const { step, index } = unit;
      const item = index === undefined ? undefined : { index, value: copyItem(this.#lists.get(step)!, index) };
      const subject = { definition, item, restored: this.#parts.items.get(step), attempt, stop, states: this.#statesFor(definition) };
      return await this.#maker.make(subject);
    } finally {
      release?.();
    }
  }

  /** The states that a step may look at. */
  #statesFor({ handle, final, needs, after }: StepDefinition): Readonly<Record<string, StepResult>> {
    const { steps } = this.#parts.definition;
    const names = final ? [...steps.keys()].filter((name) => name !== handle.name) : new Set([...Object.values(needs), ...after]);
    return Object.fromEntries([...names].map((name) => [name, stepResult(name, this.#state.units.named({ step: name }))]));
  }

  /** Passes on to the listener what a recorded step has to tell. */
  #tellOf(unit: UnitName): void {
    const { status, attempts: attempt, durationMs = 0, failure: known, failures, retryAt = 0, because = '', items, cache, wait } = this.#state.units.named(unit);
    const { step } = unit;
    const failure = known ?? failures.at(-1)?.failure;
    if (isFinal(status)) this.#undoTimersOf(unit);
    if (status === 'succeeded') this.#notify({ type: 'step-succeeded', ...unit, attempt, durationMs, cache });
    else if (status === 'retrying') this.#notify({ type: 'step-retrying', ...unit, attempt, durationMs, failure: failure!, retryAt });
    else if (status === 'waiting') this.#notify({ type: 'step-waiting', step, waitingFor: wait! });
    else if (status === 'failed') this.#notify({ type: 'step-failed', ...unit, attempt, durationMs, failure: failure! });
    else if (status === 'upstream_failed' || status === 'skipped') this.#notify({ type: 'step-skipped', step, status, because });
    else if (status === 'cancelled') this.#notify({ type: 'step-cancelled', ...unit, because });
    else if (items) this.#notify({ type: 'step-listed', step, items });
  }

  #undoTimersOf(unit: UnitName): void {
    const key = unitKey(unit);
    this.#waits?.end(unit.step);
    for (const timers of [this.#timers, this.#deadlines]) {
      timers.get(key)?.();
      timers.delete(key);
    }
  }

  #notify(event: EventBody<PipelineEvent>): void {
    const { head, clock, notify } = this.#parts;
    notify?.({ ...event, run: head.id, pipeline: head.pipeline, at: clock.now() });
  }

  async #stopAll(): Promise<void> {
    for (const undo of [...this.#timers.values(), ...this.#deadlines.values()]) undo();
    await this.#waits?.stop();
    await this.#maker.stop(this.#state.status !== 'running');
    const attempts = [...this.#attempts.values()];
    for (const { stop } of attempts) stop.abort(this.#breakdown?.error);
    await Promise.all(attempts.map(({ done }) => done));
    await this.#parts.cache?.settle();
  }
}

function itemsConflict(run: string, step: string): ConflictError {
  return new ConflictError(`The items of step '${step}' of run ${run} were recorded by another process in the meantime; resume the run to go on with them.`, { key: run });
}

/** An event without what all have in common. */
type EventBody<E> = E extends PipelineEvent ? Omit<E, 'run' | 'pipeline' | 'at'> : never;

function hasYield(news: News): news is TrialEnd | WaitEnd {
  switch (news.event.type) {
    case 'attempt-succeeded':
    case 'items-listed':
    case 'attempt-failed':
    case 'declined':
    case 'waits':
    case 'wait-over':
      return true;
    default:
      return false;
  }
}
