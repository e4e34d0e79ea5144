import type { Clock, Undo } from 'modelkeep';

/** A clock that stands still until it is told to advance; its timers fire in order while it does. */
export class ManualClock implements Clock {
  #now: number;
  readonly #timers = new Set<{ at: number; callback: () => void; keepAlive: boolean }>();

  constructor(now = Date.UTC(2026, 0, 1)) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#now;
  }

  setTimer(callback: () => void, ms: number, options: { keepAlive?: boolean } = {}): Undo {
    const timer = { at: this.#now + ms, callback, keepAlive: options.keepAlive ?? false };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Milliseconds until each timer that keeps a process alive, soonest first. */
  get keptAlive(): number[] {
    return [...this.#timers].filter(({ keepAlive }) => keepAlive).map(({ at }) => at - this.#now).sort((a, b) => a - b);
  }

  /** Number of timers that wait. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Lets time pass, and everything that hangs on it happen. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (;;) {
      await settled();
      const next = [...this.#timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.callback();
    }
    this.#now = end;
    await settled();
  }

  /** Moves the wall clock without firing anything, as a clock that was set or a host that slept. */
  jump(ms: number): void {
    this.#now += ms;
  }
}

/** Resolves when all promise work that needs no timer and no I/O is done. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
}
