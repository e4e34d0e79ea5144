import { untilAborted } from '../core/abort.ts';
import type { Clock } from '../core/clock.ts';
import { ModelkeepError } from '../core/errors.ts';
import { untilDeadline } from './inference/inference.ts';

/** What can be said of the version in use: it is ready, it cannot be for a reason, or it is on its way. */
export type Readiness = 'ready' | 'coming' | ModelkeepError;

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Where those wait who come before the first version is ready; so many, and no more. */
export class ReadyGate {
  readonly #readiness: () => Readiness;
  readonly #most: number;
  readonly #clock: Clock;
  readonly #waiters = new Set<Waiter>();

  constructor(readiness: () => Readiness, most: number, clock: Clock) {
    this.#readiness = readiness;
    this.#most = most;
    this.#clock = clock;
  }

  /** Resolves when the version in use is ready; rejects when it cannot be. */
  async pass(signal: AbortSignal | undefined, deadline: number | undefined): Promise<void> {
    const readiness = this.#readiness();
    if (readiness === 'ready') return;
    if (readiness !== 'coming') throw readiness;
    if (this.#waiters.size >= this.#most) throw new ModelkeepError('overloaded', `${this.#most} requests wait for the first version to be ready; try again when it is.`, { retryAfterMs: 1_000 });
    let waiter: Waiter | undefined;
    const passed = new Promise<void>((resolve, reject) => this.#waiters.add((waiter = { resolve, reject })));
    const inTime = deadline === undefined ? passed : untilDeadline(passed, deadline, this.#clock, 'The version in use was');
    await untilAborted(inTime, signal, 'The wait for the version in use').finally(() => this.#waiters.delete(waiter!));
  }

  /** Looks again, for those who wait. */
  changed(): void {
    if (this.#waiters.size === 0) return;
    const readiness = this.#readiness();
    if (readiness === 'coming') return;
    for (const waiter of this.#waiters) {
      this.#waiters.delete(waiter);
      if (readiness === 'ready') waiter.resolve();
      else waiter.reject(readiness);
    }
  }
}
