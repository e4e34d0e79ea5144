import type { Undo } from './clock.ts';

/** Typed events: `Events` maps each name to what its listeners are given. */
export class Emitter<Events extends object> {
  readonly #listeners = new Map<keyof Events, Set<{ readonly call: (payload: never) => void }>>();
  readonly #onError: (error: unknown) => void;

  /** @param onError - Is told when a listener throws, or rejects later; the other listeners are called all the same. */
  constructor(onError: (error: unknown) => void) {
    this.#onError = onError;
  }

  /** Calls `listener` at each event of that name until undone. */
  on<K extends keyof Events>(name: K, listener: (payload: Events[K]) => void): Undo {
    const listeners = this.#listeners.get(name) ?? new Set();
    const entry = { call: listener };
    this.#listeners.set(name, listeners.add(entry));
    return () => void listeners.delete(entry);
  }

  /** Tells the listeners of that name, in the order of their coming. */
  emit<K extends keyof Events>(name: K, payload: Events[K]): void {
    const listeners = this.#listeners.get(name);
    for (const entry of [...(listeners ?? [])]) {
      if (!listeners?.has(entry)) continue;
      try {
        const answer = (entry.call as (payload: Events[K]) => unknown)(payload);
        if (answer instanceof Promise) answer.catch(this.#onError);
      } catch (error) {
        this.#onError(error);
      }
    }
  }
}
