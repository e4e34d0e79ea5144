import type { Undo } from '../core/clock.ts';
import { AbortedError } from '../core/errors.ts';
import type { Version } from '../storage/contract.ts';
import type { Definition } from './definition.ts';
import type { RunLease } from './lease.ts';
import type { PipelineEvent } from './pipeline-event.ts';
import type { PoolSlots } from './pool-slots.ts';
import { decide } from './reducer.ts';
import type { AbortUnit, RunCommand, RunEvent, WaitOver } from './run-event.ts';
import { isFinal, waitsOf, type RunState } from './run-state.ts';
import type { StepRecord } from './run-store.ts';
import { stepResult, type StepResult } from './step-result.ts';
import type { StepDefinition } from './step.ts';
import { runTimeout, stepTimeout } from './timeouts.ts';
import { Trial, type TrialEnd, type AttemptFacts, type SavedOutput, type TrialParts } from './trial.ts';
import type { Decision } from './waiting/decision.ts';
import { settled } from './waiting/settled.ts';
import type { StepWait } from './waiting/wait.ts';
import type { WaitWatch, WaitWatchParts } from './waiting/wait-watch.ts';

/** What a run is carried out with. */
export interface ExecutorParts extends Omit<TrialParts, 'onWork'> {
  readonly definition: Definition;
  readonly state: RunState;
  /** Versions of the step records that there are. */
  readonly versions: ReadonlyMap<string, Version>;
  /** What those of them say that are of the present round. */
  readonly facts: ReadonlyMap<string, AttemptFacts>;
  readonly lease: RunLease;
  /** Absent when no step waits. */
  readonly watch: ((over: WaitWatchParts['over']) => WaitWatch) | undefined;
  /** What the runs of the pipeline in this process share. */
  readonly slots: PoolSlots;
  /** Absent when nobody listens. */
  readonly notify: ((event: PipelineEvent) => void) | undefined;
}

/** What goes into the record of a step beside its state. */
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
  readonly #trialParts: TrialParts;
  readonly #news: News[] = [];
  readonly #attempts = new Map<string, { controller: AbortController; done: Promise<void> }>();
  readonly #timers = new Map<string, Undo>();
  /** Of steps by name, and of the run without one. */
  readonly #deadlines = new Map<string | undefined, Undo>();
  /** Of the last attempts at steps that have been recorded but not come to their end. */
  readonly #facts: Map<string, AttemptFacts>;
  readonly #waits: WaitWatch | undefined;
  #state: RunState;
  #wake: () => void = () => undefined;
  #breakdown: { readonly error: unknown } | undefined;

  constructor(parts: ExecutorParts) {
    this.#parts = parts;
    this.#trialParts = { ...parts, onWork: (step, attempt) => this.#notify({ type: 'step-started', step, attempt }) };
    this.#versions = new Map(parts.versions);
    this.#facts = new Map(parts.facts);
    this.#state = parts.state;
    this.#waits = parts.watch?.((...over) => this.#endWait(...over));
  }

  /** Runs to the end and gives the last state. Rejects, with the run left to be resumed, when the store fails or the lease is lost. */
  async execute(signal: AbortSignal | undefined): Promise<RunState> {
    const { lease, clock } = this.#parts;
    const cancel = (): void => this.#post({ event: { type: 'cancelled', at: clock.now() } });
    lease.startHeartbeat((error) => this.#breakDown(error));
    if (signal?.aborted) cancel();
    else signal?.addEventListener('abort', cancel, { once: true });
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
      signal?.removeEventListener('abort', cancel);
      await this.#stopAll();
    }
  }

  async #turn(): Promise<void> {
    if (this.#news.length === 0 && !this.#breakdown) await new Promise<void>((resolve) => (this.#wake = resolve));
    if (!this.#parts.lease.certain) await this.#parts.lease.ensure();
    if (this.#breakdown) throw this.#breakdown.error;
    for (const command of await this.#commit(this.#news.splice(0))) this.#perform(command);
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
      const names = new Set(commands.flatMap((command) => (command.type === 'record' ? [command.step] : [])));
      const refused = names.size === 0 ? [] : await this.#record([...names], state, yields);
      if (refused.length === 0) {
        this.#state = state;
        this.#take(yields);
        return commands;
      }
      events = [...refused.flatMap((found) => this.#adopted(found, yields)), ...events];
    }
  }

  /** By the step, what those attempts and waits have come to whose end the run is looking for. */
  #yieldsOf(news: readonly News[]): Map<string, Yield> {
    const yields = new Map<string, Yield>();
    for (const each of news) {
      if (!hasYield(each)) continue;
      const { status, attempts } = this.#state.units.named(each.event);
      const isDue = each.event.type === 'wait-over' ? status === 'waiting' : status === 'running' && attempts === each.event.attempt;
      if (isDue) yields.set(each.event.step, each);
    }
    return yields;
  }

  /** Writes the records of steps; gives those that somebody else had written in the meantime. */
  async #record(names: readonly string[], state: RunState, yields: ReadonlyMap<string, Yield>): Promise<StepRecord[]> {
    const { store, head } = this.#parts;
    const operations = names.map((name) => store.commit(head.id, this.#recordOf(name, state, yields.get(name)), this.#versions.get(name)));
    const results = await store.storage.write(operations);
    const refused: StepRecord[] = [];
    for (const [i, result] of results.entries()) {
      const name = names[i]!;
      if (result.ok) this.#versions.set(name, result.version!);
      else refused.push(await this.#foundInstead(name));
    }
    return refused;
  }

  /** The record that stood in the way of ours. A later owner's ends our work; a former owner's is the last that it could write. */
  async #foundInstead(name: string): Promise<StepRecord> {
    const { store, head, lease } = this.#parts;
    const found = await store.step(head.id, name);
    if (found === undefined || found.value.fence > lease.fence) throw await lease.loss();
    this.#versions.set(name, found.version);
    return found.value;
  }

  /** Takes a success as it was recorded, in the place of whatever an attempt of ours came to. */
  #adopted({ status, step, durationMs, cache, output, without, lookup }: StepRecord, yields: Map<string, Yield>): RunEvent[] {
    if (status !== 'succeeded') return [];
    yields.set(step, { facts: { without, lookup }, output: { stored: output } });
    return [{ type: 'found-succeeded', at: this.#parts.clock.now(), step, durationMs, cache }];
  }

  #recordOf(name: string, state: RunState, yielded: Yield | undefined): StepRecord {
    const { head, lease } = this.#parts;
    const step = state.units.named({ step: name });
    const { facts = this.#facts.get(name), output } = yielded ?? {};
    return { ...step, step: name, round: head.round, fence: lease.fence, output: step.status === 'succeeded' ? output?.stored : undefined, ...facts };
  }

  /** Gives the outputs that have been recorded to those who need them, and keeps what else later records say. */
  #take(yields: ReadonlyMap<string, Yield>): void {
    for (const [step, { facts, output }] of yields) {
      const { status } = this.#state.units.named({ step });
      if (facts && !isFinal(status)) this.#facts.set(step, facts);
      else if (status === 'succeeded') this.#parts.outputs.keep(step, output?.stored, output?.bytes);
    }
  }

  #perform(command: RunCommand): void {
    switch (command.type) {
      case 'record':
        this.#tellOf(command.step);
        break;
      case 'execute':
        this.#start(command.step, command.attempt);
        break;
      case 'wait':
        this.#wait(command.step, command.forMs);
        break;
      case 'deadline':
        this.#watch(command.step, command.forMs);
        break;
      case 'abort':
        this.#attempts.get(command.step)?.controller.abort(this.#whyStopped(command));
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
    const { timeout } = this.#state;
    if (reason === 'step-timeout') return stepTimeout(step, this.#parts.definition.steps.get(step)!.totalTimeoutMs!);
    return reason === 'run-timeout' ? runTimeout(timeout!.limitMs) : new AbortedError(`Step '${step}' was stopped, for its run was cancelled.`);
  }

  #wait(step: string, forMs: number): void {
    const { clock } = this.#parts;
    const due = (): void => {
      this.#timers.delete(step);
      this.#post({ event: { type: 'retry-due', at: clock.now(), step } });
    };
    this.#timers.set(step, clock.setTimer(due, forMs, { keepAlive: true }));
  }

  #await(step: string): void {
    const { status, wait } = this.#state.units.named({ step });
    if (status === 'waiting' && wait) this.#waits?.begin(step, wait);
  }

  async #endWait(step: string, wait: StepWait, decision: Decision | undefined): Promise<void> {
    const { failure, output } = decision ? await settled(this.#parts.store.storage, step, wait, decision) : {};
    this.#post({ event: { type: 'wait-over', at: this.#parts.clock.now(), step, failure }, output });
  }

  #watch(step: string | undefined, forMs: number): void {
    const { clock } = this.#parts;
    const due = (): void => this.#post({ event: { type: 'deadline-due', at: clock.now(), step } });
    this.#deadlines.set(step, clock.setTimer(due, forMs, { keepAlive: true }));
  }

  #start(step: string, attempt: number): void {
    const controller = new AbortController();
    const definition = this.#parts.definition.steps.get(step)!;
    const done = this.#admitted(definition, attempt, controller)
      .then((end) => this.#post(end))
      .catch((error: unknown) => this.#breakDown(error))
      .finally(() => {
        if (this.#attempts.get(step)?.controller === controller) this.#attempts.delete(step);
      });
    this.#attempts.set(step, { controller, done });
  }

  /** An attempt when there is room for it beside the other runs in this process; within the run, the reducer has seen to that. */
  async #admitted(definition: StepDefinition, attempt: number, controller: AbortController): Promise<TrialEnd> {
    const { share, priority } = definition;
    const release = share && (await this.#parts.slots.take(share, priority, controller.signal));
    try {
      return await new Trial(this.#trialParts, { definition, attempt, controller, states: this.#statesFor(definition) }).make();
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
  #tellOf(step: string): void {
    const { status, attempts: attempt, durationMs = 0, failure: known, failures, retryAt = 0, because = '', cache, wait } = this.#state.units.named({ step });
    const failure = known ?? failures.at(-1)?.failure;
    if (isFinal(status)) this.#undoTimersOf(step);
    if (status === 'succeeded') this.#notify({ type: 'step-succeeded', step, attempt, durationMs, cache });
    else if (status === 'retrying') this.#notify({ type: 'step-retrying', step, attempt, durationMs, failure: failure!, retryAt });
    else if (status === 'waiting') this.#notify({ type: 'step-waiting', step, waitingFor: wait! });
    else if (status === 'failed') this.#notify({ type: 'step-failed', step, attempt, durationMs, failure: failure! });
    else if (status === 'upstream_failed' || status === 'skipped') this.#notify({ type: 'step-skipped', step, status, because });
    else if (status === 'cancelled') this.#notify({ type: 'step-cancelled', step, because });
  }

  #undoTimersOf(step: string): void {
    this.#waits?.end(step);
    for (const timers of [this.#timers, this.#deadlines]) {
      timers.get(step)?.();
      timers.delete(step);
    }
  }

  #notify(event: EventBody<PipelineEvent>): void {
    const { head, clock, notify } = this.#parts;
    notify?.({ ...event, run: head.id, pipeline: head.pipeline, at: clock.now() });
  }

  async #stopAll(): Promise<void> {
    for (const undo of [...this.#timers.values(), ...this.#deadlines.values()]) undo();
    await this.#waits?.stop();
    const attempts = [...this.#attempts.values()];
    for (const { controller } of attempts) controller.abort(this.#breakdown?.error);
    await Promise.all(attempts.map(({ done }) => done));
    await this.#parts.cache?.settle();
  }
}

/** An event without what all have in common. */
type EventBody<E> = E extends PipelineEvent ? Omit<E, 'run' | 'pipeline' | 'at'> : never;

function hasYield(news: News): news is TrialEnd | WaitEnd {
  switch (news.event.type) {
    case 'attempt-succeeded':
    case 'attempt-failed':
    case 'declined':
    case 'waits':
    case 'wait-over':
      return true;
    default:
      return false;
  }
}
