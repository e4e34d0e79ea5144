import type { NewAuditEvent } from '../../core/audit.ts';
import type { HeadChange } from '../../storage/head-record.ts';
import type { WindowJudging } from '../judging/judge-window.ts';
import type { MonitorContext, MonitorState } from '../monitor-state.ts';
import { packWindow, unpackWindow, type WindowCounts } from './monitor-window.ts';
import { addToWindows, isDue, withoutFirst, type OpenWindows } from './open-windows.ts';

/** Rows that a writer counted and has not stored yet. */
export interface Batch {
  /** Counted from 1 by each writer. */
  readonly number: number;
  readonly counts: WindowCounts;
  /** Whether its writer took the window to be full with it, which it is unless another process has closed one meanwhile. */
  readonly fills: boolean;
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
  /** What judges a window that closes; absent while it is not loaded. */
  readonly judging?: WindowJudging | undefined;
}

/**
 * The next state of a monitor once `batches` are added in order, with an event for each window that closes and for each alert that this makes, and one when the reference is another than
 * before, which leaves the open windows behind. `undefined` when nothing changes; `'unjudged'` when a window closes and there is nothing to judge it by.
 */
export function addBatches(before: MonitorState | undefined, batches: readonly Batch[], options: AddOptions, context: MonitorContext): HeadChange<MonitorState> | 'unjudged' | undefined {
  const { name, writer, reference, digest, plan } = context;
  const { now, last: isLast, close, judging } = options;
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
  const finish = ({ conclude }: WindowJudging): void => {
    const window = open.windows[0]!;
    const concluded = conclude(window, ++windows, { alerts, silences: before?.silences ?? [], now });
    alerts = concluded.states;
    events.push(...concluded.events.map(({ type, data }) => ({ type, subject, data })));
    open = withoutFirst(open, plan, isDue(window, plan, now));
  };
  for (const { number, counts } of batches) {
    if (number <= last) continue;
    open = addToWindows(open, counts, plan, now);
    if (plan.by === 'time' || !isDue(open.windows[0]!, plan, now)) continue;
    if (judging === undefined) return 'unjudged';
    finish(judging);
  }
  while (open.windows.length > 0 && closes(open.windows[0]!)) {
    if (judging === undefined) return 'unjudged';
    finish(judging);
  }
  const newest = batches[batches.length - 1]?.number ?? last;
  applied.delete(writer);
  if (newest > 0) applied.set(writer, Math.max(last, newest));
  const { closedTo } = open;
  const state = { reference: digest, windows, open: open.windows.map(packWindow), closedTo, alerts, applied: [...applied].slice(-writersKept) };
  return { state: { ...(before?.performance && { performance: before.performance }), ...(before?.silences && { silences: before.silences }), ...state }, events };
}
