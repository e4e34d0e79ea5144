import { mergeWindows, type WindowCounts } from './monitor-window.ts';
import { closingTime, windowStart, type WindowPlan } from './window-plan.ts';

/** The windows that rows are still added to. */
export interface OpenWindows {
  /** In the order of their beginnings; at most one when windows go by rows. */
  readonly windows: readonly WindowCounts[];
  /** The end of the latest window that closed for its time; rows from before it come late. */
  readonly closedTo: number;
}

/** The windows with what another stretch of rows holds. Rows of a window that was closed already go into the one of now, and are counted there as late. */
export function addToWindows({ windows, closedTo }: OpenWindows, counts: WindowCounts, plan: WindowPlan, now: number): OpenWindows {
  const late = counts.start < closedTo;
  const start = late ? Math.max(windowStart(plan, now), closedTo) : counts.start;
  const placed = late ? { ...counts, start, late: counts.rows } : counts;
  const before = windows.find((window) => window.start === start);
  const others = windows.filter((window) => window !== before);
  const added = before === undefined ? placed : mergeWindows(before, placed);
  return { windows: [...others, added].sort((a, b) => a.start - b.start), closedTo };
}

/** Whether a window is to be closed: it has its rows, or its time and the wait after it are over. */
export function isDue(window: WindowCounts, plan: WindowPlan, now: number): boolean {
  return plan.by === 'rows' ? window.rows >= plan.rows : now >= closingTime(plan, window.start);
}

/** The windows without the first, which closed for its time or not. */
export function withoutFirst({ windows, closedTo }: OpenWindows, plan: WindowPlan, due: boolean): OpenWindows {
  const [first, ...rest] = windows;
  const ends = plan.by === 'time' && due ? first!.start + plan.everyMs : 0;
  return { windows: rest, closedTo: Math.max(closedTo, ends) };
}
