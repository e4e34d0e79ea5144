import type { Clock } from '../../core/clock.ts';
import { ConflictError } from '../../core/errors.ts';
import type { ExperimentClaim, RolloutStore, ServingHead } from './rollout-store.ts';
import type { RolloutState } from './rollout-state.ts';

/** What claims are made with. */
export interface ExperimentClaimsParts {
  readonly store: RolloutStore;
  readonly model: string;
  /** Names this process. */
  readonly owner: string;
  readonly clock: Clock;
  /** How long a claim stands that is not renewed. */
  readonly ttlMs: number;
  /** Is told that a rollout began while this process did not renew its claims: they are over. */
  readonly onLost: (error: ConflictError) => void;
}

/** That experiments choose between the versions of a model, which keeps rollouts out; as far as this process runs them. A claim that its process does not renew runs out, so that one that died keeps nobody out for long. */
export class ExperimentClaims {
  readonly #parts: ExperimentClaimsParts;
  readonly #own = new Set<string>();

  constructor(parts: ExperimentClaimsParts) {
    this.#parts = parts;
  }

  /** The experiments that this process claims for. */
  get own(): readonly string[] {
    return [...this.#own];
  }

  /** Throws `ConflictError` while a rollout goes on. */
  async claim(experiment: string): Promise<void> {
    await this.#write([...this.#own, experiment], (head) => {
      const conflict = conflictOf(head, experiment);
      if (conflict) throw conflict;
    });
    this.#own.add(experiment);
  }

  async release(experiment: string): Promise<void> {
    if (!this.#own.delete(experiment)) return;
    await this.#write([...this.#own]);
  }

  /** Renews what this process claims, once a third of its time has passed. A process that slept for so long that a rollout could begin claims nothing any more. */
  async renew(): Promise<void> {
    const { store, clock, owner, ttlMs } = this.#parts;
    if (this.#own.size === 0 || this.#isLost(store.head)) return;
    const oldest = clock.now() + (2 / 3) * ttlMs;
    const isFresh = (name: string): boolean => store.head.claims.some((claim) => claim.owner === owner && claim.experiment === name && claim.expiresAt >= oldest);
    if ([...this.#own].every(isFresh)) return;
    await this.#write([...this.#own], (head) => {
      const conflict = conflictOf(head, this.own[0]!);
      // One that began just now is seen by the next look.
      if (conflict) throw conflict;
    });
  }

  /** Gives up what this process claims when a rollout goes on. */
  #isLost(head: ServingHead): boolean {
    const conflict = conflictOf(head, this.own[0]!);
    if (conflict === undefined) return false;
    this.#own.clear();
    this.#parts.onLost(conflict);
    return true;
  }

  /** Throws `ConflictError` while an experiment chooses between versions, in whatever process. */
  demandNone({ claims }: ServingHead): void {
    const { clock, model } = this.#parts;
    const claim = claims.find(({ expiresAt }) => expiresAt > clock.now());
    if (claim) throw new ConflictError(`Experiment '${claim.experiment}' chooses between versions of '${model}'; a rollout would change them under it. End it first.`, { model, experiment: claim.experiment });
  }

  async #write(own: readonly string[], demand: (head: ServingHead) => void = () => undefined): Promise<void> {
    const { store, clock, owner, ttlMs } = this.#parts;
    await store.change((head) => {
      demand(head);
      const now = clock.now();
      const others = head.claims.filter((claim) => claim.owner !== owner && claim.expiresAt > now);
      const claims: readonly ExperimentClaim[] = [...others, ...[...new Set(own)].map((experiment) => ({ experiment, owner, expiresAt: now + ttlMs }))];
      return { state: { ...head, claims }, events: [] };
    });
  }
}

/** Why an experiment cannot choose between versions; `undefined` when no rollout goes on. */
function conflictOf({ rollout }: ServingHead, experiment: string): ConflictError | undefined {
  return rollout && rollout.phase !== 'ended' ? rolloutRuns(rollout, `experiment '${experiment}' cannot choose between its versions`) : undefined;
}

/** That something cannot be while a rollout goes on. */
export function rolloutRuns({ id, model, candidate, stable }: RolloutState, what: string): ConflictError {
  return new ConflictError(`'${model}' is being rolled out from version ${stable} to ${candidate}, so that ${what}. Wait for its end, or abort it.`, { model, rollout: id, candidate });
}
