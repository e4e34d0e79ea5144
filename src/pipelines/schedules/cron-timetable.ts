import { ValidationError } from '../../core/errors.ts';
import { describeFailure } from '../../core/failure.ts';
import { shown } from '../../core/shown.ts';
import { asClocksGo, type ClockChanges } from './clock-changes.ts';
import type { TimeZone } from './time-zone.ts';
import type { Timetable } from './timetable.ts';
import { wallTimetable, type WallTimes } from './wall-timetable.ts';

/**
 * The ticks of a cron pattern in a zone. The pattern is read by croner (five fields, or six with seconds first, or seven with years last; `L`, `W`, `#`, nicknames such as `@daily`), and only gives wall
 * times; which moments they stand for is decided here. A pattern for every hour goes by the hours that there are: its ticks come twice where an hour does, and none is made up for.
 *
 * Throws `ValidationError`, naming `path`, for a pattern that is wrong, that depends on when it is read, or that never comes.
 */
export async function cronTimetable(pattern: string, zone: TimeZone, given: ClockChanges, path: string): Promise<Timetable> {
  const { Cron } = await import('croner');
  const fields = typeof pattern === 'string' ? pattern.trim().split(/\s+/) : [];
  const wrong = (why: string): ValidationError => new ValidationError(`${path} is ${shown(pattern)}, which ${why}`, { path });
  if (fields.length === 1 && !pattern.trim().startsWith('@')) throw wrong("is no cron pattern; give one such as '0 3 * * *' or '@daily'.");
  if (fields.some((field) => field.includes('?'))) throw wrong('has a ?, whose meaning depends on when it is read; give a number or *.');
  let cron: InstanceType<typeof Cron>;
  try {
    cron = new Cron(pattern.trim(), { timezone: 'UTC', paused: true });
  } catch (cause) {
    throw new ValidationError(`${path} is ${shown(pattern)}, which is no cron pattern: ${describeFailure(cause).message.replace(/^CronPattern: /, '')}`, { path, cause });
  }
  const walls: WallTimes = {
    after: (wall) => cron.nextRun(new Date(wall))?.getTime(),
    before: (wall) => cron.previousRuns(1, new Date(wall))[0]?.getTime(),
  };
  if (walls.after(0) === undefined) throw wrong('never comes; is it a day that its month does not have?');
  const read = (cron.getPattern() ?? pattern).trim().split(/\s+/);
  const everyHour = /^(?:\*(?:\/1)?|0-23)$/.test(read[read.length > 5 ? 2 : 1] ?? '');
  const timetable = wallTimetable(walls, zone, everyHour ? asClocksGo : given);
  if (timetable.next(0) === undefined) throw wrong(`never comes in ${zone.name}, whose clocks pass over it; choose gap: 'shift'.`);
  return timetable;
}
