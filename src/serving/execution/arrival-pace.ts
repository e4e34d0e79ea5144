// Of each new gap, the share that the mean takes in: it remembers some ten requests.
const weight = 0.1;

/** At what pace requests come: the mean gap between them, of late. */
export class ArrivalPace {
  #last: number | undefined;
  #gap: number | undefined;

  /** When the last one came; at the beginning, never. */
  get last(): number {
    return this.#last ?? -Infinity;
  }

  /** Milliseconds between two of them; without end while fewer than two have come. */
  get gapMs(): number {
    return this.#gap ?? Infinity;
  }

  add(now: number): void {
    if (this.#last !== undefined) {
      const gap = now - this.#last;
      this.#gap = this.#gap === undefined ? gap : this.#gap + weight * (gap - this.#gap);
    }
    this.#last = now;
  }
}
