import { timestampOf, valueAt, type Column } from '../../../core/column.ts';
import type { TimestampProfile } from '../column-profile.ts';
import { DistinctCounter } from '../distinct-values.ts';
import { RowTally } from '../row-tally.ts';
import { dayMs, emptyCalendar, gapBins, hourMs, unitsMs, type CalendarCounts } from './calendar-counts.ts';

/** Counts points in time as they come. */
export class TimestampCounter {
  readonly #reference: TimestampProfile;
  readonly #tally = new RowTally();
  readonly #units = new Float64Array(unitsMs.length);
  readonly #hours = new Float64Array(24);
  readonly #weekdays = new Float64Array(7);
  readonly #gaps = new Float64Array(gapBins);
  readonly #distinct = new DistinctCounter();
  #earliest = Infinity;
  #latest = -Infinity;
  #late = 0;
  #future: number | null = 0;

  constructor(reference: TimestampProfile) {
    this.#reference = reference;
  }

  /** Counts one row: a date, epoch milliseconds or ISO 8601 text. `now` decides what lies in the future. */
  observe(value: unknown, now?: number): void {
    if (!this.#tally.sees(value, 1)) return;
    if (value === Infinity || value === -Infinity) {
      this.#tally.infinite++;
      return;
    }
    const time = timestampOf(value);
    if (time === undefined) {
      this.#tally.mistyped++;
    } else {
      this.#place(time);
      if (now === undefined) this.#future = null;
      else if (this.#future !== null && time > now) this.#future++;
    }
  }

  #place(time: number): void {
    const day = Math.floor(time / dayMs);
    this.#units[unitOf(time)]!++;
    this.#hours[Math.floor((time - day * dayMs) / hourMs)]!++;
    this.#weekdays[(((day + 4) % 7) + 7) % 7]!++;
    if (time < this.#latest) this.#late++;
    else if (this.#latest !== -Infinity) this.#gaps[gapBin(time - this.#latest)]!++;
    if (time < this.#earliest) this.#earliest = time;
    if (time > this.#latest) this.#latest = time;
    this.#distinct.add(time);
  }

  /** What was counted since the last take, and starts anew. */
  take(): TimestampProfile {
    const { calendar: known, ...reference } = this.#reference;
    const counts = this.#tally.take();
    const calendar = this.#takeCalendar();
    return { ...reference, ...counts, ...(known && { calendar }) };
  }

  #takeCalendar(): CalendarCounts {
    const some = this.#earliest <= this.#latest;
    const taken = {
      earliest: some ? this.#earliest + 0 : null,
      latest: some ? this.#latest + 0 : null,
      units: [...this.#units],
      hours: [...this.#hours],
      weekdays: [...this.#weekdays],
      gaps: [...this.#gaps],
      late: this.#late,
      future: this.#future,
      ...this.#distinct.take(),
    };
    for (const counts of [this.#units, this.#hours, this.#weekdays, this.#gaps]) counts.fill(0);
    this.#earliest = Infinity;
    this.#latest = -Infinity;
    this.#late = 0;
    this.#future = 0;
    return taken;
  }
}

/** The coarsest unit that divides a time; fractions of a millisecond count as milliseconds. */
function unitOf(time: number): number {
  let unit = 0;
  while (unit < unitsMs.length - 1 && time % unitsMs[unit]! !== 0) unit++;
  return unit;
}

function gapBin(gap: number): number {
  return gap < 1 ? 0 : Math.min(gapBins - 1, 1 + Math.floor(Math.log2(gap)));
}

/** The profile of a reference. */
export function timestampReference(name: string, column: Column, now: number | undefined): TimestampProfile {
  const counter = new TimestampCounter({ name, kind: 'timestamp', rows: 0, missing: 0, nan: 0, infinite: 0, mistyped: 0, calendar: emptyCalendar });
  return countWith(counter, column, now);
}

/** The times of a column; a reference of the first format, which has no calendar, gives none. */
export function countTimestamps(reference: TimestampProfile, column: Column, now: number | undefined): TimestampProfile {
  return countWith(new TimestampCounter(reference), column, now);
}

function countWith(counter: TimestampCounter, column: Column, now: number | undefined): TimestampProfile {
  for (let i = 0; i < column.values.length; i++) counter.observe(valueAt(column, i), now);
  return counter.take();
}
