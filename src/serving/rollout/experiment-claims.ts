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
      if (head.rollout && head.rollout.phase !== 'ended') throw rolloutRuns(head.rollout, `experiment '${experiment}' cannot choose between its versions`);
    });
    this.#own.add(experiment);
  }

  async release(experiment: string): Promise<void> {
    if (!this.#own.delete(experiment)) return;
    await this.#write([...this.#own]);
  }

  /** Renews what this process claims, once a third of its time has passed. */
  async renew(): Promise<void> {
    const { store, clock, owner, ttlMs } = this.#parts;
    const oldest = clock.now() + (2 / 3) * ttlMs;
    const isFresh = (name: string): boolean => store.head.claims.some((claim) => claim.owner === owner && claim.experiment === name && claim.expiresAt >= oldest);
    if (![...this.#own].every(isFresh)) await this.#write([...this.#own]);
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

/** That something cannot be while a rollout goes on. */
export function rolloutRuns({ id, model, candidate, stable }: RolloutState, what: string): ConflictError {
  return new ConflictError(`'${model}' is being rolled out from version ${stable} to ${candidate}, so that ${what}. Wait for its end, or abort it.`, { model, rollout: id, candidate });
}
