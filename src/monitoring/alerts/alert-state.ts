import type { DriftVerdict } from '../monitor-state.ts';
import type { AlertSettings, AlertSeverity, alertKinds } from './alert-options.ts';

/** What an alert is about: the features of a model, its predictions, how good they were, or how the system around it does. */
export type AlertKind = (typeof alertKinds)[number];

/** That something needs somebody, or does no longer. */
export interface DriftAlert {
  /** The same when it begins to fire and when it is resolved. */
  readonly id: string;
  /** Name of the monitor. */
  readonly monitor: string;
  /** What it is about. */
  readonly kind: AlertKind;
  /** How bad that is, as the monitor's options say. */
  readonly severity: AlertSeverity;
  /** `firing` when it began, `resolved` when a window could be judged and had nothing of it. */
  readonly status: 'firing' | 'resolved';
  /** The columns that drifted in the last window that had any; none for `performance` and `health`. */
  readonly columns: readonly string[];
  /** Number of the window that it was decided by; for `performance`, of the period, from 1. */
  readonly window: number;
  /** Number of the first window or period in the row that had reason to. */
  readonly since: number;
  /** All this in words. */
  readonly summary: string;
}

/** Where one kind of alert stands. */
export interface AlertState {
  readonly kind: AlertKind;
  /** Windows in a row that had reason to alert, those that could not be judged left out. */
  readonly windows: number;
  /** Number of the first of them; 0 when there is none. */
  readonly since: number;
  readonly columns: readonly string[];
  /** What the last of them had found, in words. */
  readonly what: string;
  /** Whether somebody was told that it fires. */
  readonly told: boolean;
  /** When that was last, epoch milliseconds. */
  readonly toldAt: number | null;
}

/** What one window or period has to say to one kind of alert. */
export interface AlertFinding {
  readonly kind: AlertKind;
  /** Number of the window or period. */
  readonly number: number;
  /** Whether there was enough to judge by. */
  readonly judged: boolean;
  /** Whether there is reason to alert. */
  readonly found: boolean;
  readonly columns: readonly string[];
  /** What was found, in words. */
  readonly what: string;
}

/** How alerts are decided. */
export interface AlertingContext {
  /** Name of the monitor. */
  readonly monitor: string;
  readonly settings: AlertSettings;
  readonly now: number;
}

/** What the verdict on a window has to say to the alerts about drift. */
export function driftFindings({ columns, window: { number } }: DriftVerdict): AlertFinding[] {
  return (['data-drift', 'prediction-drift'] as const).map((kind) => {
    const judged = columns.filter(({ role, status }) => (role === 'prediction') === (kind === 'prediction-drift') && status !== 'insufficient');
    const drifted = judged.filter(({ status }) => status === 'drifted').map(({ name }) => name);
    const what = `the ${kind === 'data-drift' ? 'data' : 'prediction'} drifted (${namesOf(drifted)})`;
    return { kind, number, judged: judged.length > 0, found: drifted.length > 0, columns: drifted, what };
  });
}

/** Where the alerts stand after another window or period, and what is to be told. Pure. */
export function nextAlerts(before: readonly AlertState[], findings: readonly AlertFinding[], context: AlertingContext): { states: AlertState[]; alerts: DriftAlert[] } {
  const alerts: DriftAlert[] = [];
  const states = new Map(before.map((state) => [state.kind, state]));
  for (const finding of findings) {
    const { kind } = finding;
    const state = states.get(kind) ?? { kind, windows: 0, since: 0, columns: [], what: '', told: false, toldAt: null };
    const next = nextState(state, finding, context);
    states.set(kind, next);
    if (next.told !== state.told) alerts.push(next.told ? alertOf(next, 'firing', finding, context) : alertOf(state, 'resolved', finding, context));
  }
  return { states: [...states.values()], alerts };
}

function nextState(state: AlertState, { judged, found, number, columns, what }: AlertFinding, { settings, now }: AlertingContext): AlertState {
  // Nothing to judge by is no good news.
  if (!judged) return state;
  if (!found) return { ...state, columns: [], what: '', windows: 0, since: 0, told: false };
  const next = { ...state, columns, what, windows: state.windows + 1, since: state.windows === 0 ? number : state.since };
  return isToTell(next, settings, now) ? { ...next, told: true, toldAt: now } : next;
}

function isToTell({ windows, told, toldAt }: AlertState, settings: AlertSettings, now: number): boolean {
  return !told && windows >= settings.windows && (toldAt === null || now - toldAt >= settings.cooldownMs);
}

function alertOf({ kind, since, columns, windows, what }: AlertState, status: DriftAlert['status'], { number }: AlertFinding, { monitor, settings }: AlertingContext): DriftAlert {
  const unit = kind === 'performance' ? 'period' : 'window';
  const summary =
    status === 'firing'
      ? `Monitor '${monitor}': ${what} in ${windows === 1 ? `${unit} ${since}` : `${windows} ${unit}s in a row, from ${since} to ${number}`}.`
      : `Monitor '${monitor}': resolved in ${unit} ${number}; ${what} since ${unit} ${since}.`;
  return { id: `${monitor}/${kind}/${since}`, monitor, kind, severity: settings.severity[kind], status, columns, window: number, since, summary };
}

function namesOf(columns: readonly string[]): string {
  return columns.length > 5 ? `${columns.slice(0, 5).join(', ')} and ${columns.length - 5} more` : columns.join(', ');
}
