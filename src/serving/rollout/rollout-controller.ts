import type { Clock } from '../../core/clock.ts';
import { ConflictError, GateError, ModelkeepError, NotFoundError } from '../../core/errors.ts';
import { newId } from '../../core/ids.ts';
import type { ErrorListener } from '../../core/logger.ts';
import { LookLoop } from '../../core/look-loop.ts';
import type { Random } from '../../core/random.ts';
import type { StorageAdapter } from '../../storage/contract.ts';
import type { Arm, ServedOutcome } from '../prediction.ts';
import { ExperimentClaims, rolloutRuns } from './experiment-claims.ts';
import type { RolloutCheck } from './guardrail.ts';
import { RolloutCounter } from './rollout-counter.ts';
import { conflictOf, RolloutDecider } from './rollout-decider.ts';
import { eventOf, holdEndsAt, type RolloutEvent } from './rollout-event.ts';
import { rolloutEvents, type RolloutEventsOptions, type RolloutEventSource } from './rollout-events.ts';
import { checkActor, checkPromotion, planRollout, type RolloutActor, type RolloutOptions } from './rollout-options.ts';
import { reduceRollout } from './rollout-reducer.ts';
import type { RolloutRegistry } from './rollout-registry.ts';
import { trafficOf, type RolloutInput, type RolloutState, type Traffic } from './rollout-state.ts';
import { isWatched, statusOf, type RolloutStatus } from './rollout-status.ts';
import { RolloutStore } from './rollout-store.ts';

/** How often is looked, in milliseconds. */
export interface RolloutIntervals {
  /** While no rollout goes on, for one that another process begins. */
  readonly idleMs: number;
  /** How long whoever decides may be silent before another process does. */
  readonly leaseMs: number;
  /** How long an experiment that is not heard of keeps rollouts out. */
  readonly claimMs: number;
}

/** What a controller works with. */
export interface RolloutControllerParts {
  readonly storage: StorageAdapter;
  /** Name of the model. */
  readonly name: string;
  readonly registry: RolloutRegistry;
  /** The functions behind guardrails, by name. */
  readonly checks: Readonly<Record<string, RolloutCheck>>;
  readonly clock: Clock;
  readonly random: Random;
  readonly onError: ErrorListener;
  /** Is told of each change that this process made, when it is stored. */
  readonly announce: (event: RolloutEvent) => void;
  /** Is told when requests go elsewhere than before. */
  readonly onTraffic: (traffic: Traffic) => void;
  /** Is told that the experiments of this process may not choose between versions any longer: a rollout began while it was silent for longer than its claims stand. */
  readonly onClaimLost: () => void;
  readonly intervals: RolloutIntervals;
}

// Between looks at a stage that is about to end.
const soonMs = 100;

/**
 * The rollouts of a model, as this process has part in them: it says where requests go, counts what they come to, stores that, and decides when it is the one to decide. Whatever the storage does, `traffic`, `count` and `measure` answer at once.
 */
export class RolloutController {
  readonly #parts: RolloutControllerParts;
  readonly #store: RolloutStore;
  readonly #counter = new RolloutCounter();
  readonly #decider: RolloutDecider;
  readonly #loop: LookLoop;
  readonly #owner: string = newId();
  readonly #claims: ExperimentClaims;
  #traffic: Traffic = {};
  #turn: Promise<unknown> = Promise.resolve();
  #cleared: string | undefined;
  #closed = false;

  constructor(parts: RolloutControllerParts) {
    const { storage, name, clock, random, onError, announce, onClaimLost, intervals } = parts;
    this.#parts = parts;
    this.#store = new RolloutStore(storage, name, clock);
    this.#decider = new RolloutDecider({
      ...parts,
      store: this.#store,
      model: name,
      checks: new Map(Object.entries(parts.checks)),
      owner: this.#owner,
      leaseMs: intervals.leaseMs,
      announce: (events) => events.forEach(announce),
    });
    const onLost = (error: ConflictError): void => {
      onClaimLost();
      onError(error);
    };
    this.#claims = new ExperimentClaims({ store: this.#store, model: name, owner: this.#owner, clock, ttlMs: intervals.claimMs, onLost });
    const backoff = { initialMs: 500, maxMs: Math.max(1000, intervals.idleMs) };
    this.#loop = new LookLoop({ clock, random, onError, backoff, keepAlive: false, closed: () => this.#closedError(), look: async () => ({ waitMs: await this.#lookAround(), settled: true }) });
  }

  /** Where requests go; replaced as a whole when it changes. */
  get traffic(): Traffic {
    return this.#traffic;
  }

  /** Begins to look by itself, the first time at once. */
  begin(): void {
    this.#loop.start();
  }

  /** Counts what a request came to. */
  count(outcome: ServedOutcome): void {
    this.#counter.count(outcome);
  }

  /** Counts what was found out about an answer of a version that served as an arm. */
  measure(served: { readonly version: number; readonly arm: Arm }, metrics: Readonly<Record<string, number>>): void {
    this.#counter.measure(served, metrics);
  }

  /** Looks what has become of the rollout, stores what was counted here, and does what is due when it is for this process to do. */
  async look(): Promise<void> {
    await this.#lookAround();
  }

  /** Starts a rollout of a version that the gates let pass. */
  async start(options: RolloutOptions): Promise<RolloutStatus> {
    const { plan, candidate, actor } = planRollout(options);
    const { name, registry, clock } = this.#parts;
    const { production } = await registry.getModel(name);
    if (production === undefined) throw new ConflictError(`No version of '${name}' is in production, so that there is nothing to roll out from; promote the first one in the registry.`, { model: name });
    if (candidate === production) throw new ConflictError(`Version ${candidate} of '${name}' is in production already.`, { model: name, version: candidate });
    await registry.getVersion(`${name}@${candidate}`);
    if (plan.force === undefined) await this.#demandGates(candidate);
    await this.#inTurn(async () => {
      const input: RolloutInput = { type: 'start', id: newId(), model: name, candidate, stable: production, plan, ...actor };
      const events = await this.#store.change((head) => {
        if (head.rollout && head.rollout.phase !== 'ended') throw rolloutRuns(head.rollout, 'another one cannot begin');
        this.#claims.demandNone(head);
        const now = clock.now();
        const [state] = reduceRollout(undefined, input, now);
        return { state: { ...head, rollout: state }, events: [eventOf(undefined, state, input, now)] };
      });
      this.#told(events);
    });
    return this.#after();
  }

  /** Holds a rollout where it is, with its guardrails watched. */
  async pause(actor: RolloutActor = {}): Promise<RolloutStatus> {
    const { by, reason = 'It was paused.' } = checkActor(actor);
    return this.#command({ type: 'pause', by, reason });
  }

  /** Goes on. */
  async resume(actor: RolloutActor = {}): Promise<RolloutStatus> {
    const { by, reason = 'It was resumed.' } = checkActor(actor);
    return this.#command({ type: 'resume', by, reason });
  }

  /** Ends a rollout without its candidate. */
  async abort(actor: RolloutActor = {}): Promise<RolloutStatus> {
    const { by, reason = 'It was aborted.' } = checkActor(actor);
    return this.#command({ type: 'abort', by, reason });
  }

  /** Skips what is left of a rollout: the candidate is promoted when the gates let it pass. */
  async promote(actor: RolloutActor & { readonly force?: boolean | undefined } = {}): Promise<RolloutStatus> {
    const { by, reason = 'It was promoted before its time.', force = false } = checkPromotion(actor);
    const { rollout } = await this.#inTurn(() => this.#store.read());
    if (rollout === undefined || rollout.phase === 'ended') throw this.#noRollout();
    if (!force && rollout.plan.force === undefined && rollout.phase !== 'keep') await this.#demandGates(rollout.candidate);
    const status = await this.#command({ type: 'promote', by, reason, force }, rollout.id);
    if (status.id !== rollout.id || status.outcome === undefined || status.outcome === 'promoted') return status;
    throw conflictOf(rollout, (await this.#parts.registry.getModel(this.#parts.name)).production);
  }

  /** Where the rollout that goes on stands, or the last one; `undefined` when there was none. */
  async status(): Promise<RolloutStatus | undefined> {
    const { rollout } = await this.#inTurn(async () => {
      const head = await this.#store.read();
      await this.#saveCounts();
      return head;
    });
    if (rollout === undefined) return undefined;
    return statusOf(rollout, isWatched(rollout) ? await this.#verdicts(rollout) : rollout.verdicts, this.#parts.clock.now());
  }

  /** All that happened to rollouts of the model, oldest first. */
  history(): Promise<RolloutEvent[]> {
    return this.#store.history();
  }

  /** The same as a source that is read by a cursor, which pipelines and webhooks go by. */
  events(options: RolloutEventsOptions = {}): RolloutEventSource {
    return rolloutEvents(this.#store, this.#parts.name, options);
  }

  /** Keeps rollouts out while an experiment goes on; throws `ConflictError` while a rollout does. */
  claimExperiment(experiment: string): Promise<void> {
    return this.#inTurn(() => this.#claims.claim(experiment));
  }

  /** Lets rollouts in again, as far as this process is concerned. */
  releaseExperiment(experiment: string): Promise<void> {
    return this.#inTurn(() => this.#claims.release(experiment));
  }

  /** Stores what was counted and leaves deciding to others. What fails of that is told and changes nothing: others take over when the lease has run out. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#loop.stop();
    this.#loop.dismiss();
    await this.#turn;
    for (const last of [() => this.#saveCounts(), () => this.#decider.release(), ...this.#claims.own.map((experiment) => () => this.releaseExperiment(experiment))]) await last().catch(this.#parts.onError);
  }

  /** Does one thing after the other, for all of them change what this process knows. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work).finally(() => this.#follow());
    this.#turn = done.catch(() => undefined);
    return done;
  }

  #lookAround(): Promise<number> {
    return this.#inTurn(async () => {
      await this.#store.read();
      this.#follow();
      await this.#claims.renew();
      const running = this.#running;
      if (running === undefined) return this.#rest();
      await this.#saveCounts();
      await this.#decider.decide();
      return this.#running === undefined ? soonMs : this.#waitMs(this.#running);
    });
  }

  get #running(): RolloutState | undefined {
    const { rollout } = this.#store.head;
    return rollout?.phase === 'ended' ? undefined : rollout;
  }

  /** When no rollout goes on: nobody decides, and what was counted is not needed any more. */
  async #rest(): Promise<number> {
    await this.#decider.release();
    const last = this.#store.head.rollout?.id;
    if (last !== undefined && last !== this.#cleared) {
      await this.#store.clearCounts();
      this.#cleared = last;
    }
    return this.#parts.intervals.idleMs;
  }

  #waitMs(state: RolloutState): number {
    const now = this.#parts.clock.now();
    const left = (holdEndsAt(state, now) ?? Infinity) - now;
    return left > 0 ? Math.max(soonMs, Math.min(state.plan.everyMs, left)) : state.plan.everyMs;
  }

  async #saveCounts(): Promise<void> {
    const taken = this.#counter.take();
    if (taken === undefined) return;
    try {
      await this.#store.saveCounts(taken.rollout, this.#owner, taken.counts);
    } catch (error) {
      taken.failed();
      throw error;
    }
  }

  #follow(): void {
    const { rollout } = this.#store.head;
    this.#counter.follow(rollout);
    const traffic = trafficOf(rollout);
    if (JSON.stringify(traffic) === JSON.stringify(this.#traffic)) return;
    this.#traffic = traffic;
    this.#parts.onTraffic(traffic);
  }

  async #command(input: RolloutInput, only?: string): Promise<RolloutStatus> {
    await this.#inTurn(async () => {
      const events = await this.#store.change((head) => {
        const { rollout } = head;
        if (rollout === undefined || rollout.phase === 'ended' || (only !== undefined && rollout.id !== only)) throw this.#noRollout();
        const now = this.#parts.clock.now();
        const [state] = reduceRollout(rollout, input, now);
        return state === rollout ? undefined : { state: { ...head, rollout: state }, events: [eventOf(rollout, state, input, now)] };
      });
      this.#told(events);
    });
    return this.#after();
  }

  /** Does what follows from a command at once, and says where that led. */
  async #after(): Promise<RolloutStatus> {
    // The command is stored by now: what fails from here on is tried again in the background, and is no failure of it.
    await this.#lookAround().catch(this.#parts.onError);
    this.#loop.wakeNow();
    const rollout = this.#store.head.rollout!;
    return statusOf(rollout, rollout.verdicts, this.#parts.clock.now());
  }

  async #verdicts(state: RolloutState): Promise<RolloutStatus['verdicts']> {
    const { judgeRollout } = await import('./judge-rollout.ts');
    const said = state.verdicts.filter(({ guardrail }) => state.plan.guardrails.some((each) => each.kind === 'check' && each.name === guardrail));
    return judgeRollout(state, await this.#store.counts(state.id), said).verdicts;
  }

  #told(events: readonly RolloutEvent[]): void {
    events.forEach(this.#parts.announce);
  }

  async #demandGates(candidate: number): Promise<void> {
    const { registry, name } = this.#parts;
    const report = await registry.checkGates(`${name}@${candidate}`, 'production');
    if (report.passed) return;
    const failed = report.gates.filter(({ passed }) => !passed).map(({ reason }) => reason);
    throw new GateError(`${name}@${candidate} may not go to production: ${failed.join('; ')}. Mend that, or roll it out by force with a reason.`, { model: name, version: candidate, report });
  }

  #noRollout(): NotFoundError {
    return new NotFoundError(`No rollout of '${this.#parts.name}' goes on; start one.`, { model: this.#parts.name });
  }

  #closedError(): ModelkeepError {
    return new ModelkeepError('closed', `The deployment of '${this.#parts.name}' was closed.`);
  }
}
