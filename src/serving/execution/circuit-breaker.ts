import type { BreakerSettings } from './execution-options.ts';

/** Where a breaker stands: `closed` lets all through, `open` none, `half-open` one at a time, until one is answered. */
export type BreakerState = 'closed' | 'open' | 'half-open';

/** Leave for one request, which is to be given back with what became of it. */
export interface Leave {
  /** The spell of the breaker in which it was given; what happens to it later tells nothing of the next. */
  readonly spell: number;
  readonly probe: boolean;
}

/** Says whether requests are let through to a model, by what became of those before them. Times are milliseconds of a clock that never goes back. */
export class CircuitBreaker {
  readonly #settings: BreakerSettings;
  readonly #onOpen: () => void;
  readonly #failures: boolean[] = [];
  #next = 0;
  #failed = 0;
  #spell = 0;
  #openUntil: number | undefined;
  #probing = false;
  #leave: Leave = { spell: 0, probe: false };

  /** @param onOpen - Is told when it opens, after it has. */
  constructor(settings: BreakerSettings, onOpen: () => void) {
    this.#settings = settings;
    this.#onOpen = onOpen;
  }

  /** Where it stands at `now`. */
  state(now: number): BreakerState {
    if (this.#openUntil === undefined) return 'closed';
    return now >= this.#openUntil ? 'half-open' : 'open';
  }

  /** Leave for a request; `undefined` when it is to be refused. */
  admit(now: number): Leave | undefined {
    if (this.#openUntil === undefined) return this.#leave;
    if (now < this.#openUntil || this.#probing) return undefined;
    this.#probing = true;
    return { spell: this.#spell, probe: true };
  }

  /** Milliseconds until it may let a request through again; 0 when that hangs on a probe. */
  retryAfterMs(now: number): number {
    return Math.max(0, (this.#openUntil ?? now) - now);
  }

  /** Takes what became of a request: whether the model failed at it, or `undefined` when that cannot be said of the model. */
  settle({ spell, probe }: Leave, failed: boolean | undefined, now: number): void {
    if (spell !== this.#spell) return;
    if (probe) this.#settleProbe(failed, now);
    else if (failed !== undefined) this.#count(failed, now);
  }

  #settleProbe(failed: boolean | undefined, now: number): void {
    this.#probing = false;
    if (failed === undefined) return;
    if (failed) return this.#open(now);
    this.#openUntil = undefined;
    this.#begin();
  }

  #count(failed: boolean, now: number): void {
    const { window, minRequests, failureRate } = this.#settings;
    if (this.#failures[this.#next] === true) this.#failed--;
    this.#failures[this.#next] = failed;
    this.#next = (this.#next + 1) % window;
    if (!failed) return;
    this.#failed++;
    const seen = this.#failures.length;
    if (seen >= minRequests && this.#failed >= failureRate * seen) this.#open(now);
  }

  #open(now: number): void {
    this.#openUntil = now + this.#settings.openForMs;
    this.#begin();
    this.#onOpen();
  }

  #begin(): void {
    this.#leave = { spell: ++this.#spell, probe: false };
    this.#probing = false;
    this.#failures.length = 0;
    this.#next = 0;
    this.#failed = 0;
  }
}
