import { mergeColumns, type ColumnProfile } from '../../stats/profiles/column-profile.ts';
import type { DataProfile } from '../../stats/profiles/data-profile.ts';
import { packColumn, unpackColumn } from '../../stats/profiles/packed-column.ts';
import { addSums, type SumsByName } from './window-sums.ts';

/** Rows that a monitor observed: what was counted, when, and under which model versions. */
export interface WindowCounts {
  /** When the window began, epoch milliseconds; 0 when windows go by rows. */
  readonly start: number;
  /** Rows among them that came when their own window was closed already. */
  readonly late: number;
  /** Epoch milliseconds of the first and the last row. */
  readonly from: number;
  readonly to: number;
  readonly rows: number;
  /** Rows per model version, by its text; rows without one are not in it. */
  readonly versions: readonly (readonly [version: string, rows: number])[];
  /** One per column of the reference. */
  readonly columns: readonly ColumnProfile[];
  /** Per column, whether any row had it at all, be it as `null`. */
  readonly sent: readonly boolean[];
  /** What is kept for each kind of judgement beside drift, by its name. */
  readonly sums: SumsByName;
}

/** The rows of a window that is judged. */
export interface WindowRows extends WindowCounts {
  /** When it ended, epoch milliseconds; absent when it is one pane, or goes by rows. */
  readonly end?: number | undefined;
  /** How many panes it has; absent when windows do not slide. */
  readonly panes?: number | undefined;
}

/** The sum of the counts of two stretches of rows. */
export function mergeWindows(a: WindowCounts, b: WindowCounts): WindowCounts {
  const versions = new Map(a.versions);
  for (const [version, rows] of b.versions) versions.set(version, (versions.get(version) ?? 0) + rows);
  return {
    start: a.start,
    late: a.late + b.late,
    from: Math.min(a.from, b.from),
    to: Math.max(a.to, b.to),
    rows: a.rows + b.rows,
    versions: [...versions],
    columns: a.columns.map((column, i) => mergeColumns(column, b.columns[i]!)),
    sent: a.sent.map((sent, i) => sent || b.sent[i]!),
    sums: addSums(a.sums, b.sums),
  };
}

/** The window as a profile. A column that no row had is left out: nobody sends it. */
export function windowProfile(reference: DataProfile, window: WindowCounts | undefined): DataProfile {
  const columns = window?.columns.filter((_, i) => window.sent[i]) ?? [];
  return { ...reference, rows: window?.rows ?? 0, columns };
}

/** As it is stored: the reference's edges are not repeated in every window. */
export function packWindow(window: WindowCounts): WindowCounts {
  return { ...window, columns: window.columns.map(packColumn) };
}

/** The window that {@link packWindow} was given. */
export function unpackWindow(window: WindowCounts, reference: DataProfile): WindowCounts {
  return { ...window, columns: window.columns.map((column, i) => unpackColumn(column, reference.columns[i]!)) };
}
