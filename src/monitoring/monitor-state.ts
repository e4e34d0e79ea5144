import type { NewAuditEvent } from '../core/audit.ts';
import type { Digest } from '../core/digest.ts';
import type { HeadChange } from '../storage/head-record.ts';
import type { DataDrift } from '../stats/profiles/data-drift.ts';
import type { DriftSettings } from '../stats/profiles/drift-settings.ts';
import { compareProfiles } from '../stats/profiles/judge-columns.ts';
import type { DataProfile } from '../stats/profiles/data-profile.ts';
import { mergeWindows, packWindow, unpackWindow, windowProfile, type WindowCounts } from './windows/monitor-window.ts';

/** The rows that a verdict is about. */
export interface VerdictWindow {
  /** Position among the monitor's closed windows, from 1; the open one has the number it will get. */
  readonly number: number;
  /** Rows in it. */
  readonly rows: number;
  /** When its first row was observed, epoch milliseconds; absent when it has none. */
  readonly from?: number | undefined;
  /** When its last row was observed, epoch milliseconds; absent when it has none. */
  readonly to?: number | undefined;
  /** Rows per model version, for rows that named one. */
  readonly versions: Readonly<Record<string, number>>;
  /** Whether it is closed. The verdict on an open window is of the moment, and not stored. */
  readonly complete: boolean;
}

/** What a monitor found in one window. */
export interface DriftVerdict extends DataDrift {
  /** Name of the monitor. */
  readonly monitor: string;
  /** Digest of the reference that it was compared with. */
  readonly reference: Digest;
  /** The rows that were judged. */
  readonly window: VerdictWindow;
}

/** The head record of a monitor. */
export interface MonitorState {
  readonly reference: Digest;
  /** Windows closed so far. */
  readonly windows: number;
  readonly open: WindowCounts | null;
  /** Per writer the last batch that is in, so that a batch sent again after a lost answer is counted once. */
  readonly applied: readonly (readonly [writer: string, batch: number])[];
}

/** Rows that a writer counted and has not stored yet. */
export interface Batch {
  /** Counted from 1 by each writer. */
  readonly number: number;
  readonly counts: WindowCounts;
  /** Whether the window ends with it. */
  readonly closes: boolean;
}

/** What does not change while a monitor lives. */
export interface MonitorContext {
  readonly name: string;
  readonly writer: string;
  readonly reference: DataProfile;
  readonly digest: Digest;
  readonly windowRows: number;
  readonly settings: DriftSettings;
}

const writersKept = 100;

/**
 * The next state of a monitor once `batches` are added in order, with an event for each window that they close, and one when the reference is another than
 * before, which leaves the open window behind. `close` closes what is open at the end, if there is any row in it. `undefined` when nothing changes.
 */
export function addBatches(
  before: MonitorState | undefined,
  batches: readonly Batch[],
  close: boolean,
  context: MonitorContext,
): HeadChange<MonitorState> | undefined {
  const { name, writer, reference, digest, windowRows } = context;
  const events: NewAuditEvent[] = [];
  const subject = { kind: 'monitor', id: name } as const;
  const same = before?.reference === digest;
  if (same && batches.length === 0 && !(close && before.open)) return undefined;
  if (!same) events.push({ type: 'reference', subject, data: { reference: digest, rows: reference.rows } });
  const applied = new Map(before?.applied);
  const last = applied.get(writer) ?? 0;
  let open = same && before.open ? unpackWindow(before.open, reference) : undefined;
  let windows = before?.windows ?? 0;
  const finish = (): void => {
    if (open === undefined) return;
    events.push({ type: 'verdict', subject, data: verdictOn(open, windows + 1, true, context) });
    windows++;
    open = undefined;
  };
  for (const { number, counts, closes } of batches) {
    if (number <= last) continue;
    open = open === undefined ? counts : mergeWindows(open, counts);
    if (closes || open.rows >= windowRows) finish();
  }
  if (close) finish();
  const newest = batches[batches.length - 1]?.number ?? last;
  applied.delete(writer);
  if (newest > 0) applied.set(writer, Math.max(last, newest));
  return { state: { reference: digest, windows, open: open === undefined ? null : packWindow(open), applied: [...applied].slice(-writersKept) }, events };
}

/** The verdict on a window, closed or not; on none at all, that there is nothing to judge. */
export function verdictOn(window: WindowCounts | undefined, number: number, complete: boolean, context: MonitorContext): DriftVerdict {
  const { name, reference, digest, settings } = context;
  return {
    ...compareProfiles(reference, windowProfile(reference, window), settings),
    monitor: name,
    reference: digest,
    window: {
      number,
      rows: window?.rows ?? 0,
      ...(window && { from: window.from, to: window.to }),
      versions: Object.fromEntries(window?.versions ?? []),
      complete,
    },
  };
}
