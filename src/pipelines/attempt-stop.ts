/**
 * What stops one attempt, once, for a reason. Most steps never look at their signal, and to make one costs more than much of what else an attempt needs: there is one from when it is asked for.
 */
export class AttemptStop {
  readonly #listeners: (() => void)[] = [];
  #controller: AbortController | undefined;
  #stopped: { readonly reason: unknown } | undefined;

  get stopped(): boolean {
    return this.#stopped !== undefined;
  }

  /** What {@link abort} was given; `undefined` before. */
  get reason(): unknown {
    return this.#stopped?.reason;
  }

  /** The same each time, and fired when the attempt has been stopped. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#stopped) this.#controller.abort(this.#stopped.reason);
    }
    return this.#controller.signal;
  }

  /** Stops the attempt; what comes second changes nothing. Without a reason, it is the one that signals have by themselves. */
  abort(reason?: unknown): void {
    if (this.#stopped) return;
    if (reason === undefined || this.#controller) {
      this.#controller ??= new AbortController();
      this.#controller.abort(reason);
    }
    this.#stopped = { reason: this.#controller ? this.#controller.signal.reason : reason };
    for (const listener of this.#listeners.splice(0)) listener();
  }

  /** Has `listener` called when the attempt is stopped, after those that listen to the signal; at once when it has been. */
  onStop(listener: () => void): void {
    if (this.#stopped) listener();
    else this.#listeners.push(listener);
  }
}
