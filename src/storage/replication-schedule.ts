// When a link looks again is decided here, from facts alone; doing it is the business of the link.

/** What a link waits for, as data. */
export interface Schedule {
  readonly live: boolean;
  readonly intervalMs: number;
  /** Whether a pass is under way. */
  readonly running: boolean;
  /** What came while it was: a pass follows at once, or soon. */
  readonly then: 'wait' | 'soon' | 'at once';
  /** Passes that failed in a row. */
  readonly failures: number;
  /** When the next pass begins, on the monotonic clock; `undefined` when nothing but a call begins one. */
  readonly dueAt: number | undefined;
  /** When the pass under way began. */
  readonly startedAt: number;
}

/** What happens to a link. */
export type ScheduleEvent =
  /** Somebody waits for a pass, or the host says that the network is back. */
  | { readonly kind: 'asked' }
  /** The source may have changed. */
  | { readonly kind: 'hinted' }
  | { readonly kind: 'timer' }
  | { readonly kind: 'passed' }
  /** `backoffMs` is what the link's backoff makes of so many failures. */
  | { readonly kind: 'failed'; readonly backoffMs: number };

// However fast hints come, a link does not look more often, nor for more than a quarter of the time.
const shortestPauseMs = 50;

/** The schedule of a link that has just been made: its first pass is due. */
export function firstSchedule(live: boolean, intervalMs: number): Schedule {
  return { live, intervalMs, running: true, then: 'wait', failures: 0, dueAt: undefined, startedAt: 0 };
}

/** What follows from an event: the next schedule, and whether a pass begins now. */
export function nextSchedule(schedule: Schedule, event: ScheduleEvent, now: number): readonly [next: Schedule, begins: boolean] {
  const { running, live, then, failures, dueAt, startedAt, intervalMs } = schedule;
  const begin = (): readonly [Schedule, boolean] => [{ ...schedule, failures: event.kind === 'passed' ? 0 : failures, running: true, then: 'wait', dueAt: undefined, startedAt: now }, true];
  switch (event.kind) {
    case 'asked':
      return running ? [{ ...schedule, then: 'at once' }, false] : begin();
    case 'hinted':
      if (running) return [{ ...schedule, then: then === 'wait' ? 'soon' : then }, false];
      // What fails is tried when its time has come, however much there is to do.
      return [failures > 0 ? schedule : { ...schedule, dueAt: Math.min(dueAt ?? Infinity, now + shortestPauseMs) }, false];
    case 'timer':
      return !running && dueAt !== undefined && now >= dueAt ? begin() : [schedule, false];
    case 'passed': {
      if (then === 'at once') return begin();
      const pause = then === 'soon' ? Math.max(shortestPauseMs, 3 * (now - startedAt)) : intervalMs;
      return [{ ...schedule, running: false, then: 'wait', failures: 0, dueAt: live ? now + pause : undefined }, false];
    }
    case 'failed':
      if (then === 'at once') return begin();
      return [{ ...schedule, running: false, then: 'wait', failures: failures + 1, dueAt: live ? now + event.backoffMs : undefined }, false];
  }
}
