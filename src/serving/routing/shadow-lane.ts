import type { Turn } from '../../core/turn.ts';

/** How copies of requests are given to a candidate. */
export interface ShadowOptions {
  /** The most copies that are in the candidate at once. @default 4 */
  readonly inFlight?: number | undefined;
  /** The most copies that wait; further ones are dropped and counted. @default 64 */
  readonly queue?: number | undefined;
}

/** Where copies of requests go: beside the requests, one after the other, so many and no more. Who puts one there waits for nothing, and hears of nothing that becomes of it. */
export class ShadowLane {
  readonly #most: number;
  readonly #room: number;
  readonly #turn: Turn;
  readonly #waiting: (() => Promise<void>)[] = [];
  #running = 0;
  #due = false;
  #closed = false;
  /** Copies that were dropped for want of room. */
  dropped = 0;

  constructor({ inFlight = 4, queue = 64 }: ShadowOptions, turn: Turn) {
    this.#most = inFlight;
    this.#room = queue;
    this.#turn = turn;
  }

  /** Takes a copy that never rejects, which is made when there is room. */
  offer(make: () => () => Promise<void>): void {
    if (this.#closed || this.#waiting.length >= this.#room) {
      this.dropped++;
      return;
    }
    this.#waiting.push(make());
    this.#arm();
  }

  /** Takes no more, and drops those that wait. */
  close(): void {
    this.#closed = true;
    this.dropped += this.#waiting.splice(0).length;
  }

  /** Begins in a later turn, when the request itself has been answered and others had theirs. */
  #arm(): void {
    if (this.#due || this.#running >= this.#most) return;
    this.#due = true;
    this.#turn(() => {
      this.#due = false;
      const copy = this.#running < this.#most ? this.#waiting.shift() : undefined;
      if (copy === undefined) return;
      this.#running++;
      void copy().finally(() => {
        this.#running--;
        if (this.#waiting.length > 0) this.#arm();
      });
      if (this.#waiting.length > 0) this.#arm();
    });
  }
}
