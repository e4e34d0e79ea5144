import { addCounts, isCount, isCounts, larger, smaller } from '../grid-counts.ts';
import { isDistinct, mergeDistinct, type DistinctValues } from '../distinct-values.ts';

/** How the points in time of a column lie, in UTC. */
export interface CalendarCounts extends DistinctValues {
  /** The first, epoch milliseconds; `null` when there is none. */
  readonly earliest: number | null;
  /** The last, epoch milliseconds; `null` when there is none. */
  readonly latest: number | null;
  /** Rows by the coarsest unit that their time is whole in: days, hours, minutes, seconds, milliseconds. */
  readonly units: readonly number[];
  /** Rows by the hour of the day, from 0 to 23. */
  readonly hours: readonly number[];
  /** Rows by the day of the week, from Sunday. */
  readonly weekdays: readonly number[];
  /** Steps from a row to the next later one, in the order of the rows: first of 0 ms, then of less than 2, 4, 8 ms and so on, the last without end. Between rows of different parts there is none. */
  readonly gaps: readonly number[];
  /** Rows that are earlier than a row before them, of the same part. */
  readonly late: number;
  /** Rows later than the `now` that they were counted at; `null` where none was given for some of them. */
  readonly future: number | null;
}

/** Milliseconds of an hour. */
export const hourMs = 3_600_000;
/** Milliseconds of a day. */
export const dayMs = 86_400_000;
/** The units that times are told apart by, the coarsest first; the last always divides. */
export const unitsMs: readonly number[] = [dayMs, hourMs, 60_000, 1000, 1];
/** Steps of up to 2^37 ms, four years. */
export const gapBins = 40;

/** No times. */
export const emptyCalendar: CalendarCounts = {
  earliest: null,
  latest: null,
  units: [0, 0, 0, 0, 0],
  hours: /* @__PURE__ */ Array.from({ length: 24 }, () => 0),
  weekdays: [0, 0, 0, 0, 0, 0, 0],
  gaps: /* @__PURE__ */ Array.from({ length: 40 }, () => 0),
  late: 0,
  future: 0,
  distinct: 0,
  registers: [],
};

/** The times of both. */
export function mergeCalendars(a: CalendarCounts, b: CalendarCounts): CalendarCounts {
  return {
    earliest: smaller(a.earliest, b.earliest),
    latest: larger(a.latest, b.latest),
    units: addCounts(a.units, b.units),
    hours: addCounts(a.hours, b.hours),
    weekdays: addCounts(a.weekdays, b.weekdays),
    gaps: addCounts(a.gaps, b.gaps),
    late: a.late + b.late,
    future: a.future === null || b.future === null ? null : a.future + b.future,
    ...mergeDistinct(a, b),
  };
}

/** Whether what came from outside has what comparing and merging reads. */
export function isCalendar(value: CalendarCounts): boolean {
  if (typeof value !== 'object' || (value as CalendarCounts | null) === null) return false;
  const { units, hours, weekdays, gaps, late, future, earliest, latest } = value;
  const lists = [[units, unitsMs.length], [hours, 24], [weekdays, 7], [gaps, gapBins]] as const;
  return lists.every(([list, length]) => isCounts(list, length)) && isCount(late) && (future === null || isCount(future)) && [earliest, latest].every((time) => time === null || Number.isFinite(time)) && isDistinct(value);
}
