import { mergeWindows, packWindow, unpackWindow, type WindowCounts, type WindowRows } from './monitor-window.ts';
import type { DataProfile } from '../../stats/profiles/data-profile.ts';
import { closingTime, paneSize, paneStart, panesOf, type WindowPlan } from './window-plan.ts';

/** A closed pane, of which the state keeps the name and a record of its own the counts. */
export interface StoredPane {
  /** Position among all panes that the monitor ever closed, from 1. */
  readonly number: number;
  /** Tells it from those of the same number that were written and never came into the state. */
  readonly id: string;
  /** When it began, epoch milliseconds; 0 when windows go by rows. */
  readonly start: number;
}

/** The closed panes that windows to come are made of, as the state has them. */
export interface PaneList {
  /** What a pane is full of, and how many a window has. Panes of another plan are of no use any more. */
  readonly by: 'rows' | 'time';
  readonly size: number;
  readonly panes: number;
  /** Panes closed so far: it never goes back. */
  readonly count: number;
  /** When the first pane began, epoch milliseconds; `null` before there is any. */
  readonly since: number | null;
  readonly kept: readonly StoredPane[];
}

/** A closed pane with its counts, packed; without them while they are not read. */
export interface ClosedPane {
  readonly pane: StoredPane;
  readonly counts: WindowCounts | undefined;
}

/** The panes of a monitor: windows are the sums of the last few. */
export interface Panes {
  /** Those that rows are added to, in the order of their beginnings; at most one when windows go by rows. */
  readonly open: readonly WindowCounts[];
  /** Those that windows to come are made of too, in the same order. None when a window is one pane. */
  readonly closed: readonly ClosedPane[];
  /** The end of the latest pane that closed for its time; rows from before it come late. */
  readonly closedTo: number;
  readonly count: number;
  readonly since: number | null;
}

/** The panes with what another stretch of rows holds. Rows of a pane that was closed already go into the one of now, and are counted there as late. */
export function addToPanes(panes: Panes, counts: WindowCounts, plan: WindowPlan, now: number): Panes {
  const { open, closedTo, since } = panes;
  const late = counts.start < closedTo;
  const start = late ? Math.max(paneStart(plan, now), closedTo) : counts.start;
  const placed = late ? { ...counts, start, late: counts.rows } : counts;
  const before = open.find((pane) => pane.start === start);
  const others = open.filter((pane) => pane !== before);
  const added = before === undefined ? placed : mergeWindows(before, placed);
  return { ...panes, open: [...others, added].sort((a, b) => a.start - b.start), since: Math.min(since ?? start, start) };
}

/** The beginning of the pane of time that closes next, with rows in it or not: the first whose window has any. `undefined` when there is none, and when windows go by rows. */
export function nextPane({ open, closed, closedTo }: Panes, plan: WindowPlan): number | undefined {
  if (plan.by === 'rows') return undefined;
  const reach = plan.everyMs - paneSize(plan);
  const starts = [...open.map(({ start }) => start), ...closed.map(({ pane }) => pane.start)];
  const next = starts.filter((start) => start + reach >= closedTo).map((start) => Math.max(start, closedTo));
  return next.length === 0 ? undefined : Math.min(...next);
}

/** The beginning of the pane that is to be closed now: its rows are there, or its time and the wait after it are over. */
export function duePane(panes: Panes, plan: WindowPlan, now: number): number | undefined {
  if (plan.by === 'rows') return (panes.open[0]?.rows ?? 0) >= paneSize(plan) ? 0 : undefined;
  const next = nextPane(panes, plan);
  return next !== undefined && now >= closingTime(plan, next) ? next : undefined;
}

/** The rows of the window that ends with the pane that begins at `start`; `undefined` when there are none, `'unread'` when the counts of a closed pane are missing. */
export function windowAt({ open, closed, since }: Panes, start: number, plan: WindowPlan, reference: DataProfile): WindowRows | 'unread' | undefined {
  const size = paneSize(plan);
  const first = plan.by === 'rows' ? 0 : start + size - plan.everyMs;
  const within = (at: number): boolean => first <= at && at <= start;
  const parts = [...closed.filter(({ pane }) => within(pane.start)).map(({ counts }) => counts), ...open.filter((pane) => within(pane.start)).map(packWindow)];
  if (!parts.every((part) => part !== undefined)) return 'unread';
  if (parts.length === 0) return undefined;
  // Packed, so that no bins are compared that all have from one reference.
  const sum = unpackWindow(parts.reduce(mergeWindows), reference);
  if (panesOf(plan) === 1) return sum;
  if (plan.by === 'rows') return { ...sum, panes: parts.length };
  const begins = Math.max(first, Math.min(since ?? start, start));
  return { ...sum, start: begins, end: start + size, panes: Math.round((start + size - begins) / size) };
}

/** The panes once the one that begins at `start` is closed, for its time or not; under `id` when it has rows. */
export function closePane(panes: Panes, start: number, due: boolean, id: string, plan: WindowPlan): Panes {
  const { open, closed, count } = panes;
  const own = open.find((pane) => pane.start === start);
  const closedTo = due && plan.by === 'time' ? Math.max(panes.closedTo, start + paneSize(plan)) : panes.closedTo;
  const rest = { ...panes, open: open.filter((pane) => pane !== own), closedTo };
  if (own === undefined || panesOf(plan) === 1) return { ...rest, closed: keptOf(closed, closedTo, plan) };
  // One of time that was closed early, and had more rows afterwards, is one pane still: else there could be any number of them.
  const same = plan.by === 'time' ? closed.find(({ pane }) => pane.start === start) : undefined;
  const counts = same?.counts === undefined ? packWindow(own) : mergeWindows(same.counts, packWindow(own));
  const added = { pane: { number: count + 1, id, start }, counts };
  const all = [...closed.filter((each) => each !== same), added].sort((a, b) => a.pane.start - b.pane.start || a.pane.number - b.pane.number);
  return { ...rest, closed: keptOf(all, closedTo, plan), count: count + 1 };
}

/** Those that a window to come can still reach. */
function keptOf(closed: readonly ClosedPane[], closedTo: number, plan: WindowPlan): readonly ClosedPane[] {
  const reach = panesOf(plan) - 1;
  if (reach === 0) return [];
  return plan.by === 'rows' ? closed.slice(-reach) : closed.filter(({ pane }) => pane.start + reach * paneSize(plan) >= closedTo);
}
