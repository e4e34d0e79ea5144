import type { Clock } from '../core/clock.ts';

/** A power of two, so that adding it to today's milliseconds is exact. */
const step = 1 / 1024;

/** Moments of ingestion, each later than the one before: batches that come in one millisecond, or while the clock is set back, keep their order. */
export class IngestTimes {
  readonly #clock: Clock;
  #last = -Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Epoch milliseconds, in steps of 1/1024. */
  next(): number {
    this.#last = Math.max(Math.floor(this.#clock.now()), this.#last + step);
    return this.#last;
  }
}
