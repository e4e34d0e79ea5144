import type { Clock, Undo } from '../core/clock.ts';
import { AbortedError, ValidationError } from '../core/errors.ts';
import { shown } from '../core/shown.ts';
import { describeFailure } from '../core/failure.ts';
import type { Version } from '../storage/contract.ts';
import { runAttempt, type AttemptLimits } from './attempt.ts';
import type { CachePolicy } from './caching/cache-options.ts';
import type { Flight } from './caching/flight.ts';
import type { CacheLookup, StepCache } from './caching/step-cache.ts';
import type { Definition } from './definition.ts';
import type { RunLease } from './lease.ts';
import type { Outputs } from './outputs.ts';
import type { PipelineEvent } from './pipeline-event.ts';
import type { PoolSlots } from './pool-slots.ts';
import { decide } from './reducer.ts';
import type { AbortUnit, RunCommand, RunEvent } from './run-event.ts';
import { isFinal, type RunState } from './run-state.ts';
import type { RunHead, RunStore, StepRecord } from './run-store.ts';
import { describeStepFailure } from './step-failure.ts';
import { stepResult, type StepResult } from './step-result.ts';
import type { StepAttempt, StepContext, StepDefinition } from './step.ts';
import type { StepTools } from './step-tools.ts';
import { packStepOutput, storeOutput, type StoredOutput } from './stored-output.ts';
import { runTimeout, stepTimeout } from './timeouts.ts';

/** What a run is carried out with. */
export interface ExecutorParts {
  readonly head: RunHead;
  readonly definition: Definition;
  readonly state: RunState;
  /** Versions of the step records that there are. */
  readonly versions: ReadonlyMap<string, Version>;
  readonly store: RunStore;
  readonly lease: RunLease;
  readonly outputs: Outputs;
  /** Absent when no step has asked for one. */
  readonly cache: StepCache | undefined;
  /** A copy of the params, for each attempt its own. */
  readonly params: () => unknown;
  readonly clock: Clock;
  readonly graceMs: number;
  /** What an attempt is given beside its inputs. */
  readonly tools: (attempt: StepAttempt) => StepTools;
  /** What the runs of the pipeline in this process share. */
  readonly slots: PoolSlots;
  /** In [0, 1), for the jitter of the wait after a failed attempt. */
  readonly chance: (step: string, attempt: number) => number;
  /** Absent when nobody listens. */
  readonly notify: ((event: PipelineEvent) => void) | undefined;
}

/** An output that was stored but is not yet in the record of its step. */
interface SavedOutput {
  readonly stored: StoredOutput | undefined;
  readonly bytes?: Uint8Array | undefined;
}

/** An attempt at a step that is under way. */
interface Trial {
  readonly definition: StepDefinition;
  readonly attempt: number;
  readonly controller: AbortController;
  readonly run: StepAttempt;
  readonly tools: StepTools;
  /** As they stood when it began. */
  readonly states: Readonly<Record<string, StepResult>>;
}

/**
 * Carries out in this process what the reducer decides. Events are taken as they have gathered, decided together and recorded by one write; only when that is durable is
 * anything begun or told because of them. So what one sees has happened, and steps that end together share a flush.
 */
export class RunExecutor {
  readonly #parts: ExecutorParts;
  readonly #versions: Map<string, Version>;
  readonly #events: RunEvent[] = [];
  readonly #attempts = new Map<string, { controller: AbortController; done: Promise<void> }>();
  readonly #timers = new Map<string, Undo>();
  /** Of steps by name, and of the run without one. */
  readonly #deadlines = new Map<string | undefined, Undo>();
  readonly #saved = new Map<string, SavedOutput>();
  /** By the step, the inputs that its last attempt was not given. */
  readonly #without = new Map<string, readonly string[]>();
  readonly #lookups = new Map<string, CacheLookup>();
  #state: RunState;
  #wake: () => void = () => undefined;
  #breakdown: { readonly error: unknown } | undefined;

  constructor(parts: ExecutorParts) {
    this.#parts = parts;
    this.#versions = new Map(parts.versions);
    this.#state = parts.state;
  }

  /** Runs to the end and gives the last state. Rejects, with the run left to be resumed, when the store fails or the lease is lost. */
  async execute(signal: AbortSignal | undefined): Promise<RunState> {
    const { lease, clock } = this.#parts;
    const cancel = (): void => this.#post({ type: 'cancelled', at: clock.now() });
    lease.startHeartbeat((error) => this.#breakDown(error));
    if (signal?.aborted) cancel();
    else signal?.addEventListener('abort', cancel, { once: true });
    this.#post({ type: 'started', at: clock.now() });
    try {
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
    if (this.#events.length === 0 && !this.#breakdown) await new Promise<void>((resolve) => (this.#wake = resolve));
    if (!this.#parts.lease.certain) await this.#parts.lease.ensure();
    if (this.#breakdown) throw this.#breakdown.error;
    for (const command of await this.#commit(this.#events.splice(0))) this.#perform(command);
  }

  #post(event: RunEvent): void {
    this.#events.push(event);
    this.#wake();
  }

  /** Ends the run's work in this process for a reason that is no step's. */
  #breakDown(error: unknown): void {
    this.#breakdown ??= { error };
    this.#wake();
  }

  /** Decides about events and makes the decision durable; when a former owner's success of a step is found, that is what has happened, and it is decided anew. */
  async #commit(gathered: readonly RunEvent[]): Promise<readonly RunCommand[]> {
    let events = gathered;
    for (;;) {
      const [state, commands] = decide(this.#parts.definition.plan, this.#state, ...events);
      const names = new Set(commands.flatMap((command) => (command.type === 'record' ? [command.step] : [])));
      const refused = names.size === 0 ? [] : await this.#record([...names], state);
      if (refused.length === 0) {
        this.#state = state;
        return commands;
      }
      events = [...refused.flatMap((found) => this.#adopted(found)), ...events];
    }
  }

  /** Writes the records of steps; gives those that somebody else had written in the meantime. */
  async #record(names: readonly string[], state: RunState): Promise<StepRecord[]> {
    const { store, head } = this.#parts;
    const operations = names.map((name) => store.commit(head.id, this.#recordOf(name, state), this.#versions.get(name)));
    const results = await store.storage.write(operations);
    const refused: StepRecord[] = [];
    for (const [i, result] of results.entries()) {
      const name = names[i]!;
      if (result.ok) this.#versions.set(name, result.version!);
      else refused.push(...(await this.#foundInstead(name)));
    }
    return refused;
  }

  /** The record that stood in the way of ours. A later owner's ends our work; a former owner's is the last that it could write. */
  async #foundInstead(name: string): Promise<StepRecord[]> {
    const { store, head, lease } = this.#parts;
    const found = await store.step(head.id, name);
    if (found === undefined || found.value.fence > lease.fence) throw await lease.loss();
    this.#versions.set(name, found.version);
    if (found.value.status === 'succeeded') this.#saved.set(name, { stored: found.value.output });
    return [found.value];
  }

  #adopted({ status, step, durationMs, cache }: StepRecord): RunEvent[] {
    return status === 'succeeded' ? [{ type: 'found-succeeded', at: this.#parts.clock.now(), step, durationMs, cache }] : [];
  }

  #recordOf(name: string, state: RunState): StepRecord {
    const { head, lease } = this.#parts;
    const step = state.units.named({ step: name });
    const output = step.status === 'succeeded' ? this.#saved.get(name)?.stored : undefined;
    const without = this.#without.get(name);
    return { ...step, step: name, round: head.round, fence: lease.fence, output, lookup: this.#lookups.get(name), ...(without?.length && { without }) };
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
      this.#post({ type: 'retry-due', at: clock.now(), step });
    };
    this.#timers.set(step, clock.setTimer(due, forMs, { keepAlive: true }));
  }

  #watch(step: string | undefined, forMs: number): void {
    const { clock } = this.#parts;
    const due = (): void => this.#post({ type: 'deadline-due', at: clock.now(), step });
    this.#deadlines.set(step, clock.setTimer(due, forMs, { keepAlive: true }));
  }

  #start(step: string, attempt: number): void {
    const controller = new AbortController();
    const definition = this.#parts.definition.steps.get(step)!;
    const done = this.#admitted(definition, attempt, controller)
      .catch((error: unknown) => this.#breakDown(error))
      .finally(() => {
        if (this.#attempts.get(step)?.controller === controller) this.#attempts.delete(step);
      });
    this.#attempts.set(step, { controller, done });
  }

  /** An attempt when there is room for it beside the other runs in this process; within the run, the reducer has seen to that. */
  async #admitted(definition: StepDefinition, attempt: number, controller: AbortController): Promise<void> {
    const { share, priority } = definition;
    const release = share && (await this.#parts.slots.take(share, priority, controller.signal));
    try {
      const trial = this.#trial(definition, attempt, controller);
      // What fails outside of the step's own work must not leave open what its condition has used.
      await this.#attempt(trial).catch(async (error: unknown) => {
        await trial.tools.end({ stopped: error });
        throw error;
      });
    } finally {
      release?.();
    }
  }

  #trial(definition: StepDefinition, attempt: number, controller: AbortController): Trial {
    const { head, tools } = this.#parts;
    const { name: step, pipeline } = definition.handle;
    const run: StepAttempt = { id: head.id, pipeline, step, attempt, signal: controller.signal };
    return { definition, attempt, controller, run, tools: tools(run), states: this.#statesFor(definition) };
  }

  /** One attempt from its inputs to the event of its end. What fails outside of the step's own work is not its failure, and rejects. */
  async #attempt(trial: Trial): Promise<void> {
    const { when, cache } = trial.definition;
    this.#without.set(trial.run.step, this.#parts.outputs.missingInputs(trial.definition, trial.states));
    const began = this.#parts.clock.monotonic();
    let context: StepContext<Record<string, unknown>, unknown> | undefined;
    if (when) {
      context = await this.#contextOf(trial);
      if (!(await this.#isWanted(trial, when, context))) return;
    }
    const spentMs = when ? this.#parts.clock.monotonic() - began : 0;
    if (cache === undefined) return this.#work(trial, context ?? (await this.#contextOf(trial)), spentMs);
    const flight = await this.#takeOrMake(trial, cache);
    try {
      if (flight) await this.#work(trial, context ?? (await this.#contextOf(trial)), spentMs, flight);
    } finally {
      await flight?.end();
    }
  }

  async #contextOf({ definition, controller: { signal }, states, run, tools: { log, track } }: Trial): Promise<StepContext<Record<string, unknown>, unknown>> {
    const { outputs, params } = this.#parts;
    const inputs = await outputs.inputsOf(definition, states);
    return { inputs, params: params(), signal, states, run, log, track };
  }

  /** Whether the step's condition holds; otherwise the attempt has come to its end. */
  async #isWanted(trial: Trial, when: NonNullable<StepDefinition['when']>, context: StepContext<Record<string, unknown>, unknown>): Promise<boolean> {
    const { clock } = this.#parts;
    const { definition: { handle: { name: step } }, attempt } = trial;
    const began = clock.monotonic();
    const answer = await runAttempt(async () => asBoolean(step, await when(context)), trial.controller, this.#limits(trial, 0));
    if ('value' in answer && answer.value === true) return true;
    const durationMs = clock.monotonic() - began;
    const outcome = await trial.tools.end(answer);
    if (!('value' in outcome)) this.#endBadly(trial, outcome, durationMs);
    else this.#post({ type: 'declined', at: clock.now(), step, attempt });
    return false;
  }

  /** The leave to make the output. Otherwise it was taken from where it is, or nobody wants it any more, and the attempt has come to its end. */
  async #takeOrMake(trial: Trial, policy: CachePolicy): Promise<Flight | undefined> {
    const { definition, attempt, controller: { signal }, states, tools } = trial;
    const { cache, outputs, clock } = this.#parts;
    const { handle: { name: step }, needs } = definition;
    try {
      const { lookup, flight, hit } = await cache!.ask({ step, policy, needs, states, outputOf: (source) => outputs.stored(source), attempt, signal });
      this.#lookups.set(step, lookup);
      if (flight) return flight;
      const outcome = await tools.end({ value: undefined });
      if (!('value' in outcome)) {
        this.#endBadly(trial, outcome, 0);
        return undefined;
      }
      this.#saved.set(step, { stored: hit.stored, bytes: hit.bytes });
      this.#post({ type: 'attempt-succeeded', at: clock.now(), step, attempt, durationMs: 0, cache: hit.from });
    } catch (error) {
      if (!signal.aborted) throw error;
      await tools.end({ stopped: signal.reason });
      this.#fail(step, attempt, signal.reason, 0, false);
    }
    return undefined;
  }

  async #work(trial: Trial, context: StepContext<Record<string, unknown>, unknown>, spentMs: number, flight?: Flight): Promise<void> {
    const { clock } = this.#parts;
    const { definition, attempt, controller, tools } = trial;
    const { name: step } = definition.handle;
    const work = (): unknown => {
      this.#notify({ type: 'step-started', step, attempt });
      return definition.run(context);
    };
    const began = clock.monotonic();
    const worked = await runAttempt(work, controller, this.#limits(trial, spentMs));
    const durationMs = spentMs + clock.monotonic() - began;
    const outcome = await tools.end(worked);
    if ('value' in outcome) await this.#succeed(step, attempt, outcome.value, durationMs, flight);
    else this.#endBadly(trial, outcome, durationMs);
  }

  #limits({ definition: { handle, timeoutMs } }: Trial, spentMs: number): AttemptLimits {
    const { graceMs, clock } = this.#parts;
    return { step: handle.name, timeoutMs, spentMs, graceMs, clock };
  }

  #endBadly({ definition, attempt }: Trial, outcome: { readonly error: unknown } | { readonly stopped: unknown }, durationMs: number): void {
    if ('error' in outcome) this.#failOrRetry(definition, attempt, outcome.error, durationMs);
    else this.#fail(definition.handle.name, attempt, outcome.stopped, durationMs, false);
  }

  async #succeed(step: string, attempt: number, value: unknown, durationMs: number, flight: Flight | undefined): Promise<void> {
    let bytes: Uint8Array | undefined;
    try {
      bytes = packStepOutput(step, value);
    } catch (error) {
      // The same code would return the same again.
      this.#fail(step, attempt, error, durationMs, false);
      return;
    }
    const { store, head, clock } = this.#parts;
    const stored = bytes && (await storeOutput(store.storage, bytes));
    this.#saved.set(step, { stored, bytes });
    // Before the step is recorded, so that no success goes without it.
    await flight?.land({ run: head.id, at: clock.now(), durationMs, output: stored });
    this.#post({ type: 'attempt-succeeded', at: clock.now(), step, attempt, durationMs });
  }

  /** The states that a step may look at. */
  #statesFor({ handle, final, needs, after }: StepDefinition): Readonly<Record<string, StepResult>> {
    const { steps } = this.#parts.definition;
    const names = final ? [...steps.keys()].filter((name) => name !== handle.name) : new Set([...Object.values(needs), ...after]);
    return Object.fromEntries([...names].map((name) => [name, stepResult(name, this.#state.units.named({ step: name }))]));
  }

  /** Asks the step whether trying again can help. */
  #failOrRetry({ handle: { name: step }, retryIf }: StepDefinition, attempt: number, error: unknown, durationMs: number): void {
    let retryable: unknown;
    try {
      retryable = retryIf ? retryIf(error, attempt) : true;
    } catch (cause) {
      const message = `The retryIf of step '${step}' threw (${describeFailure(cause).message}) when it was asked about: ${describeFailure(error).message}`;
      this.#fail(step, attempt, new ValidationError(message, { path: `step '${step}'.retries.retryIf`, cause: error }), durationMs, false);
      return;
    }
    this.#fail(step, attempt, error, durationMs, retryable === true);
  }

  #fail(step: string, attempt: number, error: unknown, durationMs: number, retryable: boolean): void {
    const { clock, chance } = this.#parts;
    this.#post({ type: 'attempt-failed', at: clock.now(), step, attempt, durationMs, failure: describeStepFailure(error), retryable, chance: chance(step, attempt) });
  }

  /** Passes on what a recorded step has to tell: its output to the others, its news to the listener. */
  #tellOf(step: string): void {
    const { outputs } = this.#parts;
    const { status, attempts: attempt, durationMs = 0, failure: known, failures, retryAt = 0, because = '', cache } = this.#state.units.named({ step });
    const failure = known ?? failures.at(-1)?.failure;
    if (isFinal(status)) this.#undoTimersOf(step);
    if (status === 'succeeded') {
      const saved = this.#saved.get(step);
      this.#saved.delete(step);
      outputs.keep(step, saved?.stored, saved?.bytes);
      this.#notify({ type: 'step-succeeded', step, attempt, durationMs, cache });
    } else if (status === 'retrying') this.#notify({ type: 'step-retrying', step, attempt, durationMs, failure: failure!, retryAt });
    else if (status === 'failed') this.#notify({ type: 'step-failed', step, attempt, durationMs, failure: failure! });
    else if (status === 'upstream_failed' || status === 'skipped') this.#notify({ type: 'step-skipped', step, status, because });
    else if (status === 'cancelled') this.#notify({ type: 'step-cancelled', step, because });
  }

  #undoTimersOf(step: string): void {
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
    const attempts = [...this.#attempts.values()];
    for (const { controller } of attempts) controller.abort(this.#breakdown?.error);
    await Promise.all(attempts.map(({ done }) => done));
  }
}

function asBoolean(step: string, answer: unknown): boolean {
  if (typeof answer === 'boolean') return answer;
  throw new ValidationError(`The condition of step '${step}' gave ${shown(answer)}; return true or false from 'when'.`, { path: `step '${step}'.when` });
}

/** An event without what all have in common. */
type EventBody<E> = E extends PipelineEvent ? Omit<E, 'run' | 'pipeline' | 'at'> : never;
