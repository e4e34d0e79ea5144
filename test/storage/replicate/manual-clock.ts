import type { Clock } from 'modelkeep';

/** A clock that moves when a test moves it. */
export class ManualClock implements Clock {
  #time = 1_700_000_000_000;
  readonly #timers = new Set<{ readonly at: number; readonly callback: () => void }>();

  now(): number {
    return this.#time;
  }

  monotonic(): number {
    return this.#time;
  }

  /** How many timers run. */
  get timers(): number {
    return this.#timers.size;
  }

  setTimer(callback: () => void, ms: number): () => void {
    const timer = { at: this.#time + ms, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Moves on to where the next timer fires, and gives after how many milliseconds that was. */
  next(): number {
    const first = [...this.#timers].sort((a, b) => a.at - b.at)[0];
    if (first === undefined) throw new Error('No timer runs.');
    this.#timers.delete(first);
    const waited = first.at - this.#time;
    this.#time = first.at;
    first.callback();
    return waited;
  }
}
