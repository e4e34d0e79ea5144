import type { ClockChanges } from './clock-changes.ts';
import { wallTimetable } from './wall-timetable.ts';
import type { TimeZone, WallTime } from './time-zone.ts';
import type { Timetable } from './timetable.ts';

/** A step of the calendar: so many days or months, at the same time of day. */
export type CalendarStep = DaysStep | MonthsStep;

/** So many days, at the same time of day. */
export interface DaysStep {
  /** How many days, from 1. */
  readonly days: number;
}

/** So many months, on the same day of the month: on its last where it has no such day. */
export interface MonthsStep {
  /** How many months, from 1. */
  readonly months: number;
}

const dayMs = 86_400_000;

/** Ticks that are equally far apart in time that passes, whatever clocks show. */
export function durationTimetable(stepMs: number, anchor: number): Timetable {
  const tick = (n: number): number | undefined => {
    const at = anchor + n * stepMs;
    return Math.abs(at) <= 8.64e15 ? at : undefined;
  };
  return {
    next: (after) => tick(Math.floor((after - anchor) / stepMs) + 1),
    previous: (at) => tick(Math.floor((at - anchor) / stepMs)),
  };
}

/** Ticks at the wall time of an anchor, so many days or months apart; counted from the anchor, so that the 31st comes back after a shorter month. */
export function calendarTimetable(step: CalendarStep, anchor: number, zone: TimeZone, changes: ClockChanges): Timetable {
  const origin = zone.wallAt(anchor);
  const wallOf = 'days' in step ? (n: number): WallTime => origin + n * step.days * dayMs : (n: number): WallTime => monthsAfter(origin, n * step.months);
  const roughMs = 'days' in step ? step.days * dayMs : step.months * 30.436875 * dayMs;
  /** The number of the last tick whose wall time is at or before one. */
  const lastAt = (wall: WallTime): number => {
    let n = Math.floor((wall - origin) / roughMs);
    while (wallOf(n) > wall) n--;
    while (wallOf(n + 1) <= wall) n++;
    return n;
  };
  const known = (wall: WallTime): WallTime | undefined => (Math.abs(wall) <= 8.64e15 - 2 * dayMs ? wall : undefined);
  return wallTimetable({ after: (wall) => known(wallOf(lastAt(wall) + 1)), before: (wall) => known(wallOf(lastAt(wall - 1))) }, zone, changes);
}

function monthsAfter(origin: WallTime, months: number): WallTime {
  const date = new Date(origin);
  const day = date.getUTCDate();
  date.setUTCDate(1);
  date.setUTCMonth(date.getUTCMonth() + months);
  const last = new Date(date);
  last.setUTCMonth(last.getUTCMonth() + 1, 0);
  return date.setUTCDate(Math.min(day, last.getUTCDate()));
}
