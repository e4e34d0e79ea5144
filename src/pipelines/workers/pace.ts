import type { Random } from '../../core/random.ts';

const shortestMs = 50;
const growth = 1.5;

/** How long to wait between looks for what others do: short after something has happened, then longer and longer. A little of it is left to chance, so that many who look do not do so together. */
export class Pace {
  readonly #longestMs: number;
  readonly #random: Random;
  #waitMs = shortestMs;

  constructor(longestMs: number, random: Random) {
    this.#longestMs = longestMs;
    this.#random = random;
  }

  /** Something has happened, and more may. */
  quicken(): void {
    this.#waitMs = Math.min(shortestMs, this.#longestMs);
  }

  /** The wait before the next look. */
  next(): number {
    const waitMs = this.#waitMs;
    this.#waitMs = Math.min(this.#longestMs, waitMs * growth);
    return waitMs * (0.75 + 0.25 * this.#random());
  }
}
