import type { Clock } from '../../core/clock.ts';
import { ConflictError, isModelkeepError } from '../../core/errors.ts';
import type { ErrorListener } from '../../core/logger.ts';
import { Lease } from '../../storage/lease.ts';
import type { StorageAdapter } from '../../storage/contract.ts';
import type { PlannedCheck, RolloutCheck } from './guardrail.ts';
import { eventOf, type RolloutEvent } from './rollout-event.ts';
import { reduceRollout } from './rollout-reducer.ts';
import type { RolloutRegistry } from './rollout-registry.ts';
import type { RolloutInput, RolloutState } from './rollout-state.ts';
import type { RolloutStore } from './rollout-store.ts';
import { runChecks } from './run-checks.ts';

/** What a decider works with. */
export interface RolloutDeciderParts {
  readonly storage: StorageAdapter;
  readonly store: RolloutStore;
  readonly model: string;
  readonly registry: RolloutRegistry;
  readonly checks: ReadonlyMap<string, RolloutCheck>;
  readonly clock: Clock;
  readonly onError: ErrorListener;
  /** Names this process among those that could decide. */
  readonly owner: string;
  readonly leaseMs: number;
  readonly announce: (events: readonly RolloutEvent[]) => void;
}

// More changes than a rollout has stages come from one look only when others change it at the same time.
const mostSteps = 16;

/** Decides about the rollout of a model while it holds the lease on that: one process at a time does. What was decided is fenced by the head record, so that a process that lost the lease unawares changes nothing. */
export class RolloutDecider {
  readonly #parts: RolloutDeciderParts;
  #lease: Lease | undefined;

  constructor(parts: RolloutDeciderParts) {
    this.#parts = parts;
  }

  /** Does all that is due now; nothing when another process is the one to do it. */
  async decide(): Promise<void> {
    const { store } = this.#parts;
    if (!(await this.#holds())) return;
    for (let step = 0; step < mostSteps; step++) {
      const state = store.head.rollout;
      if (state === undefined || state.phase === 'ended') break;
      const input = await this.#nextInput(state);
      if (input === undefined || !(await this.#apply(state, input))) break;
      const { rollout } = store.head;
      // A stage is looked at once at a time: verdicts that are counted are those of different moments.
      if (input.type === 'look' && rollout?.phase === state.phase && rollout.stage === state.stage) break;
    }
  }

  /** Leaves deciding to others. */
  async release(): Promise<void> {
    const lease = this.#lease;
    this.#lease = undefined;
    await lease?.release();
  }

  async #holds(): Promise<boolean> {
    const { storage, store, model, owner, leaseMs: ttlMs, clock, onError } = this.#parts;
    try {
      if (this.#lease === undefined) {
        const terms = { storage, key: store.leaseKey, subject: `The rollout of '${model}'`, advice: { held: 'It decides; what is counted here reaches it.', lost: 'That decides from now on; what is counted here reaches it.' }, owner, ttlMs, clock, onError };
        const lease = await Lease.take(terms, store.head.fence, () => false);
        lease.startHeartbeat(() => this.#forget(lease));
        this.#lease = lease;
      }
      await this.#lease.ensure();
      return true;
    } catch (error) {
      if (!isModelkeepError(error, 'conflict')) throw error;
      this.#lease = undefined;
      return false;
    }
  }

  #forget(lease: Lease): void {
    if (this.#lease === lease) this.#lease = undefined;
  }

  /** Stores what an input comes to, unless something else happened to the rollout meanwhile. Whether it changed anything. */
  async #apply(seen: RolloutState, input: RolloutInput): Promise<boolean> {
    const { store, clock, announce } = this.#parts;
    const fence = this.#lease?.fence;
    const events = await store.change((head) => {
      const { rollout } = head;
      if (fence === undefined || head.fence > fence || rollout === undefined) return undefined;
      if (rollout.id !== seen.id || rollout.phase !== seen.phase || rollout.stage !== seen.stage) return undefined;
      const now = clock.now();
      const [state] = reduceRollout(rollout, input, now);
      return state === rollout ? undefined : { state: { ...head, fence, rollout: state }, events: [eventOf(rollout, state, input, now)] };
    });
    announce(events);
    return events.length > 0;
  }

  /** What happens to a rollout next: what the registry has become of it, what was done there, or what the guardrails say. */
  async #nextInput(state: RolloutState): Promise<RolloutInput | undefined> {
    const production = await this.#production();
    const { phase, stable, candidate } = state;
    if (phase === 'promoting') return this.#promote(state, production);
    if (phase === 'restoring') return this.#restore(state, production);
    if (production === (phase === 'keep' ? candidate : stable)) return this.#look(state);
    return phase !== 'keep' && production === candidate ? { type: 'promoted' } : this.#superseded(state, production);
  }

  async #promote(state: RolloutState, production: number | undefined): Promise<RolloutInput | undefined> {
    const { registry, model } = this.#parts;
    const { candidate, stable, promotion, plan, by } = state;
    if (production === candidate) return { type: 'promoted' };
    if (production !== stable) return this.#superseded(state, production);
    // Somebody is to look at why it was refused first.
    if (state.paused) return undefined;
    const reason = promotion?.reason ?? plan.force?.reason ?? `All stages of rollout ${state.id} held up.`;
    try {
      await registry.promote(`${model}@${candidate}`, 'production', { by: promotion?.by ?? by ?? 'rollout', reason, force: promotion?.force || plan.force !== undefined, from: stable });
      return { type: 'promoted' };
    } catch (error) {
      if (!isModelkeepError(error, 'gate', 'conflict', 'not-found')) throw error;
      // Another version may have come in between, which is then not overwritten: what was decided by hand stands.
      const now = await this.#production();
      return now === stable ? { type: 'refused', reason: `The registry did not promote it: ${error.message}` } : this.#promote(state, now);
    }
  }

  async #restore({ candidate, stable, ending, ...state }: RolloutState, production: number | undefined): Promise<RolloutInput> {
    const { registry, model, onError } = this.#parts;
    if (production === stable) return { type: 'restored' };
    if (production !== candidate) return this.#superseded({ candidate, stable, ending, ...state }, production);
    try {
      await registry.rollback(model, { by: ending?.by ?? state.by ?? 'rollout', reason: ending?.reason ?? state.why, from: candidate, to: stable });
      return { type: 'restored' };
    } catch (error) {
      if (!isModelkeepError(error, 'not-found', 'conflict', 'integrity')) throw error;
      // Another version may have come in between; the next round sees that.
      const now = await this.#production();
      if (now !== candidate) return this.#restore({ candidate, stable, ending, ...state }, now);
      // To try again for ever would leave a model without the version that requests go to, and keep further rollouts out.
      onError(error);
      return { type: 'stranded', reason: `The registry cannot go back to version ${stable}, so that version ${candidate} stays in production: ${error.message}` };
    }
  }

  /** The version in production; none when the model was deleted. */
  async #production(): Promise<number | undefined> {
    try {
      return (await this.#parts.registry.getModel(this.#parts.model)).production;
    } catch (error) {
      if (isModelkeepError(error, 'not-found')) return undefined;
      throw error;
    }
  }

  #superseded(state: RolloutState, production: number | undefined): RolloutInput {
    this.#parts.onError(conflictOf(state, production));
    return { type: 'superseded', production };
  }

  async #look(state: RolloutState): Promise<RolloutInput> {
    const { store, checks, model, clock } = this.#parts;
    const planned = state.plan.guardrails.filter((guardrail): guardrail is PlannedCheck => guardrail.kind === 'check');
    const context = { model, candidate: state.candidate, stable: state.stable, since: state.stageAt };
    const [{ judgeRollout }, counts, checked] = await Promise.all([import('./judge-rollout.ts'), store.counts(state.id), runChecks(planned, checks, context, clock)]);
    return judgeRollout(state, counts, checked);
  }
}

/** That somebody else changed what is in production while a rollout went on. */
export function conflictOf({ model, candidate, stable }: RolloutState, production: number | undefined): ConflictError {
  const there = production === undefined ? 'no version is' : `version ${production} is`;
  return new ConflictError(`The rollout of '${model}' from version ${stable} to ${candidate} was ended: ${there} in production, which it did not bring there. Start another one from what is there now.`, { model, candidate, stable, production });
}
