import type { Clock } from 'modelkeep';
import { systemClock } from '../../../src/core/clock.ts';

/** A clock whose waits are over at once, or after `waitMs`, though its time goes on as if they had lasted; what only bounds the time of something else is left as it is. */
export class HastyClock implements Clock {
  readonly #waitMs: number;
  #skipped = 0;

  constructor(waitMs = 0) {
    this.#waitMs = waitMs;
  }

  now(): number {
    return Date.now() + this.#skipped;
  }

  monotonic(): number {
    return performance.now() + this.#skipped;
  }

  setTimer(callback: () => void, ms: number, options?: { keepAlive?: boolean }): () => void {
    // A wait that keeps the process alive is one that is waited for.
    if (!options?.keepAlive) return systemClock.setTimer(callback, ms);
    return systemClock.setTimer(() => {
      this.#skipped += Math.max(0, ms - this.#waitMs);
      callback();
    }, this.#waitMs, options);
  }
}
