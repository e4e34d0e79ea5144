import type { Clock } from 'modelkeep';

/** A clock that stands still unless someone waits, or moves it: a wait moves it on at once. */
export class SimulatedTime implements Clock {
  time: number;

  constructor(start = 1_700_000_000_000) {
    this.time = start;
  }

  now(): number {
    return this.time;
  }

  monotonic(): number {
    return this.time;
  }

  setTimer(callback: () => void, ms: number): () => void {
    let cancelled = false;
    queueMicrotask(() => {
      if (cancelled) return;
      this.time += ms;
      callback();
    });
    return () => (cancelled = true);
  }
}
