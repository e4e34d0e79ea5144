import type { NewAuditEvent } from '../../core/audit.ts';
import { newId } from '../../core/ids.ts';
import type { WindowJudging } from '../judging/judge-window.ts';
import type { AlertState } from '../alerts/alert-state.ts';
import type { MonitorContext, MonitorState } from '../monitor-state.ts';
import type { WindowCounts } from './monitor-window.ts';
import { noPanes, panesOfState, type PaneCounts } from './pane-state.ts';
import { addToPanes, closePane, duePane, windowAt, type Panes } from './panes.ts';

/** What keeps a window from being closed: what judges it, or a closed pane of it, is not loaded. */
export type Missing = 'unjudged' | 'unread';

/** What a closer works with. */
export interface CloserOptions {
  /** Epoch milliseconds. */
  readonly now: number;
  /** What judges a window that closes; absent while it is not loaded. */
  readonly judging?: WindowJudging | undefined;
  readonly counts: PaneCounts;
}

/** Adds rows to the panes of a monitor, and closes them: a verdict for the window that each ends, and what that does to the alerts. */
export class WindowCloser {
  readonly #before: MonitorState | undefined;
  readonly #options: CloserOptions;
  readonly #context: MonitorContext;
  readonly #events: NewAuditEvent[] = [];
  #panes: Panes;
  #windows: number;
  #alerts: readonly AlertState[];

  constructor(before: MonitorState | undefined, options: CloserOptions, context: MonitorContext) {
    this.#before = before;
    this.#options = options;
    this.#context = context;
    const same = before?.reference === context.digest;
    this.#panes = same ? panesOfState(before, options.counts, context.plan, context.reference) : noPanes(before?.panes?.count);
    this.#windows = before?.windows ?? 0;
    this.#alerts = before?.alerts ?? [];
  }

  get panes(): Panes {
    return this.#panes;
  }

  /** Windows that the monitor closed so far. */
  get windows(): number {
    return this.#windows;
  }

  get alerts(): readonly AlertState[] {
    return this.#alerts;
  }

  /** What is to be told of the windows that were closed. */
  get events(): readonly NewAuditEvent[] {
    return this.#events;
  }

  /** Adds rows; closes their pane when it is full by them. */
  add(counts: WindowCounts): Missing | undefined {
    const { plan } = this.#context;
    this.#panes = addToPanes(this.#panes, counts, plan, this.#options.now);
    return plan.by === 'rows' && this.isDue(false) ? this.#close(0, true) : undefined;
  }

  /** Whether a pane is to be closed: one whose time is over, or with `early` any that has rows. */
  isDue(early: boolean): boolean {
    return (early && this.#panes.open.length > 0) || duePane(this.#panes, this.#context.plan, this.#options.now) !== undefined;
  }

  /** Closes panes whose time is over, with `early` also the open ones, in the order of their beginnings and at most `limit`. */
  closeDue(early: boolean, limit: number): Missing | undefined {
    for (let closed = 0; closed < limit && this.isDue(early); closed++) {
      const due = duePane(this.#panes, this.#context.plan, this.#options.now);
      const missing = this.#close(due ?? this.#panes.open[0]!.start, due !== undefined);
      if (missing !== undefined) return missing;
    }
    return undefined;
  }

  #close(start: number, due: boolean): Missing | undefined {
    const { name, plan, reference } = this.#context;
    const { judging, now } = this.#options;
    if (judging === undefined) return 'unjudged';
    const window = windowAt(this.#panes, start, plan, reference);
    if (window === 'unread') return window;
    const concluded = judging.conclude(window!, ++this.#windows, { alerts: this.#alerts, silences: this.#before?.silences ?? [], now });
    this.#alerts = concluded.states;
    this.#events.push(...concluded.events.map(({ type, data }) => ({ type, subject: { kind: 'monitor', id: name } as const, data })));
    this.#panes = closePane(this.#panes, start, due, newId(), plan);
    return undefined;
  }
}
