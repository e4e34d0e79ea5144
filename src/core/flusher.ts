import { backoffMs } from './backoff.ts';
import type { Clock, Undo } from './clock.ts';
import { AbortedError } from './errors.ts';
import { systemRandom, type Random } from './random.ts';

/** What a flusher works with. */
export interface FlusherOptions {
  /** Writes all there is; what could not be written must still be there at the next call. */
  readonly write: () => Promise<void>;
  /** Whether there is anything to write. */
  readonly pending: () => boolean;
  readonly clock: Clock;
  /** At most so long after a request, in milliseconds, is written in the background. */
  readonly intervalMs: number;
  /** Is told when a write failed that nobody waits for; it will be tried again. */
  readonly onFailure: (error: unknown) => void;
  readonly random?: Random;
}

/** Writes in the background, soon and one at a time, and again after a failure; and at once when someone waits for it. */
export class Flusher {
  readonly #options: FlusherOptions;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;
  #undoTimer: Undo | undefined;
  #urgent = false;
  #failures = 0;

  constructor(options: FlusherOptions) {
    this.#options = options;
  }

  /** Asks for a write within the interval, or as soon as the event loop gets to it. */
  request(soon = false): void {
    if (this.#undoTimer !== undefined && (!soon || this.#urgent)) return;
    if (this.#failures > 0 && this.#undoTimer !== undefined) return;
    this.#arm(soon ? 0 : this.#options.intervalMs, soon);
  }

  /** Writes all that there is now; rejects when it cannot, and then tries again in the background. An abort ends the waiting, not the writing. */
  flush(signal?: AbortSignal): Promise<void> {
    this.#next ??= this.#afterRunning();
    return untilAborted(this.#next, signal, this.#options.onFailure);
  }

  /** Stops the background writes. */
  stop(): void {
    this.#undoTimer?.();
    this.#undoTimer = undefined;
  }

  #arm(ms: number, urgent: boolean): void {
    this.stop();
    this.#urgent = urgent;
    this.#undoTimer = this.#options.clock.setTimer(() => {
      this.#undoTimer = undefined;
      if (this.#options.pending()) this.flush().catch(this.#options.onFailure);
    }, ms);
  }

  async #afterRunning(): Promise<void> {
    await this.#running?.catch(() => undefined);
    this.#next = undefined;
    this.#running = this.#writeOnce();
    await this.#running;
  }

  async #writeOnce(): Promise<void> {
    this.stop();
    try {
      await this.#options.write();
      this.#failures = 0;
      if (this.#options.pending()) this.request();
    } catch (error) {
      this.#failures++;
      const { random = systemRandom, intervalMs } = this.#options;
      this.#arm(backoffMs(this.#failures, { initialMs: Math.max(intervalMs, 100) }, random), false);
      throw error;
    } finally {
      this.#running = undefined;
    }
  }
}

/** What a piece of work comes to, unless the signal fires first; the work goes on then, and `onFailure` is told when it fails. */
async function untilAborted<T>(work: Promise<T>, signal: AbortSignal | undefined, onFailure: (error: unknown) => void): Promise<T> {
  if (signal === undefined) return work;
  let stop: Undo = () => undefined;
  const aborted = new Promise<never>((_, reject) => {
    const fire = (): void => {
      reject(new AbortedError('The wait for a flush was aborted by its caller; what was logged is still being written.', { cause: signal.reason }));
      work.catch(onFailure);
    };
    stop = () => signal.removeEventListener('abort', fire);
    if (signal.aborted) fire();
    else signal.addEventListener('abort', fire, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    stop();
  }
}
