import type { Clock, Undo } from '../../core/clock.ts';

/** How long something may go on: its signal fires with the error that it then fails with. */
export class CallScope {
  readonly #controller = new AbortController();
  readonly #clock: Clock;
  readonly #undo: Undo[] = [];
  #stopTimer: Undo | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Ends when `signal` fires, with what `errorOf` makes of its reason. */
  follow(signal: AbortSignal | undefined, errorOf: (reason: unknown) => unknown = (reason) => reason): void {
    if (signal === undefined) return;
    const fire = (): void => this.fail(errorOf(signal.reason));
    if (signal.aborted) return fire();
    signal.addEventListener('abort', fire, { once: true });
    this.#undo.push(() => signal.removeEventListener('abort', fire));
  }

  /** Ends after so long from now on, instead of any time given before; without an error for that, it does not end by itself. */
  limit(ms: number, error?: () => Error): void {
    this.#stopTimer?.();
    this.#stopTimer = error && this.#clock.setTimer(() => this.fail(error()), ms);
  }

  /** Ends now. */
  fail(error: unknown): void {
    this.#controller.abort(error);
  }

  /** What a promise gives, unless the end comes first. */
  run<T>(promise: Promise<T>): Promise<T> {
    const { signal } = this;
    return new Promise((resolve, reject) => {
      const abort = (): void => reject(signal.reason as Error);
      if (signal.aborted) abort();
      else signal.addEventListener('abort', abort, { once: true });
      const settled = (): void => signal.removeEventListener('abort', abort);
      promise.then(
        (value) => {
          settled();
          resolve(value);
        },
        (error: Error) => {
          settled();
          reject(error);
        },
      );
    });
  }

  /** Also done when it is let go of. */
  whenEnded(undo: Undo): void {
    this.#undo.push(undo);
  }

  /** Lets go of signals and timers. */
  end(): void {
    this.#stopTimer?.();
    for (const undo of this.#undo.splice(0)) undo();
  }
}
