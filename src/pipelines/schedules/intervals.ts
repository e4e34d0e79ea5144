import { digestOf } from '../../core/digest.ts';
import { latestComplete, type DataInterval } from './data-interval.ts';
import type { Timetable } from './timetable.ts';

/** What decides which intervals a schedule has. */
export interface IntervalRules {
  readonly timetable: Timetable;
  /** Intervals that begin before it are none of the schedule's; absent, they begin with the one that holds `since`. */
  readonly start?: number | undefined;
  /** When the schedule was made. */
  readonly since: number;
  /** Intervals that end after it are none of the schedule's. */
  readonly end?: number | undefined;
  /** Whether intervals that were missed are made up for; else only the latest of those that are complete is. */
  readonly catchup: boolean;
  /** How long after its end an interval may have to wait at most. @default 0 */
  readonly jitterMs?: number | undefined;
}

/**
 * The interval that a schedule comes to after `last`, whether it is complete yet or not; `undefined` when there is none any more. It begins at the last tick at or before the end of `last`, so that a schedule
 * whose pattern was changed goes on where it was. Where `last` ends in the future, the clock was ahead when it was recorded, and it goes on from the latest that is
 * complete by the clock of now.
 */
export function nextInterval({ timetable, start, since, end, catchup, jitterMs = 0 }: IntervalRules, last: DataInterval | undefined, now: number): DataInterval | undefined {
  const earliest = start === undefined ? (timetable.previous(since) ?? timetable.next(since)) : firstTickFrom(timetable, start);
  if (earliest === undefined) return undefined;
  const reached = last === undefined ? earliest : last.end > now ? latestComplete(timetable, now)?.start : timetable.previous(last.end);
  let begin = Math.max(earliest, reached ?? earliest);
  if (!catchup) begin = Math.max(begin, latestComplete(timetable, now - jitterMs)?.start ?? begin);
  const until = timetable.next(begin);
  return until === undefined || until > (end ?? Infinity) ? undefined : { start: begin, end: until };
}

/** All intervals between two moments, none of them cut. */
export function* intervalsBetween(timetable: Timetable, from: number, to: number): Generator<DataInterval> {
  let start = firstTickFrom(timetable, from);
  while (start !== undefined) {
    const end = timetable.next(start);
    if (end === undefined || end > to) return;
    yield { start, end };
    start = end;
  }
}

/** By how much later than due a run begins, in [0, `jitterMs`): the same for one tick on every machine. */
export function jitterOf(schedule: string, tick: number, jitterMs: number): number {
  if (jitterMs === 0) return 0;
  const digest = digestOf(JSON.stringify([schedule, tick]));
  return Math.floor((parseInt(digest.slice('sha256:'.length, 'sha256:'.length + 8), 16) / 2 ** 32) * jitterMs);
}

function firstTickFrom(timetable: Timetable, at: number): number | undefined {
  return timetable.next(at - 1);
}
