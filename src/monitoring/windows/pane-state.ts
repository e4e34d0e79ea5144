import type { DataProfile } from '../../stats/profiles/data-profile.ts';
import type { MonitorState } from '../monitor-state.ts';
import { mergeWindows, packWindow, unpackWindow, type WindowCounts } from './monitor-window.ts';
import type { PaneList, Panes, StoredPane } from './panes.ts';
import { paneSize, paneStart, panesOf, type WindowPlan } from './window-plan.ts';

/** Finds the counts of a closed pane, packed; `undefined` while they are not read. */
export type PaneCounts = (pane: StoredPane) => WindowCounts | undefined;

/** The panes of a stored state; those of a monitor whose windows were of another length are fitted to the plan, or left behind. */
export function panesOfState(state: MonitorState, counts: PaneCounts, plan: WindowPlan, reference: DataProfile): Panes {
  const { panes: list } = state;
  const same = list?.by === plan.by && list.size === paneSize(plan) && list.panes === panesOf(plan);
  const closedTo = paneStart(plan, state.closedTo);
  const open = fitted(state.open, closedTo, plan).map((pane) => unpackWindow(pane, reference));
  return {
    open,
    closed: same ? list.kept.map((pane) => ({ pane, counts: counts(pane) })) : [],
    closedTo,
    count: list?.count ?? 0,
    since: same ? list.since : (open[0]?.start ?? null),
  };
}

/** No panes yet, but for how many the monitor closed before. */
export function noPanes(count = 0): Panes {
  return { open: [], closed: [], closedTo: 0, count, since: null };
}

/** The panes as a state has them. */
export function stateOfPanes({ open, closed, closedTo, count, since }: Panes, plan: WindowPlan): Pick<MonitorState, 'open' | 'closedTo' | 'panes'> {
  const list: PaneList = { by: plan.by, size: paneSize(plan), panes: panesOf(plan), count, since, kept: closed.map(({ pane }) => pane) };
  return { open: open.map(packWindow), closedTo, ...((panesOf(plan) > 1 || count > 0) && { panes: list }) };
}

/** Open panes that begin where those of the plan do: they do not when they are of a monitor whose windows had another length. */
function fitted(open: readonly WindowCounts[], closedTo: number, plan: WindowPlan): readonly WindowCounts[] {
  const begins = ({ start, from }: WindowCounts): boolean => (plan.by === 'rows' ? start === 0 : paneStart(plan, start) === start && (start > 0 || from < paneSize(plan)));
  if (open.every(begins)) return open;
  const byStart = new Map<number, WindowCounts>();
  for (const pane of open) {
    const start = begins(pane) ? pane.start : Math.max(paneStart(plan, pane.from), closedTo);
    const before = byStart.get(start);
    byStart.set(start, { ...(before === undefined ? pane : mergeWindows(before, pane)), start });
  }
  return [...byStart.values()].sort((a, b) => a.start - b.start);
}
