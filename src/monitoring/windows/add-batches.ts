import type { NewAuditEvent } from '../../core/audit.ts';
import type { HeadChange } from '../../storage/head-record.ts';
import type { WindowJudging } from '../judging/judge-window.ts';
import type { MonitorContext, MonitorState } from '../monitor-state.ts';
import type { WindowCounts } from './monitor-window.ts';
import { stateOfPanes } from './pane-state.ts';
import type { ClosedPane } from './panes.ts';
import type { PaneStore } from './pane-store.ts';
import { WindowCloser, type Missing } from './window-closer.ts';

/** Rows that a writer counted and has not stored yet. */
export interface Batch {
  /** Counted from 1 by each writer. */
  readonly number: number;
  readonly counts: WindowCounts;
  /** Whether its writer took the window to be full with it, which it is unless another process has closed one meanwhile. */
  readonly fills: boolean;
}

const writersKept = 100;
// So many windows close for their time in one write: each verdict is in it.
const closedPerWrite = 16;

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
  /** Where the closed panes are. */
  readonly panes: PaneStore;
}

/** What adding batches makes. */
export interface AddedBatches extends HeadChange<MonitorState> {
  /** The panes that were closed by it and that the state names. */
  readonly closed: readonly ClosedPane[];
  /** Whether more is to be closed. */
  readonly more: boolean;
}

/**
 * The next state of a monitor once `batches` are added in order, with an event for each window that closes and for each alert that this makes, and one when the reference is another than
 * before, which leaves the open windows behind. `undefined` when nothing changes; what is missing when a window closes and there is nothing to judge it by, or a pane of it is not read.
 */
export function addBatches(before: MonitorState | undefined, batches: readonly Batch[], options: AddOptions, context: MonitorContext): AddedBatches | Missing | undefined {
  const { name, writer, reference, digest } = context;
  const { now, last: isLast, close, judging, panes: store } = options;
  const closer = new WindowCloser(before, { now, judging, counts: (pane) => store.counts(pane) }, context);
  const same = before?.reference === digest;
  const estimator = context.estimator?.digest ?? before?.estimator;
  if (same && before.estimator === estimator && batches.length === 0 && !(isLast && closer.isDue(close))) return undefined;
  const applied = new Map(before?.applied);
  const last = applied.get(writer) ?? 0;
  for (const { number, counts } of batches) {
    const missing = number > last ? closer.add(counts) : undefined;
    if (missing !== undefined) return missing;
  }
  const missing = isLast ? closer.closeDue(close, closedPerWrite) : undefined;
  if (missing !== undefined) return missing;
  const newest = batches[batches.length - 1]?.number ?? last;
  applied.delete(writer);
  if (newest > 0) applied.set(writer, Math.max(last, newest));
  const { windows, alerts, panes } = closer;
  const known = new Set(before?.panes?.kept.map(({ id }) => id));
  const closed = panes.closed.filter(({ pane }) => !known.has(pane.id));
  const state = { reference: digest, windows, alerts, applied: [...applied].slice(-writersKept), ...stateOfPanes(panes, context.plan) };
  const changed: NewAuditEvent[] = same ? [] : [{ type: 'reference', subject: { kind: 'monitor', id: name }, data: { reference: digest, rows: reference.rows } }];
  return {
    state: { ...(estimator && { estimator }), ...(before?.performance && { performance: before.performance }), ...(before?.silences && { silences: before.silences }), ...state },
    events: [...changed, ...closer.events],
    first: store.writes(closed),
    closed,
    more: isLast && closer.isDue(close),
  };
}
