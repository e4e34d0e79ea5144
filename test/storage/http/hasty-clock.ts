import type { Clock } from 'modelkeep';

/** A clock whose waits are over at once, or after `waitMs`, though its time goes on as if they had lasted. What only bounds the time of something else fires when a test says so, however slow the machine. */
export class HastyClock implements Clock {
  readonly #waitMs: number;
  #skipped = 0;
  #latest = (): void => undefined;

  constructor(waitMs = 0) {
    this.#waitMs = waitMs;
  }

  /** Lets the time be up that the latest bound gave. */
  latestBound(): () => void {
    return this.#latest;
  }

  now(): number {
    return Date.now() + this.#skipped;
  }

  monotonic(): number {
    return performance.now() + this.#skipped;
  }

  setTimer(callback: () => void, ms: number, options?: { keepAlive?: boolean }): () => void {
    let undone = false;
    const undo = (): void => void (undone = true);
    const fire = (): void => (undone ? undefined : callback());
    // A wait that keeps the process alive is one that is waited for.
    if (!options?.keepAlive) {
      this.#latest = fire;
      return undo;
    }
    const wait = (): void => {
      this.#skipped += Math.max(0, ms - this.#waitMs);
      fire();
    };
    if (this.#waitMs === 0) setImmediate(wait);
    else setTimeout(wait, this.#waitMs);
    return undo;
  }
}
