import { ValidationError } from '../../core/errors.ts';
import { shown } from '../../core/shown.ts';

/** Times as the clocks on the walls of one time zone show them. */
export interface WallClock {
  /** Name of the zone as IANA has it. */
  readonly timeZone: string;
  /** Epoch milliseconds to the milliseconds that UTC would have when its clocks show the same. */
  wallOf(epochMs: number): number;
  /** The other way round; of a time that a change of clocks skips or repeats, one that is near. */
  instantOf(wallMs: number): number;
}

// What a Date can hold, less a day for the zones.
const farthest = 8.64e15 - 86_400_000;

/** Whether a calendar has this time. */
export function isTime(epochMs: number): boolean {
  return Math.abs(epochMs) <= farthest;
}

/** The clock of a time zone. Throws `ValidationError` for a zone that the host does not know. */
export function wallClock(timeZone: string): WallClock {
  if (timeZone === 'UTC') return { timeZone, wallOf: (ms) => ms, instantOf: (ms) => ms };
  const format = zoneFormat(timeZone);
  const wallOf = (epochMs: number): number => {
    const parts = Object.fromEntries(format.formatToParts(epochMs).map(({ type, value }) => [type, value]));
    const [year, month, day, hour, minute, second] = (['year', 'month', 'day', 'hour', 'minute', 'second'] as const).map((name) => Number(parts[name])) as [number, number, number, number, number, number];
    // Years before Christ are counted from 1 on, and Date.UTC takes years below 100 for 19xx.
    const date = new Date(0).setUTCFullYear(parts['era'] === 'BC' ? 1 - year : year, month - 1, day);
    const seconds = date + ((hour * 60 + minute) * 60 + second) * 1_000;
    return seconds + (((epochMs % 1_000) + 1_000) % 1_000);
  };
  return {
    timeZone,
    wallOf,
    instantOf(wallMs) {
      const guess = wallMs - (wallOf(wallMs) - wallMs);
      return guess - (wallOf(guess) - wallMs);
    },
  };
}

/** A time to the second: "2026-11-30 06:45:12". */
export function formatWallTime(clock: WallClock, epochMs: number): string {
  return isTime(epochMs) ? new Date(clock.wallOf(epochMs)).toISOString().slice(0, -5).replace('T', ' ') : String(epochMs);
}

function zoneFormat(timeZone: string): Intl.DateTimeFormat {
  try {
    const number = 'numeric';
    return new Intl.DateTimeFormat('en-US', { timeZone, hourCycle: 'h23', era: 'short', year: number, month: number, day: number, hour: number, minute: number, second: number });
  } catch (cause) {
    throw new ValidationError(`timeZone is ${shown(timeZone, 80)}, which this host does not know; give a name such as 'UTC' or 'Europe/Berlin'.`, { path: 'timeZone', cause });
  }
}
