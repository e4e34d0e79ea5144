import type { DriftVerdict } from '../monitor-state.ts';
import type { AlertSettings, AlertSeverity } from './alert-options.ts';

/** What an alert is about: the features of a model, or its predictions. */
export type AlertKind = 'data-drift' | 'prediction-drift';

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
  /** The columns that drifted in the last window that had any. */
  readonly columns: readonly string[];
  /** Number of the window that it was decided by. */
  readonly window: number;
  /** Number of the first window in the row that drifted. */
  readonly since: number;
  /** All this in words. */
  readonly summary: string;
}

/** Where one kind of alert stands. */
export interface AlertState {
  readonly kind: AlertKind;
  /** Windows in a row that drifted, those that could not be judged left out. */
  readonly windows: number;
  /** Number of the first of them; 0 when there is none. */
  readonly since: number;
  readonly columns: readonly string[];
  /** Whether somebody was told that it fires. */
  readonly told: boolean;
  /** When that was last, epoch milliseconds. */
  readonly toldAt: number | null;
}

const kinds: readonly AlertKind[] = ['data-drift', 'prediction-drift'];

/** Where the alerts stand after the verdict on another window, and what is to be told. Pure. */
export function nextAlerts(before: readonly AlertState[], verdict: DriftVerdict, settings: AlertSettings, now: number): { states: AlertState[]; alerts: DriftAlert[] } {
  const alerts: DriftAlert[] = [];
  const states = kinds.map((kind) => {
    const state = before.find((each) => each.kind === kind) ?? { kind, windows: 0, since: 0, columns: [], told: false, toldAt: null };
    const judged = verdict.columns.filter(({ role, status }) => (role === 'prediction') === (kind === 'prediction-drift') && status !== 'insufficient');
    const columns = judged.filter(({ status }) => status === 'drifted').map(({ name }) => name);
    if (columns.length > 0) {
      const number = verdict.window.number;
      const found = { ...state, columns, windows: state.windows + 1, since: state.windows === 0 ? number : state.since };
      if (!isToTell(found, settings, now)) return found;
      alerts.push(alertOf(found, 'firing', verdict, settings));
      return { ...found, told: true, toldAt: now };
    }
    // Nothing to judge by is no good news.
    if (judged.length === 0) return state;
    if (state.told) alerts.push(alertOf(state, 'resolved', verdict, settings));
    return { ...state, columns: [], windows: 0, since: 0, told: false };
  });
  return { states, alerts };
}

function isToTell({ windows, told, toldAt }: AlertState, settings: AlertSettings, now: number): boolean {
  return !told && windows >= settings.windows && (toldAt === null || now - toldAt >= settings.cooldownMs);
}

function alertOf({ kind, since, columns, windows }: AlertState, status: DriftAlert['status'], { monitor, window }: DriftVerdict, settings: AlertSettings): DriftAlert {
  const what = kind === 'data-drift' ? `the data drifted (${namesOf(columns)})` : `the prediction drifted (${namesOf(columns)})`;
  const summary =
    status === 'firing'
      ? `Monitor '${monitor}': ${what} in ${windows === 1 ? `window ${since}` : `${windows} windows in a row, from ${since} to ${window.number}`}.`
      : `Monitor '${monitor}': resolved in window ${window.number}; ${what} since window ${since}.`;
  return { id: `${monitor}/${kind}/${since}`, monitor, kind, severity: settings.severity[kind], status, columns, window: window.number, since, summary };
}

function namesOf(columns: readonly string[]): string {
  return columns.length > 5 ? `${columns.slice(0, 5).join(', ')} and ${columns.length - 5} more` : columns.join(', ');
}
