import type { Clock } from '../core/clock.ts';
import { isContentStream } from '../core/content.ts';
import { ValidationError } from '../core/errors.ts';
import { describeFailure } from '../core/failure.ts';
import { shown } from '../core/shown.ts';
import type { Version } from '../storage/contract.ts';
import { runAttempt, type AttemptLimits, type AttemptOutcome } from './attempt.ts';
import type { AttemptStop } from './attempt-stop.ts';
import type { CachePolicy } from './caching/cache-options.ts';
import type { Flight } from './caching/flight.ts';
import { countingNeeds, guardInputs, itemDigest } from './caching/item-inputs.ts';
import type { CacheHit, CacheLookup, StepCache } from './caching/step-cache.ts';
import type { Heartbeat } from './heartbeats/heartbeat.ts';
import { collectItems, packItems, recordedItems, recordItems, type ItemList } from './item-list.ts';
import type { Outputs } from './outputs.ts';
import type { RunEvent } from './run-event.ts';
import type { StepState } from './run-state.ts';
import type { RunHead, RunStore } from './run-store.ts';
import { describeStepFailure } from './step-failure.ts';
import type { StepResult } from './step-result.ts';
import type { ItemsDefinition, StepAttempt, StepContext, StepDefinition } from './step.ts';
import type { StepTools } from './step-tools.ts';
import { packStepOutput, storeOutput, type StoredBytes, type StoredOutput, type StoredValue } from './stored-output.ts';
import { StoreFault, writeStream, WrittenStream } from './streamed-output.ts';
import { unitName, unitSegments, unitText, type UnitName } from './units.ts';
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
  /** The items of a step, as they were given; absent while they are not known. */
  readonly list?: StoredBytes | undefined;
  /** What was set aside, to be released; absent when nothing was. */
  readonly held?: StoredValue | undefined;
}

/** What earlier owners of a run have recorded of the items of a step. */
export interface RestoredItems {
  readonly list: StoredBytes;
  /** The states of items, by index, as far as they still hold. */
  readonly states: ReadonlyMap<number, StepState>;
  /** The versions of the records of items, by {@link unitKey}. */
  readonly versions: ReadonlyMap<string, Version>;
}

/** What an attempt has come to: all that anybody learns of it. */
export interface TrialEnd {
  readonly event: Extract<RunEvent, { type: 'attempt-succeeded' | 'items-listed' | 'attempt-failed' | 'declined' | 'waits' }>;
  readonly facts: AttemptFacts;
  /** Absent unless it succeeded. */
  readonly output?: SavedOutput | undefined;
  /** The items of a step that has come to know them. */
  readonly items?: ItemList | undefined;
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
  /** The signs of life of an attempt that may be silent for so long; `lasts` says whether those of an earlier round count. */
  readonly heartbeat: (attempt: StepAttempt, limitMs: number, lasts: boolean) => Promise<Heartbeat>;
  /** In [0, 1), for the jitter of the wait after a failed attempt. */
  readonly chance: (unit: UnitName, attempt: number) => number;
  /** Is told that the work of an attempt begins. */
  readonly onWork: (unit: UnitName, attempt: number) => void;
}

/** Which attempt it is. */
export interface TrialSubject {
  readonly definition: StepDefinition;
  /** Given when it is at an item of the step. */
  readonly item?: { readonly index: number; readonly value: unknown } | undefined;
  /** Given when the items of the step have been recorded before. */
  readonly restored?: RestoredItems | undefined;
  readonly attempt: number;
  /** For whoever wants it stopped. */
  readonly stop: AttemptStop;
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
  readonly #unit: UnitName;
  readonly #tools: StepTools;
  readonly #without: readonly string[];
  #lookup: CacheLookup | undefined;
  #heartbeat: Heartbeat | undefined;

  constructor(parts: TrialParts, subject: TrialSubject) {
    this.#parts = parts;
    this.#subject = subject;
    const { definition, item, attempt, stop, states } = subject;
    const { name: step, pipeline } = definition.handle;
    this.#unit = unitName({ step, index: item?.index });
    this.#run = withSignal({ id: parts.head.id, pipeline, ...this.#unit, attempt, key: `${parts.head.id}/${unitSegments(this.#unit)}`, ...(definition.silenceMs !== undefined && { heartbeatTimeoutMs: definition.silenceMs }) }, stop);
    this.#tools = parts.tools(this.#run);
    this.#without = parts.outputs.missingInputs(definition, states);
  }

  /** Makes the attempt, once. Rejects with what fails outside of the step's own work, as the store does: that is not its failure. */
  async make(): Promise<TrialEnd> {
    let isOver = false;
    try {
      const end = await this.#attempt();
      isOver = end.event.type !== 'attempt-failed';
      return end;
    } catch (error) {
      // What the condition has used must not be left open.
      await this.#tools.end({ stopped: error });
      throw error;
    } finally {
      if (this.#heartbeat) await this.#heartbeat.close(!isOver);
    }
  }

  async #attempt(): Promise<TrialEnd> {
    // A step that has items asks once for all of them.
    const { item, definition } = this.#subject;
    const when = item ? undefined : definition.when;
    // The list of items is made anew each time.
    const cache = definition.items && !item ? undefined : definition.cache;
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
    const { definition, item, stop, states } = this.#subject;
    const { log, track } = this.#tools;
    const { silenceMs, final } = definition;
    // What runs at the end does so once more in each round, though it had succeeded.
    const heart = silenceMs === undefined ? undefined : (this.#heartbeat = await this.#parts.heartbeat(this.#run, silenceMs, !final));
    const counting = item ? countingNeeds(definition.needs, definition.cache?.inputs) : definition.needs;
    // Ten thousand items need not each copy what their list was made of.
    const inputs = await outputs.inputsOf({ needs: counting }, states, item !== undefined);
    if (counting !== definition.needs) guardInputs(inputs, definition, counting);
    const context = withSignal({ inputs, params: params(), states, run: this.#run, log, track, heartbeat: heart ? (details?: unknown) => heart.beat(details) : this.#noHeartbeat, lastHeartbeat: heart?.last() }, stop);
    return item ? Object.assign(context, { item: item.value, index: item.index }) : context;
  }

  readonly #noHeartbeat = (): never => {
    const { step } = this.#run;
    throw new ValidationError(`Step '${step}' gave a heartbeat, but nobody waits for one; give it the option heartbeatTimeout.`, { path: `step '${step}'.heartbeatTimeout` });
  };

  /** Asks the step's condition; `undefined` when it holds. */
  async #refused(when: NonNullable<StepDefinition['when']>, context: Context): Promise<NotWanted | undefined> {
    const { clock } = this.#parts;
    const began = clock.monotonic();
    const outcome = await runAttempt(async () => asBoolean(this.#run.step, await when(context)), this.#subject.stop, this.#limits(0));
    return 'value' in outcome && outcome.value === true ? undefined : { outcome, durationMs: clock.monotonic() - began };
  }

  async #notWanted({ outcome, durationMs }: NotWanted): Promise<TrialEnd> {
    const ended = await this.#tools.end(outcome);
    if (!('value' in ended)) return this.#bad(ended, durationMs);
    return this.#end({ type: 'declined', at: this.#parts.clock.now(), ...this.#unit, attempt: this.#run.attempt });
  }

  /** Takes the output from where it is, or makes it. */
  async #takeOrMake(policy: CachePolicy, context: Context | undefined, spentMs: number): Promise<TrialEnd> {
    const { cache, outputs } = this.#parts;
    const { definition: { needs }, item, stop, states } = this.#subject;
    const { step, index, attempt } = this.#run;
    const answer = await cache!.ask({ step, index, policy, needs: countingNeeds(needs, policy.inputs), item: item && itemDigest(item.value), states, outputOf: (source) => outputs.stored(source), attempt, signal: stop.signal });
    this.#lookup = answer.lookup;
    switch (answer.kind) {
      case 'hit':
        return this.#take(answer.hit);
      case 'stopped':
        await this.#tools.end({ stopped: stop.reason });
        return this.#failed(stop.reason, 0, false);
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
    return this.#end({ type: 'attempt-succeeded', at: this.#parts.clock.now(), ...this.#unit, attempt: this.#run.attempt, durationMs: 0, cache }, { stored, bytes });
  }

  async #work(context: Context, spentMs: number, flight?: Flight): Promise<TrialEnd> {
    const { clock, onWork } = this.#parts;
    const { definition: { run, items }, item, stop } = this.#subject;
    const lists = items && !item;
    const work = (): unknown => {
      onWork(this.#unit, this.#run.attempt);
      return lists ? this.#list(items, context) : this.#written(run(context));
    };
    const began = clock.monotonic();
    const heart = this.#heartbeat;
    const worked = await runAttempt(work, stop, { ...this.#limits(spentMs), ...(heart && { watch: (onSilence) => heart.watch(onSilence) }) });
    if ('value' in worked && worked.value instanceof StoreFault) throw worked.value.error;
    const durationMs = spentMs + clock.monotonic() - began;
    const ended = await this.#tools.end(worked);
    if (!('value' in ended)) return this.#bad(ended, durationMs);
    if (ended.value instanceof WaitTerms) return this.#waits(ended.value, durationMs);
    return lists ? this.#listed(ended.value as readonly unknown[] | undefined, durationMs) : this.#made(ended.value, durationMs, flight);
  }

  /** What the step gives as its items, unless they were recorded. */
  async #list({ over }: ItemsDefinition, context: Context): Promise<readonly unknown[] | undefined> {
    return this.#subject.restored ? undefined : collectItems(this.#run.step, await over(context));
  }

  /** What the step's function gives, with a stream read to its end: to make what that gives is the step's work too. */
  async #written(made: unknown): Promise<unknown> {
    const value = await made;
    if (value instanceof WaitTerms && value.held) {
      const held = await this.#written(value.held.value);
      return held instanceof StoreFault ? held : value.holding(held);
    }
    if (!isContentStream(value)) return value;
    return writeStream(this.#parts.store.storage, value, `The output of ${unitText(this.#unit)}`, this.#run.signal);
  }

  async #listed(given: readonly unknown[] | undefined, durationMs: number): Promise<TrialEnd> {
    const { step, attempt } = this.#run;
    const { storage } = this.#parts.store;
    let bytes: Uint8Array | undefined;
    try {
      bytes = given && packItems(step, given);
    } catch (error) {
      return this.#failed(error, durationMs, false);
    }
    const items = await (bytes ? recordItems(storage, step, bytes) : recordedItems(storage, step, this.#subject.restored!.list));
    const { event, facts } = this.#end({ type: 'items-listed', at: this.#parts.clock.now(), step, attempt, count: items.values.length, known: this.#subject.restored?.states });
    return { event, facts: { ...facts, list: items.stored }, items };
  }

  #limits(spentMs: number): AttemptLimits {
    const { graceMs, clock } = this.#parts;
    return { step: this.#run.step, timeoutMs: this.#subject.definition.timeoutMs, spentMs, graceMs, clock };
  }

  async #waits(terms: WaitTerms, durationMs: number): Promise<TrialEnd> {
    const { store, head, clock } = this.#parts;
    const { step, attempt } = this.#run;
    const held = terms.held && (await this.#stored(terms.held.value, durationMs));
    if (held && 'refused' in held) return held.refused;
    const wait = terms.beginning(clock.now());
    // Before it is recorded, so that nothing waits for somebody without a note of it.
    if (isForPerson(wait)) await store.noteWaiting(head);
    const { event, facts } = this.#end({ type: 'waits', at: wait.since, step, attempt, durationMs, wait });
    return { event, facts: { ...facts, ...(held?.stored && { held: held.stored }) } };
  }

  async #made(value: unknown, durationMs: number, flight: Flight | undefined): Promise<TrialEnd> {
    const { head, clock } = this.#parts;
    const { attempt } = this.#run;
    const saved = await this.#stored(value, durationMs);
    if ('refused' in saved) return saved.refused;
    // Before the step is recorded, so that no success goes without it.
    await flight?.land({ run: head.id, at: clock.now(), durationMs, output: saved.stored });
    return this.#end({ type: 'attempt-succeeded', at: clock.now(), ...this.#unit, attempt, durationMs }, saved);
  }

  /** Stores what the step gives; what cannot be kept is its failure. */
  async #stored(value: unknown, durationMs: number): Promise<{ readonly stored: StoredValue | undefined; readonly bytes?: Uint8Array | undefined } | { readonly refused: TrialEnd }> {
    if (value instanceof WrittenStream) return { stored: value.stored };
    let bytes: Uint8Array | undefined;
    try {
      bytes = packStepOutput(this.#unit, value);
    } catch (error) {
      // The same code would return the same again.
      return { refused: this.#failed(error, durationMs, false) };
    }
    return { stored: bytes && (await storeOutput(this.#parts.store.storage, bytes)), bytes };
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
    const { attempt } = this.#run;
    return this.#end({ type: 'attempt-failed', at: clock.now(), ...this.#unit, attempt, durationMs, failure: describeStepFailure(error), retryable, chance: chance(this.#unit, attempt) });
  }

  #end(event: TrialEnd['event'], output?: SavedOutput): TrialEnd {
    const without = this.#without.length > 0 ? this.#without : undefined;
    const list = this.#subject.item ? undefined : this.#subject.restored?.list;
    return { event, facts: { ...(without && { without }), ...(this.#lookup && { lookup: this.#lookup }), ...(list && { list }) }, output };
  }
}

/** The object with a signal that is there when somebody looks at it. */
function withSignal<T extends object>(of: T, stop: AttemptStop): T & { readonly signal: AbortSignal } {
  return Object.defineProperty(of, 'signal', { get: () => stop.signal, enumerable: true, configurable: true }) as T & { readonly signal: AbortSignal };
}

function asBoolean(step: string, answer: unknown): boolean {
  if (typeof answer === 'boolean') return answer;
  throw new ValidationError(`The condition of step '${step}' gave ${shown(answer)}; return true or false from 'when'.`, { path: `step '${step}'.when` });
}
