import type { DriftVerdict } from '../monitor-state.ts';
import type { AlertSettings, AlertSeverity } from './alert-options.ts';
import { silenceOf, type AlertSilence } from './alert-silence.ts';

/** What an alert is about: the features of a model, its predictions, how good they were, whether their losses have changed, how good they are estimated to be, how the system around it does, or the quality of its data. */
export type AlertKind = 'data-drift' | 'prediction-drift' | 'performance' | 'concept' | 'estimate' | 'health' | 'quality';

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
  /** The columns that drifted, or whose quality was out of bounds, in the last window that had any; none for `performance`, `concept`, `estimate` and `health`. */
  readonly columns: readonly string[];
  /** Number of the window that it was decided by; for `performance` and `concept`, of the period, from 1. */
  readonly window: number;
  /** Number of the first window or period in the row that had reason to. */
  readonly since: number;
  /** Id of the silence for which nobody was told; absent when somebody was. */
  readonly silenced?: string | undefined;
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
  /** When the first of them was judged, epoch milliseconds. */
  readonly sinceAt: number;
  /** Whether it fires. */
  readonly told: boolean;
  /** Id of the silence for which nobody was told that it does. */
  readonly silenced: string | null;
  /** When somebody was told last, epoch milliseconds. */
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
  readonly silences: readonly AlertSilence[];
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
    const state = states.get(kind) ?? { kind, windows: 0, since: 0, columns: [], what: '', sinceAt: 0, told: false, silenced: null, toldAt: null };
    const next = nextState(state, finding, context);
    states.set(kind, next);
    // Who was kept from hearing of it hears when the silence is over; who was not told that it fires is not told that it ended.
    if (next.told && (!state.told || next.silenced !== state.silenced)) alerts.push(alertOf(next, 'firing', finding, context));
    if (state.told && !next.told) alerts.push(alertOf(state, 'resolved', finding, context));
  }
  return { states: [...states.values()], alerts };
}

function nextState(state: AlertState, { judged, found, number, columns, what }: AlertFinding, { settings, silences, now }: AlertingContext): AlertState {
  // Nothing to judge by is no good news.
  if (!judged) return state;
  if (!found) return { ...state, columns: [], what: '', windows: 0, since: 0, sinceAt: 0, told: false, silenced: null };
  const first = state.windows === 0;
  const next = { ...state, columns, what, windows: state.windows + 1, since: first ? number : state.since, sinceAt: first ? now : state.sinceAt };
  // One that somebody was told of goes on to fire, whatever is silenced meanwhile.
  if ((next.told && next.silenced === null) || !isToFire(next, settings, now)) return next;
  const silence = silenceOf({ kind: next.kind, severity: settings.severity[next.kind], columns }, silences, now);
  if (silence === undefined) return { ...next, told: true, silenced: null, toldAt: now };
  return { ...next, told: true, silenced: next.silenced ?? silence.id };
}

function isToFire({ windows, sinceAt, told, toldAt }: AlertState, { windows: least, forMs, cooldownMs }: AlertSettings, now: number): boolean {
  return told || (windows >= least && now - sinceAt >= forMs && (toldAt === null || now - toldAt >= cooldownMs));
}

function alertOf({ kind, since, columns, windows, what, silenced }: AlertState, status: DriftAlert['status'], { number }: AlertFinding, { monitor, settings }: AlertingContext): DriftAlert {
  const unit = kind === 'performance' || kind === 'concept' ? 'period' : 'window';
  const summary =
    status === 'firing'
      ? `Monitor '${monitor}': ${what} in ${windows === 1 ? `${unit} ${since}` : `${windows} ${unit}s in a row, from ${since} to ${number}`}.`
      : `Monitor '${monitor}': resolved in ${unit} ${number}; ${what} since ${unit} ${since}.`;
  return { id: `${monitor}/${kind}/${since}`, monitor, kind, severity: settings.severity[kind], status, columns, window: number, since, ...(silenced !== null && { silenced }), summary };
}

function namesOf(columns: readonly string[]): string {
  return columns.length > 5 ? `${columns.slice(0, 5).join(', ')} and ${columns.length - 5} more` : columns.join(', ');
}
