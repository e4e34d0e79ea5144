import type { Undo } from '../core/clock.ts';

/** Who wants to be woken when a store may have changed: what an adapter's `onChange` stands on. */
export class ChangeHints {
  readonly #listeners = new Set<{ readonly wake: () => void }>();
  #pending = false;

  /** Calls `wake` soon after each {@link give}, until undone. */
  listen(wake: () => void): Undo {
    const entry = { wake };
    this.#listeners.add(entry);
    return () => void this.#listeners.delete(entry);
  }

  /** Wakes everyone once, after what is running now; however often it is called until then, that is one waking. */
  give(): void {
    if (this.#pending || this.#listeners.size === 0) return;
    this.#pending = true;
    queueMicrotask(() => {
      this.#pending = false;
      for (const entry of [...this.#listeners]) if (this.#listeners.has(entry)) wakeQuietly(entry.wake);
    });
  }

  /** Forgets everyone. */
  clear(): void {
    this.#listeners.clear();
  }
}

// A hint promises nothing, so nothing is lost with one; the write that it tells of must not fail, nor the host crash, because a listener did.
function wakeQuietly(wake: () => void): void {
  try {
    const answer = wake() as unknown;
    if (answer instanceof Promise) answer.catch(() => undefined);
  } catch {
    return;
  }
}
