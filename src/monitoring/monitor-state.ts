import type { NewAuditEvent } from '../core/audit.ts';
import type { Digest } from '../core/digest.ts';
import type { HeadChange } from '../storage/head-record.ts';
import type { DataDrift } from '../stats/profiles/data-drift.ts';
import type { DriftSettings } from '../stats/profiles/drift-settings.ts';
import { compareProfiles } from '../stats/profiles/judge-columns.ts';
import type { DataProfile } from '../stats/profiles/data-profile.ts';
import type { AlertSettings } from './alerts/alert-options.ts';
import { driftFindings, nextAlerts, type AlertState } from './alerts/alert-state.ts';
import type { PeriodPerformance } from './performance/judge-period.ts';
import type { PerformanceReport } from './performance/performance-watch.ts';
import { packWindow, unpackWindow, windowProfile, type WindowCounts } from './windows/monitor-window.ts';
import { addToWindows, isDue, withoutFirst, type OpenWindows } from './windows/open-windows.ts';
import type { WindowPlan } from './windows/window-plan.ts';

/** The rows that a verdict is about. */
export interface VerdictWindow {
  /** Position among the monitor's closed windows, from 1; the open one has the number it will get. */
  readonly number: number;
  /** Rows in it. */
  readonly rows: number;
  /** When the window itself began, epoch milliseconds; absent when windows go by rows. */
  readonly start?: number | undefined;
  /** When the window itself ended, itself not in it, epoch milliseconds; absent when windows go by rows. */
  readonly end?: number | undefined;
  /** Rows in it that were stored when their own window was closed already; absent when there are none. */
  readonly late?: number | undefined;
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
  /** How good the predictions were, by the labels that have come; only in what `check()` gives, of a monitor that judges performance. */
  readonly performance?: PerformanceReport | undefined;
}

/** The head record of a monitor. */
export interface MonitorState {
  readonly reference: Digest;
  /** Windows closed so far. */
  readonly windows: number;
  readonly open: readonly WindowCounts[];
  /** The end of the latest window that closed for its time; 0 before. */
  readonly closedTo: number;
  readonly alerts: readonly AlertState[];
  /** Per writer the last batch that is in, so that a batch sent again after a lost answer is counted once. */
  readonly applied: readonly (readonly [writer: string, batch: number])[];
  /** The periods of predictions that were judged for good; absent before the first. */
  readonly performance?: JudgedState | undefined;
}

/** How far the performance was judged. */
interface JudgedState {
  /** No period that began before it is judged again. */
  readonly judgedTo: number;
  /** Periods judged so far. */
  readonly periods: number;
  readonly last: PeriodPerformance;
}

/** Rows that a writer counted and has not stored yet. */
export interface Batch {
  /** Counted from 1 by each writer. */
  readonly number: number;
  readonly counts: WindowCounts;
  /** Whether its writer took the window to be full with it, which it is unless another process has closed one meanwhile. */
  readonly fills: boolean;
}

/** What does not change while a monitor lives. */
export interface MonitorContext {
  readonly name: string;
  readonly writer: string;
  readonly reference: DataProfile;
  readonly digest: Digest;
  readonly plan: WindowPlan;
  readonly settings: DriftSettings;
  readonly alerting: AlertSettings;
}

const writersKept = 100;

/** How batches are added. */
export interface AddOptions {
  /** Epoch milliseconds. */
  readonly now: number;
  /** Whether no batch of this writer waits behind these: windows close for their time only then. */
  readonly last: boolean;
  /** Whether what is open at the end closes too, if there is any row in it. */
  readonly close: boolean;
}

/**
 * The next state of a monitor once `batches` are added in order, with an event for each window that closes and for each alert that this makes, and one when the reference is another than
 * before, which leaves the open windows behind. `undefined` when nothing changes.
 */
export function addBatches(before: MonitorState | undefined, batches: readonly Batch[], options: AddOptions, context: MonitorContext): HeadChange<MonitorState> | undefined {
  const { name, writer, reference, digest, plan, alerting } = context;
  const { now, last: isLast, close } = options;
  const events: NewAuditEvent[] = [];
  const subject = { kind: 'monitor', id: name } as const;
  const same = before?.reference === digest;
  const closes = (window: WindowCounts): boolean => isLast && (close || isDue(window, plan, now));
  if (same && batches.length === 0 && !before.open.some(closes)) return undefined;
  if (!same) events.push({ type: 'reference', subject, data: { reference: digest, rows: reference.rows } });
  const applied = new Map(before?.applied);
  const last = applied.get(writer) ?? 0;
  let open: OpenWindows = same ? { windows: before.open.map((window) => unpackWindow(window, reference)), closedTo: before.closedTo } : { windows: [], closedTo: 0 };
  let windows = before?.windows ?? 0;
  let alerts = before?.alerts ?? [];
  const finish = (): void => {
    const window = open.windows[0]!;
    const verdict = verdictOn(window, windows + 1, true, context);
    const next = nextAlerts(alerts, driftFindings(verdict), { monitor: name, settings: alerting, now });
    events.push({ type: 'verdict', subject, data: verdict }, ...next.alerts.map((data) => ({ type: 'alert', subject, data })));
    alerts = next.states;
    windows++;
    open = withoutFirst(open, plan, isDue(window, plan, now));
  };
  for (const { number, counts } of batches) {
    if (number <= last) continue;
    open = addToWindows(open, counts, plan, now);
    if (plan.by === 'rows' && isDue(open.windows[0]!, plan, now)) finish();
  }
  while (open.windows.length > 0 && closes(open.windows[0]!)) finish();
  const newest = batches[batches.length - 1]?.number ?? last;
  applied.delete(writer);
  if (newest > 0) applied.set(writer, Math.max(last, newest));
  const { closedTo } = open;
  return { state: { ...(before?.performance && { performance: before.performance }), reference: digest, windows, open: open.windows.map(packWindow), closedTo, alerts, applied: [...applied].slice(-writersKept) }, events };
}

/** The verdict on a window, closed or not; on none at all, that there is nothing to judge. */
export function verdictOn(window: WindowCounts | undefined, number: number, complete: boolean, context: MonitorContext): DriftVerdict {
  const { name, reference, digest, settings, plan } = context;
  return {
    ...compareProfiles(reference, windowProfile(reference, window), settings),
    monitor: name,
    reference: digest,
    window: {
      number,
      rows: window?.rows ?? 0,
      ...(window && plan.by === 'time' && { start: window.start, end: window.start + plan.everyMs }),
      ...(window && window.late > 0 && { late: window.late }),
      ...(window && { from: window.from, to: window.to }),
      versions: Object.fromEntries(window?.versions ?? []),
      complete,
    },
  };
}
