import type { Clock, Undo } from 'modelkeep';

interface Event {
  readonly at: number;
  readonly order: number;
  readonly callback: () => void;
}

/** A clock that goes from event to event as fast as they are dealt with: hours of traffic in a moment. */
export class EventClock implements Clock {
  #now = 0;
  #order = 0;
  readonly #events = new Set<Event>();

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#now;
  }

  setTimer(callback: () => void, ms: number): Undo {
    const event = { at: this.#now + ms, order: this.#order++, callback };
    this.#events.add(event);
    return () => this.#events.delete(event);
  }

  /** A turn of the host: what is due at this moment already comes before it. */
  readonly turn = (callback: () => void): void => void this.setTimer(callback, 0);

  /** Resolves after `ms` of its time. */
  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => void this.setTimer(resolve, ms));
  }

  /** Number of events that are to come. */
  get pending(): number {
    return this.#events.size;
  }

  /** Lets everything happen that is due until then, or that is ever. */
  async run(until = Infinity): Promise<void> {
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve));
      let next: Event | undefined;
      for (const event of this.#events) if (next === undefined || event.at < next.at || (event.at === next.at && event.order < next.order)) next = event;
      if (next === undefined || next.at > until) break;
      this.#events.delete(next);
      this.#now = next.at;
      next.callback();
    }
    if (until !== Infinity) this.#now = until;
  }
}
