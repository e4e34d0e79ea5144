import { AbortedError } from './errors.ts';

/** Undoes what started it; calling it twice is harmless. */
export type Undo = () => void;

/** The source of time. Inject another one to make a test or a simulation decide when time passes. */
export interface Clock {
  /** Epoch milliseconds. */
  now(): number;
  /** Milliseconds from an arbitrary start that never go back, for measuring durations. */
  monotonic(): number;
  /** Calls `callback` once after `ms`. The timer does not keep a process alive unless `keepAlive` is set. */
  setTimer(callback: () => void, ms: number, options?: { keepAlive?: boolean }): Undo;
}

// Longer delays overflow the 32-bit timer of every host and would fire at once.
const longestTimer = 2_147_483_647;

/** The host's clock. Globals are looked up at each call, so that fakes installed later work. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimer(callback, ms, options) {
    let handle: unknown;
    const arm = (left: number): void => {
      const now = Math.min(left, longestTimer);
      handle = setTimeout(() => (left > now ? arm(left - now) : callback()), now);
      if (!options?.keepAlive) (handle as { unref?: () => void }).unref?.();
    };
    arm(Math.max(0, ms));
    return () => clearTimeout(handle as Parameters<typeof clearTimeout>[0]);
  },
};

/** Resolves after `ms` of the clock's time, or rejects with {@link AbortedError} when the signal fires first. */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const aborted = (): void => {
      undo();
      reject(new AbortedError('The wait was aborted by its caller.', { cause: signal?.reason }));
    };
    const undo = clock.setTimer(
      () => {
        signal?.removeEventListener('abort', aborted);
        resolve();
      },
      ms,
      { keepAlive: true },
    );
    if (signal?.aborted) aborted();
    else signal?.addEventListener('abort', aborted, { once: true });
  });
}
