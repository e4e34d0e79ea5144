import { contingency, presenceOf } from '../bin-evidence.ts';
import type { TimestampProfile } from '../column-profile.ts';
import type { ColumnEvidence, View } from '../drift-evidence.ts';
import { weighViews, type Presence } from '../weigh-views.ts';
import { dayMs, type CalendarCounts } from './calendar-counts.ts';

/** Sides that span less are not compared by the hour, or by the day of the week: a morning differs from a day, and ten days have some weekdays twice. */
const daysForHours = 7;
const daysForWeekdays = 28;

const weekdays = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'] as const;
const units = ['whole days', 'whole hours', 'whole minutes', 'whole seconds', 'milliseconds'] as const;

/** How the times of two sides differ in what does not move on. */
export function weighTimestamps(before: TimestampProfile, after: TimestampProfile, minRows: number): ColumnEvidence {
  return weighViews(before, after, { minRows, designEffect: 1, noun: 'time', presence: presenceOfTimes(before, after) }, () => viewsOf(before.calendar, after.calendar));
}

/** Rows with a time, and those with none; those in the future apart, where both sides know them. */
function presenceOfTimes(before: TimestampProfile, after: TimestampProfile): Presence {
  const counts = [presenceOf(before), presenceOf(after)] as const;
  const future = [before.calendar?.future, after.calendar?.future] as const;
  const labels = ['missing', 'not a time'];
  if (typeof future[0] !== 'number' || typeof future[1] !== 'number') return { counts, labels };
  return { counts: [apart(counts[0], future[0]), apart(counts[1], future[1])], labels: ['in the future', ...labels] };
}

function apart([values, ...others]: readonly [number, number, number], future: number): number[] {
  return [values - future, future, ...others];
}

function viewsOf(before: CalendarCounts | undefined, after: CalendarCounts | undefined): View[] | string {
  const days = Math.min(daysOf(before), daysOf(after));
  if (before === undefined || after === undefined || days < daysForHours) {
    return `points in time always move on; the hours of the day are compared when both sides span ${daysForHours} days; otherwise compare features made from them`;
  }
  const hours = viewOf('hours', [before.hours, after.hours], Array.from({ length: 24 }, (_, hour) => `${hour}:00 to ${hour + 1}:00`));
  const precision = viewOf('precision', [before.units, after.units], units);
  return days < daysForWeekdays ? [hours, precision] : [hours, viewOf('weekdays', [before.weekdays, after.weekdays], weekdays), precision];
}

function viewOf(of: 'hours' | 'weekdays' | 'precision', counts: View['counts'], labels: readonly string[]): View {
  return { of, test: contingency(counts), counts, labels, binRule: of };
}

function daysOf(calendar: CalendarCounts | undefined): number {
  return calendar === undefined || calendar.earliest === null || calendar.latest === null ? 0 : (calendar.latest - calendar.earliest) / dayMs;
}
