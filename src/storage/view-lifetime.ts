import type { Undo } from '../core/clock.ts';
import { StorageError } from '../core/errors.ts';

/** The life of an adapter that stands on another: refuses calls once it is closed, and waits for those that are under way. */
export class ViewLifetime {
  readonly #underWay = new Set<Promise<unknown>>();
  readonly #listeners = new Set<Undo>();
  readonly #closedMessage: string;
  #closed = false;

  /** @param closedMessage - What a call is told that comes after the end, and what to do instead. */
  constructor(closedMessage: string) {
    this.#closedMessage = closedMessage;
  }

  /** Throws `StorageError` with code `closed` after the end. */
  assertOpen(): void {
    if (this.#closed) throw new StorageError('closed', this.#closedMessage);
  }

  /** Starts a call that the end waits for; what it throws at once is a rejection like any other. */
  async enter<T>(start: () => T | Promise<T>): Promise<T> {
    this.assertOpen();
    const call = (async () => start())();
    this.#underWay.add(call);
    try {
      return await call;
    } finally {
      this.#underWay.delete(call);
    }
  }

  /** Listens with `listen` until undone or ended. */
  listen(listen: () => Undo): Undo {
    this.assertOpen();
    const undo = listen();
    this.#listeners.add(undo);
    return () => {
      this.#listeners.delete(undo);
      undo();
    };
  }

  /** Refuses what comes from now on, undoes what listens, and waits for what is under way. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const undo of this.#listeners) undo();
    this.#listeners.clear();
    await Promise.allSettled(this.#underWay);
  }
}
