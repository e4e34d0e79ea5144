import type { Undo } from '../../core/clock.ts';
import { ChangeHints } from '../change-hints.ts';

/** Hints of change that reach other tabs and workers too, where the host has a `BroadcastChannel`. */
export class TabHints {
  readonly #name: string;
  readonly #hints = new ChangeHints();
  #channel: BroadcastChannel | undefined;

  /** @param name - Of the database: whoever has it open hears of the others. */
  constructor(name: string) {
    this.#name = `modelkeep ${name}`;
  }

  listen(wake: () => void): Undo {
    this.#open();
    return this.#hints.listen(wake);
  }

  give(): void {
    this.#hints.give();
    this.#open()?.postMessage(0);
  }

  close(): void {
    this.#hints.clear();
    this.#channel?.close();
  }

  #open(): BroadcastChannel | undefined {
    if (this.#channel !== undefined || typeof BroadcastChannel === 'undefined') return this.#channel;
    this.#channel = new BroadcastChannel(this.#name);
    this.#channel.onmessage = () => this.#hints.give();
    // In Node, it would keep the process alive.
    (this.#channel as { unref?: () => void }).unref?.();
    return this.#channel;
  }
}
