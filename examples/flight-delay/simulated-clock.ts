/** The clock of a story that takes place in 2001. */
export class SimulatedClock {
  #now: number;

  constructor(now: number) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#now;
  }

  /** Nothing in this story waits by this clock; it would never ring. */
  setTimer(): () => void {
    return () => undefined;
  }

  /** Goes on to a later moment. */
  moveTo(time: number): void {
    this.#now = time;
  }
}
