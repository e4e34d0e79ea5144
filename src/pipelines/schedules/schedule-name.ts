import type { ScheduleTiming } from './schedule-options.ts';

/** The name of a schedule: when it runs, unless it was given one. So a schedule whose timing was changed begins anew, and does not go on where the other stood. */
export function scheduleName({ name, cron, every, timezone }: ScheduleTiming): string {
  if (name !== undefined) return name;
  // What is no timing gets a name too, and is refused afterwards.
  const timing = cron === undefined ? `every ${typeof every === 'object' ? Object.entries(every ?? {}).map(([unit, count]) => `${String(count)} ${unit}`).join(' ') : String(every)}` : `cron ${String(cron)}`;
  return timezone === undefined ? timing : `${timing} ${String(timezone)}`;
}
