import type { Clock, Undo } from '../../core/clock.ts';

/** Events after which a page may not get another turn. Not `unload`: a page that listens to it is kept out of the browser's back/forward cache. */
const events = ['pagehide', 'visibilitychange', 'freeze'] as const;

interface PageGlobals {
  readonly document?: { readonly visibilityState: string } | undefined;
  addEventListener?(type: string, listener: (event: { readonly type: string }) => void, options: { capture: true }): void;
  removeEventListener?(type: string, listener: (event: { readonly type: string }) => void, options: { capture: true }): void;
}

/** Knows whether the page is being left just now: within the turn of an event that says so, and what promises go on with in it. Outside of pages it never is. */
export class LeavingPage {
  readonly #clock: Clock;
  readonly #onLeave: () => void;
  #isLeaving = false;
  #stop: Undo | undefined;

  /** `onLeave` is called at once when the page is left; listens from {@link LeavingPage.watch} on. */
  constructor(clock: Clock, onLeave: () => void) {
    this.#clock = clock;
    this.#onLeave = onLeave;
  }

  get isLeaving(): boolean {
    return this.#isLeaving;
  }

  watch(): void {
    if (this.#stop !== undefined) return;
    const host: PageGlobals = globalThis;
    const listener = ({ type }: { readonly type: string }): void => {
      if (type === 'visibilitychange' && host.document?.visibilityState !== 'hidden') return;
      this.#isLeaving = true;
      this.#clock.setTimer(() => (this.#isLeaving = false), 0);
      this.#onLeave();
    };
    // Before those of others, who write what they still have when they are told.
    for (const type of events) host.addEventListener?.(type, listener, { capture: true });
    this.#stop = () => {
      for (const type of events) host.removeEventListener?.(type, listener, { capture: true });
    };
  }

  stop(): void {
    this.#stop?.();
  }
}
