import type { Timetable } from './timetable.ts';

/** The time whose data a scheduled run is about, from one tick to the next. The run is due at its end, when all of it is there. */
export interface DataInterval {
  /** The first moment that belongs to it, epoch milliseconds. */
  readonly start: number;
  /** The first that does not any more. */
  readonly end: number;
}

/** The latest interval that has ended by a moment. */
export function latestComplete(timetable: Timetable, now: number): DataInterval | undefined {
  const end = timetable.previous(now);
  const start = end === undefined ? undefined : timetable.previous(end - 1);
  return start === undefined ? undefined : { start, end: end! };
}
