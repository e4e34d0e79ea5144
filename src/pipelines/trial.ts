import type { Clock } from '../core/clock.ts';
import { ValidationError } from '../core/errors.ts';
import { describeFailure } from '../core/failure.ts';
import { shown } from '../core/shown.ts';
import { runAttempt, type AttemptLimits, type AttemptOutcome } from './attempt.ts';
import type { CachePolicy } from './caching/cache-options.ts';
import type { Flight } from './caching/flight.ts';
import type { CacheHit, CacheLookup, StepCache } from './caching/step-cache.ts';
import type { Outputs } from './outputs.ts';
import type { RunEvent } from './run-event.ts';
import type { RunHead, RunStore } from './run-store.ts';
import { describeStepFailure } from './step-failure.ts';
import type { StepResult } from './step-result.ts';
import type { StepAttempt, StepContext, StepDefinition } from './step.ts';
import type { StepTools } from './step-tools.ts';
import { packStepOutput, storeOutput, type StoredOutput } from './stored-output.ts';
import { isForPerson, WaitTerms } from './waiting/wait.ts';

/** An output that was stored but is not yet in the record of its step. */
export interface SavedOutput {
  readonly stored: StoredOutput | undefined;
  /** Its packed bytes, when they are at hand. */
  readonly bytes?: Uint8Array | undefined;
}

/** What is recorded of an attempt beside what is decided about it. */
export interface AttemptFacts {
  /** Names of inputs whose steps had put out nothing when it began; absent when there are none. */
  readonly without?: readonly string[] | undefined;
  /** What the cache was asked for; absent when it was not. */
  readonly lookup?: CacheLookup | undefined;
}

/** What an attempt has come to: all that anybody learns of it. */
export interface TrialEnd {
  readonly event: Extract<RunEvent, { type: 'attempt-succeeded' | 'attempt-failed' | 'declined' | 'waits' }>;
  readonly facts: AttemptFacts;
  /** Absent unless it succeeded. */
  readonly output?: SavedOutput | undefined;
}

/** What the attempts of one run have in common. */
export interface TrialParts {
  readonly head: RunHead;
  readonly store: RunStore;
  readonly outputs: Outputs;
  /** Absent when no step has asked for one. */
  readonly cache: StepCache | undefined;
  /** A copy of the params, for each attempt its own. */
  readonly params: () => unknown;
  readonly clock: Clock;
  readonly graceMs: number;
  /** What an attempt is given beside its inputs. */
  readonly tools: (attempt: StepAttempt) => StepTools;
  /** In [0, 1), for the jitter of the wait after a failed attempt. */
  readonly chance: (step: string, attempt: number) => number;
  /** Is told that the work of an attempt begins. */
  readonly onWork: (step: string, attempt: number) => void;
}

/** Which attempt it is. */
export interface TrialSubject {
  readonly definition: StepDefinition;
  readonly attempt: number;
  /** Aborted by whoever wants it stopped. */
  readonly controller: AbortController;
  /** The states that the step may look at, as they stand when it begins. */
  readonly states: Readonly<Record<string, StepResult>>;
}

type Context = StepContext<Record<string, unknown>, unknown>;

/** An attempt that has not come to work, for its condition did not hold or failed. */
interface NotWanted {
  readonly outcome: AttemptOutcome;
  readonly durationMs: number;
}

/** One attempt at a step, from its inputs to what it has come to. Nothing is told of it before that but that its work begins. */
export class Trial {
  readonly #parts: TrialParts;
  readonly #subject: TrialSubject;
  readonly #run: StepAttempt;
  readonly #tools: StepTools;
  readonly #without: readonly string[];
  #lookup: CacheLookup | undefined;

  constructor(parts: TrialParts, subject: TrialSubject) {
    this.#parts = parts;
    this.#subject = subject;
    const { definition, attempt, controller: { signal }, states } = subject;
    const { name: step, pipeline } = definition.handle;
    this.#run = { id: parts.head.id, pipeline, step, attempt, signal };
    this.#tools = parts.tools(this.#run);
    this.#without = parts.outputs.missingInputs(definition, states);
  }

  /** Makes the attempt, once. Rejects with what fails outside of the step's own work, as the store does: that is not its failure. */
  async make(): Promise<TrialEnd> {
    try {
      return await this.#attempt();
    } catch (error) {
      // What the condition has used must not be left open.
      await this.#tools.end({ stopped: error });
      throw error;
    }
  }

  async #attempt(): Promise<TrialEnd> {
    const { when, cache } = this.#subject.definition;
    if (!when && !cache) return this.#work(await this.#context(), 0);
    let context: Context | undefined;
    let spentMs = 0;
    if (when) {
      const began = this.#parts.clock.monotonic();
      context = await this.#context();
      const refused = await this.#refused(when, context);
      if (refused) return this.#notWanted(refused);
      spentMs = this.#parts.clock.monotonic() - began;
    }
    return cache ? this.#takeOrMake(cache, context, spentMs) : this.#work(context!, spentMs);
  }

  async #context(): Promise<Context> {
    const { outputs, params } = this.#parts;
    const { definition, controller: { signal }, states } = this.#subject;
    const { log, track } = this.#tools;
    const inputs = await outputs.inputsOf(definition, states);
    return { inputs, params: params(), signal, states, run: this.#run, log, track };
  }

  /** Asks the step's condition; `undefined` when it holds. */
  async #refused(when: NonNullable<StepDefinition['when']>, context: Context): Promise<NotWanted | undefined> {
    const { clock } = this.#parts;
    const began = clock.monotonic();
    const outcome = await runAttempt(async () => asBoolean(this.#run.step, await when(context)), this.#subject.controller, this.#limits(0));
    return 'value' in outcome && outcome.value === true ? undefined : { outcome, durationMs: clock.monotonic() - began };
  }

  async #notWanted({ outcome, durationMs }: NotWanted): Promise<TrialEnd> {
    const ended = await this.#tools.end(outcome);
    if (!('value' in ended)) return this.#bad(ended, durationMs);
    const { step, attempt } = this.#run;
    return this.#end({ type: 'declined', at: this.#parts.clock.now(), step, attempt });
  }

  /** Takes the output from where it is, or makes it. */
  async #takeOrMake(policy: CachePolicy, context: Context | undefined, spentMs: number): Promise<TrialEnd> {
    const { cache, outputs } = this.#parts;
    const { definition: { needs }, controller: { signal }, states } = this.#subject;
    const { step, attempt } = this.#run;
    const answer = await cache!.ask({ step, policy, needs, states, outputOf: (source) => outputs.stored(source), attempt, signal });
    this.#lookup = answer.lookup;
    switch (answer.kind) {
      case 'hit':
        return this.#take(answer.hit);
      case 'stopped':
        await this.#tools.end({ stopped: signal.reason });
        return this.#failed(signal.reason, 0, false);
      case 'flight':
        try {
          return await this.#work(context ?? (await this.#context()), spentMs, answer.flight);
        } finally {
          cache!.end(answer.flight);
        }
    }
  }

  async #take({ from: cache, stored, bytes }: CacheHit): Promise<TrialEnd> {
    const ended = await this.#tools.end({ value: undefined });
    if (!('value' in ended)) return this.#bad(ended, 0);
    const { step, attempt } = this.#run;
    return this.#end({ type: 'attempt-succeeded', at: this.#parts.clock.now(), step, attempt, durationMs: 0, cache }, { stored, bytes });
  }

  async #work(context: Context, spentMs: number, flight?: Flight): Promise<TrialEnd> {
    const { clock, onWork } = this.#parts;
    const { definition, controller } = this.#subject;
    const work = (): unknown => {
      onWork(this.#run.step, this.#run.attempt);
      return definition.run(context);
    };
    const began = clock.monotonic();
    const worked = await runAttempt(work, controller, this.#limits(spentMs));
    const durationMs = spentMs + clock.monotonic() - began;
    const ended = await this.#tools.end(worked);
    if (!('value' in ended)) return this.#bad(ended, durationMs);
    return ended.value instanceof WaitTerms ? this.#waits(ended.value, durationMs) : this.#made(ended.value, durationMs, flight);
  }

  #limits(spentMs: number): AttemptLimits {
    const { graceMs, clock } = this.#parts;
    return { step: this.#run.step, timeoutMs: this.#subject.definition.timeoutMs, spentMs, graceMs, clock };
  }

  async #waits(terms: WaitTerms, durationMs: number): Promise<TrialEnd> {
    const { store, head, clock } = this.#parts;
    const { step, attempt } = this.#run;
    const wait = terms.beginning(clock.now());
    // Before it is recorded, so that nothing waits for somebody without a note of it.
    if (isForPerson(wait)) await store.noteWaiting(head);
    return this.#end({ type: 'waits', at: wait.since, step, attempt, durationMs, wait });
  }

  async #made(value: unknown, durationMs: number, flight: Flight | undefined): Promise<TrialEnd> {
    const { store, head, clock } = this.#parts;
    const { step, attempt } = this.#run;
    let bytes: Uint8Array | undefined;
    try {
      bytes = packStepOutput(step, value);
    } catch (error) {
      // The same code would return the same again.
      return this.#failed(error, durationMs, false);
    }
    const stored = bytes && (await storeOutput(store.storage, bytes));
    // Before the step is recorded, so that no success goes without it.
    await flight?.land({ run: head.id, at: clock.now(), durationMs, output: stored });
    return this.#end({ type: 'attempt-succeeded', at: clock.now(), step, attempt, durationMs }, { stored, bytes });
  }

  #bad(outcome: Exclude<AttemptOutcome, { value: unknown }>, durationMs: number): TrialEnd {
    return 'error' in outcome ? this.#failedOrRetried(outcome.error, durationMs) : this.#failed(outcome.stopped, durationMs, false);
  }

  /** Asks the step whether trying again can help. */
  #failedOrRetried(error: unknown, durationMs: number): TrialEnd {
    const { retryIf } = this.#subject.definition;
    const { step, attempt } = this.#run;
    try {
      const retryable: unknown = retryIf ? retryIf(error, attempt) : true;
      return this.#failed(error, durationMs, retryable === true);
    } catch (cause) {
      const message = `The retryIf of step '${step}' threw (${describeFailure(cause).message}) when it was asked about: ${describeFailure(error).message}`;
      return this.#failed(new ValidationError(message, { path: `step '${step}'.retries.retryIf`, cause: error }), durationMs, false);
    }
  }

  #failed(error: unknown, durationMs: number, retryable: boolean): TrialEnd {
    const { clock, chance } = this.#parts;
    const { step, attempt } = this.#run;
    return this.#end({ type: 'attempt-failed', at: clock.now(), step, attempt, durationMs, failure: describeStepFailure(error), retryable, chance: chance(step, attempt) });
  }

  #end(event: TrialEnd['event'], output?: SavedOutput): TrialEnd {
    const without = this.#without.length > 0 ? this.#without : undefined;
    return { event, facts: { ...(without && { without }), ...(this.#lookup && { lookup: this.#lookup }) }, output };
  }
}

function asBoolean(step: string, answer: unknown): boolean {
  if (typeof answer === 'boolean') return answer;
  throw new ValidationError(`The condition of step '${step}' gave ${shown(answer)}; return true or false from 'when'.`, { path: `step '${step}'.when` });
}
