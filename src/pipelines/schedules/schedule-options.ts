import * as z from 'zod/mini';
import { timestampOf } from '../../core/column.ts';
import { durationMs, type Duration } from '../../core/duration.ts';
import { ValidationError } from '../../core/errors.ts';
import { callable } from '../../core/option-schemas.ts';
import { check } from '../../core/schema.ts';
import { shown } from '../../core/shown.ts';
import { nameSchema } from '../step.ts';
import type { ClockChanges, FoldPolicy, GapPolicy } from './clock-changes.ts';
import { calendarTimetable, durationTimetable, type CalendarStep } from './every-timetable.ts';
import type { DataInterval } from './data-interval.ts';
import { scheduleName } from './schedule-name.ts';
import { TimeZone } from './time-zone.ts';
import type { Timetable } from './timetable.ts';

/** What the params of a scheduled run are computed from. */
export interface ScheduledTick {
  /** The time whose data the run is about. */
  readonly interval: DataInterval;
}

/** Computes the params of a scheduled run, as the schema takes them. It may be called more than once for a run, by several processes. */
export type ScheduleParams<Input> = (tick: ScheduledTick) => Input | Promise<Input>;

/** When a pipeline runs by itself; exactly one of `cron` and `every` is given. */
export interface ScheduleTiming {
  /** Names the schedule among those of the pipeline: what became of it is stored under the name. @default its timing, such as `'cron 0 3 * * * Europe/Paris'` or `'every 6h'`; of two alike, one needs a name */
  readonly name?: string | undefined;
  /** A cron pattern: five fields (minute, hour, day, month, weekday), six with seconds first, seven with years last; `L`, `W`, `#`, and nicknames such as `@daily`. @default none */
  readonly cron?: string | undefined;
  /** The time between runs: `'6h'` of time that passes, counted from `start`, or from 1970 without one; `{ days: 1 }` or `{ months: 1 }` of the calendar, at the time of day of `start`. @default none */
  readonly every?: Duration | CalendarStep | undefined;
  /** The zone whose clocks `cron` and the calendar go by, such as `'Europe/Paris'`. @default 'UTC' */
  readonly timezone?: string | undefined;
  /** What becomes of a time that the clocks pass over. A pattern for every hour goes by the hours that there are. @default 'shift' */
  readonly gap?: GapPolicy | undefined;
  /** Which is meant of two equal times when the clocks are put back. A pattern for every hour goes by the hours that there are. @default 'first' */
  readonly fold?: FoldPolicy | undefined;
  /** No interval begins before it: a date, epoch milliseconds, or ISO 8601 text. @default the interval in which the schedule is first kept is its first */
  readonly start?: Date | number | string | undefined;
  /** No interval ends after it: a date, epoch milliseconds, or ISO 8601 text. @default none */
  readonly end?: Date | number | string | undefined;
  /** Whether intervals that were missed are made up for one by one; else only the latest complete one is. @default false */
  readonly catchup?: boolean | undefined;
  /** Spreads the beginnings: a run begins up to so long after its interval ended, by a delay that is fixed for each. @default 0 */
  readonly jitter?: Duration | undefined;
  /** How many runs of the schedule may go on at once, in all processes together. @default 1 */
  readonly maxActiveRuns?: number | undefined;
}

/** What the runs of a schedule are started with. */
export interface ScheduledParams<Input> {
  /** Computes the params of each run. @default none, where the schema does without */
  readonly params: ScheduleParams<Input>;
}

/** How a pipeline is scheduled. `params` are required where the schema of the pipeline requires any. */
export type ScheduleOptions<Input> = ScheduleTiming & (undefined extends Input ? Partial<ScheduledParams<Input>> : ScheduledParams<Input>);

/** Checked options of a schedule. */
export interface ScheduleSettings {
  readonly name: string;
  readonly cron: string | undefined;
  readonly every: number | CalendarStep | undefined;
  readonly zone: TimeZone;
  readonly changes: ClockChanges;
  readonly start: number | undefined;
  readonly end: number | undefined;
  readonly catchup: boolean;
  readonly jitterMs: number;
  readonly maxActiveRuns: number;
  readonly params: ScheduleParams<unknown> | undefined;
}

const count = z.int().check(z.minimum(1));
const schema = z.strictObject({
  name: z.optional(nameSchema),
  cron: z.optional(z.string()),
  every: z.optional(z.union([z.number(), z.string(), z.strictObject({ days: count }), z.strictObject({ months: count })])),
  timezone: z.optional(z.string()),
  gap: z.optional(z.enum(['shift', 'first-valid', 'skip'])),
  fold: z.optional(z.enum(['first', 'last', 'both'])),
  start: z.optional(z.unknown()),
  end: z.optional(z.unknown()),
  catchup: z.optional(z.boolean()),
  jitter: z.optional(z.custom<Duration>()),
  maxActiveRuns: z.optional(count),
  params: z.optional(callable<ScheduleParams<unknown>>()),
});

// Beyond it, the arithmetic of dates is not that of every host.
const [earliestTime, latestTime] = [Date.UTC(1900, 0, 1), Date.UTC(9000, 0, 1)];
const shortestStepMs = 1000;

/** Checks the options of a schedule, all but its pattern. */
export function checkScheduleOptions(options: ScheduleTiming): ScheduleSettings {
  const { name = scheduleName(options), cron, every, timezone = 'UTC', gap = 'shift', fold = 'first', catchup = false, jitter = 0, maxActiveRuns = 1, params, ...times } = check(schema, options, 'options');
  if ((cron === undefined) === (every === undefined)) {
    throw new ValidationError(`Schedule '${name}' has ${cron === undefined ? 'neither cron nor every' : 'both cron and every'}; give one of them.`, { path: cron === undefined ? 'options.cron' : 'options.every' });
  }
  const start = momentOf(times.start, 'options.start');
  const end = momentOf(times.end, 'options.end');
  if (start !== undefined && end !== undefined && end <= start) throw new ValidationError('options.end is not after options.start.', { path: 'options.end' });
  if (typeof every === 'object' && start === undefined) throw new ValidationError(`options.every is ${shown(every)}, which is counted from a start; give options.start.`, { path: 'options.start' });
  return {
    name,
    cron,
    every: typeof every === 'object' ? every : every === undefined ? undefined : stepMs(every as Duration),
    zone: new TimeZone(timezone, 'options.timezone'),
    changes: { gap, fold },
    start,
    end,
    catchup,
    jitterMs: durationMs(jitter, 'options.jitter'),
    maxActiveRuns,
    params,
  };
}

/** The timetable of checked options. Throws `ValidationError` when the pattern is wrong, or when no interval lies between start and end. */
export async function timetableOf({ name, cron, every, zone, changes, start, end }: ScheduleSettings): Promise<Timetable> {
  const timetable =
    cron !== undefined ? await (await import('./cron-timetable.ts')).cronTimetable(cron, zone, changes, 'options.cron')
    : typeof every === 'object' ? calendarTimetable(every, start!, zone, changes)
    : durationTimetable(every!, start ?? 0);
  if (end !== undefined && !hasInterval(timetable, start, end)) {
    throw new ValidationError(`Schedule '${name}' never runs: no interval lies between its start and its end.`, { path: 'options.end' });
  }
  return timetable;
}

function hasInterval(timetable: Timetable, start: number | undefined, end: number): boolean {
  if (start === undefined) return timetable.previous(end) !== undefined;
  const first = timetable.next(start - 1);
  return first !== undefined && (timetable.next(first) ?? Infinity) <= end;
}

function stepMs(every: Duration): number {
  const ms = durationMs(every, 'options.every');
  if (ms >= shortestStepMs && Number.isInteger(ms)) return ms;
  throw new ValidationError(`options.every is ${shown(every)}; give whole milliseconds, a second or more.`, { path: 'options.every' });
}

/** A moment as it is given, in epoch milliseconds; throws `ValidationError`, naming `path`, when it is none. */
export function momentOf(given: unknown, path: string): number | undefined {
  if (given === undefined) return undefined;
  const at = timestampOf(given);
  if (at !== undefined && at >= earliestTime && at <= latestTime) return Math.floor(at);
  throw new ValidationError(`${path} is ${shown(given)}; give a Date, epoch milliseconds or ISO 8601 text, between the years 1900 and 9000.`, { path });
}
