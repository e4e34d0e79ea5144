import { html, type Html } from '../markup/html.ts';
import { formatWallTime, isTime, wallClock, type WallClock } from '../svg/wall-time.ts';

/** What all parts of a report share. */
export interface ReportContext {
  /** Name of the time zone, as IANA has it. */
  readonly timeZone: string;
  readonly clock: WallClock;
  /** A time to the second, without its zone: "2026-11-30 06:45:12". */
  readonly time: (epochMs: number) => string;
  /** The same as a `<time>` element, with its zone. */
  readonly timeElement: (epochMs: number) => Html;
}

/** The context of a time zone. Throws `ValidationError` for one that the host does not know. */
export function reportContext(timeZone = 'UTC'): ReportContext {
  const clock = wallClock(timeZone);
  const time = (epochMs: number): string => formatWallTime(clock, epochMs);
  return {
    timeZone,
    clock,
    time,
    timeElement: (epochMs) => (isTime(epochMs) ? html`<time datetime="${new Date(epochMs).toISOString()}" title="${time(epochMs)} ${timeZone}">${time(epochMs)}</time>` : html`${time(epochMs)}`),
  };
}
