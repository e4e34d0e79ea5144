import { backoffMs, type BackoffOptions } from './backoff.ts';
import type { Clock, Undo } from './clock.ts';
import type { ModelkeepError } from './errors.ts';
import type { Random } from './random.ts';

// However many wakes come, nothing is looked at more often.
const shortestPauseMs = 50;
const neverMs = 2_147_483_647;

/** What a look found. */
export interface Look {
  /** When to look again unless woken, in milliseconds; 0 when there may be more to do at once, and else never under 50. */
  readonly waitMs: number;
  /** Whether all that there was to do is done. */
  readonly settled: boolean;
}

/** What a loop works with. */
export interface LookLoopParts {
  readonly clock: Clock;
  readonly random: Random;
  /** Looks and does what there is to do; rejects when that failed. Nothing that it finds once `signal` has fired is acted on. */
  readonly look: (signal: AbortSignal) => Promise<Look>;
  readonly onError: (error: unknown) => void;
  /** The waits after failures. */
  readonly backoff: BackoffOptions;
  /** Whether the process is to live on for the next look. */
  readonly keepAlive: boolean;
  /** What whoever waits for the loop is told when it has ended. */
  readonly closed: () => ModelkeepError;
}

interface Waiter {
  /** The first look that tells it something. */
  readonly from: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Looks again and again: after a wait that each look decides, earlier when woken, later after failures, and never twice at once. */
export class LookLoop {
  readonly #parts: LookLoopParts;
  readonly #stop = new AbortController();
  readonly #waiters = new Set<Waiter>();
  #looks = 0;
  #woken: 'no' | 'soon' | 'now' = 'no';
  #rouse: () => void = () => undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(parts: LookLoopParts) {
    this.#parts = parts;
  }

  /** Fires when the loop is to end. */
  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  /** Begins. Never throws. */
  start(): void {
    this.#running = this.#run();
  }

  /** Looks again soon: for hints, of which there may be any number. */
  wake(): void {
    if (this.#woken === 'no') this.#woken = 'soon';
    this.#rouse();
  }

  /** Looks again at once, unless the last look failed. */
  wakeNow(): void {
    this.#woken = 'now';
    this.#rouse();
  }

  /** Resolves when a look that begins from now on finds nothing to do; rejects when the loop ends first. It keeps the process alive. */
  async idle(): Promise<void> {
    if (this.#stop.signal.aborted) throw this.#parts.closed();
    const release = this.#parts.clock.setTimer(() => undefined, neverMs, { keepAlive: true });
    const settled = new Promise<void>((resolve, reject) => this.#waiters.add({ from: this.#looks + 1, resolve, reject }));
    this.wakeNow();
    await settled.finally(release);
  }

  /** Begins no further look, and resolves when none is under way. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  /** Tells those that still wait that the loop has ended. */
  dismiss(): void {
    for (const { reject } of this.#waiters) reject(this.#parts.closed());
    this.#waiters.clear();
  }

  async #run(): Promise<void> {
    const { look, onError, backoff, random } = this.#parts;
    const { signal } = this.#stop;
    for (let failures = 0; !signal.aborted; ) {
      this.#woken = 'no';
      const number = ++this.#looks;
      let waitMs: number;
      try {
        const found = await look(signal);
        failures = 0;
        if (found.settled) this.#settle(number);
        ({ waitMs } = found);
      } catch (error) {
        if (signal.aborted) return;
        onError(error);
        waitMs = backoffMs(++failures, backoff, random);
      }
      await this.#rest(waitMs, failures === 0);
    }
  }

  #settle(look: number): void {
    for (const waiter of this.#waiters) {
      if (waiter.from > look) continue;
      this.#waiters.delete(waiter);
      waiter.resolve();
    }
  }

  /** Waits before the next look: after a failure for its time, else until it is woken, though not for a moment only. */
  async #rest(ms: number, rousable: boolean): Promise<void> {
    if (ms === 0) return;
    if (!rousable) return this.#pause(ms, () => false);
    await this.#pause(shortestPauseMs, () => this.#woken === 'now');
    await this.#pause(ms - shortestPauseMs, () => this.#woken !== 'no');
  }

  #pause(ms: number, isOver: () => boolean): Promise<void> {
    const { clock, keepAlive } = this.#parts;
    const { signal } = this.#stop;
    return new Promise((resolve) => {
      if (ms <= 0 || isOver()) return resolve();
      let undo: Undo = () => undefined;
      const end = (): void => {
        undo();
        signal.removeEventListener('abort', end);
        this.#rouse = () => undefined;
        resolve();
      };
      undo = clock.setTimer(end, ms, { keepAlive });
      this.#rouse = () => isOver() && end();
      if (signal.aborted) end();
      else signal.addEventListener('abort', end, { once: true });
    });
  }
}
