import type { Clock, Undo } from '../../core/clock.ts';
import { ModelkeepError } from '../../core/errors.ts';
import { LookLoop } from '../../core/look-loop.ts';
import type { ErrorListener } from '../../core/logger.ts';
import type { Random } from '../../core/random.ts';
import type { StorageAdapter } from '../../storage/contract.ts';
import type { DeployedRegistry } from '../deployment-options.ts';

const longestLookMs = 1_000;
const backoff = { initialMs: 1_000, maxMs: 30_000 } as const;

/** What following a model takes. */
export interface FollowerParts {
  readonly model: string;
  readonly registry: Pick<DeployedRegistry, 'getModel'>;
  readonly storage: Pick<StorageAdapter, 'onChange'>;
  readonly intervalMs: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly onError: ErrorListener;
  /** Is called after each look. */
  readonly looked: () => void;
}

type Standing = Awaited<ReturnType<DeployedRegistry['getModel']>>;

/** Knows where the versions of a model stand in the registry, by looking at an interval and when the storage hints at a change. What it saw last holds while the registry cannot be reached. */
export class VersionFollower {
  readonly #parts: FollowerParts;
  readonly #loop: LookLoop;
  #unhook: Undo = () => undefined;
  #standing: Standing | undefined;
  #failure: { readonly error: unknown } | undefined;

  constructor(parts: FollowerParts) {
    const { clock, random, onError, model } = parts;
    this.#parts = parts;
    this.#loop = new LookLoop({
      clock,
      random,
      look: async (signal) => {
        await this.#look(signal);
        return { waitMs: parts.intervalMs, settled: true };
      },
      onError,
      backoff,
      keepAlive: false,
      closed: () => new ModelkeepError('closed', `The deployment of '${model}' is closed.`),
    });
  }

  /** Begins to look. */
  start(): void {
    this.#loop.start();
    this.#unhook = this.#parts.storage.onChange?.(() => this.#loop.wake()) ?? this.#unhook;
  }

  /** Resolves when it has looked after this call. */
  refresh(): Promise<void> {
    return this.#loop.idle();
  }

  /** Looks once, now, beside the loop; resolves when it has, when that failed, or when it takes too long. */
  async lookOnce(): Promise<void> {
    const stop = new AbortController();
    let undo: Undo = () => undefined;
    const late = new Promise<void>((resolve) => (undo = this.#parts.clock.setTimer(resolve, longestLookMs)));
    await Promise.race([this.#look(stop.signal).catch(this.#parts.onError), late]);
    undo();
    stop.abort();
  }

  /** The version that a stage or an alias names; absent while there is none, or nothing has been seen yet. */
  versionOf(name: string): number | undefined {
    if (this.#standing === undefined) return undefined;
    const { production, staging, latest, aliases } = this.#standing;
    if (name === 'production') return production;
    if (name === 'staging') return staging;
    if (name === 'latest') return latest === 0 ? undefined : latest;
    return Object.hasOwn(aliases, name) ? aliases[name] : undefined;
  }

  /** Whether it has seen where the versions stand, or why it has not; absent before the first look has ended. */
  get outcome(): 'seen' | { readonly error: unknown } | undefined {
    if (this.#standing) return 'seen';
    return this.#failure;
  }

  /** Looks no more; resolves when no look is under way. */
  async close(): Promise<void> {
    this.#unhook();
    await this.#loop.stop();
    this.#loop.dismiss();
  }

  async #look(signal: AbortSignal): Promise<void> {
    const { registry, model, looked } = this.#parts;
    try {
      const standing = await registry.getModel(model, { signal });
      if (signal.aborted) return;
      this.#standing = standing;
      this.#failure = undefined;
    } catch (error) {
      this.#failure = { error };
      throw error;
    } finally {
      if (!signal.aborted) looked();
    }
  }
}
