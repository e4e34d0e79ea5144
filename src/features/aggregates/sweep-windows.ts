import type { CountedRows } from './counted-rows.ts';
import type { WindowRows } from './window-rows.ts';

/** From so many windows on it is quicker to follow them row by row than to merge states for each, which are kept for the next time. */
export const manyWindows = 64;

/** Whether the rows are few enough for the windows that they are better followed one by one than found in a tree, which passes over most of them. */
export function sweepIsQuicker(windows: WindowRows, rows: CountedRows): boolean {
  return windows.order.length >= manyWindows && rows.size <= 64 * windows.order.length;
}

/** What is kept up while a window moves over rows: each that comes can be taken out again, without a trace. */
export interface RowTally {
  add(row: number): void;
  remove(row: number): void;
}

/** For each probe whose window sees rows that count: calls `take` with their number, while `tally` has those that exist for it. */
export function sweepWindows(windows: WindowRows, rows: CountedRows, tally: RowTally, take: (probe: number, count: number) => void): void {
  const { low, high } = windows;
  let present = 0;
  let end = 0;
  for (const probe of windows.order) {
    const from = rows.before(low[probe]!);
    const to = rows.before(high[probe]!);
    if (to <= from) continue;
    while (present < end && present < from) tally.remove(present++);
    // Windows of one key only move on; those of the next key begin behind them.
    if (present >= end) present = end = from;
    while (end < to) tally.add(end++);
    const hidden = hiddenRows(windows, rows, probe);
    for (const row of hidden) tally.remove(row);
    if (to - from > hidden.length) take(probe, to - from - hidden.length);
    for (const row of hidden) tally.add(row);
  }
}

/** Numbers of the rows that count and that the probe's window would see, but that do not exist for it; ascending. */
export function hiddenRows(windows: WindowRows, rows: CountedRows, probe: number): readonly number[] {
  const hidden = windows.hidden(probe);
  return hidden.length === 0 ? hidden : hidden.flatMap((place) => (rows.has(place) ? [rows.before(place)] : []));
}
