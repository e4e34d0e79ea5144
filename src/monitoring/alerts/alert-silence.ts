import type { OperationOptions } from '../../core/progress.ts';
import type { AlertSeverity } from './alert-options.ts';
import type { AlertKind } from './alert-state.ts';

/** Which alerts a silence is about: those that fit all that it names. */
export interface AlertMatch {
  /** Of this kind. @default of any */
  readonly kind?: AlertKind | undefined;
  /** This bad. @default however bad */
  readonly severity?: AlertSeverity | undefined;
  /** About this column. An alert about several is silenced when silences in force name each of them. @default about whatever columns */
  readonly column?: string | undefined;
}

/** How alerts are silenced. */
export interface SilenceOptions {
  /** Which. @default all */
  readonly match?: AlertMatch | undefined;
  /** Until when, epoch milliseconds. */
  readonly until: number;
  /** Who wants it. */
  readonly by: string;
  /** Why. */
  readonly reason: string;
}

/** How a silence is ended before its time. */
export interface EndSilenceOptions extends OperationOptions {
  /** Who ends it. */
  readonly by: string;
  /** Why. */
  readonly reason: string;
}

/** Alerts that nobody is told of until a moment. */
export interface AlertSilence {
  /** What `endSilence()` takes. */
  readonly id: string;
  /** Which alerts. */
  readonly match: AlertMatch;
  /** Since when, epoch milliseconds. */
  readonly from: number;
  /** Until when, epoch milliseconds. */
  readonly until: number;
  /** Who wanted it. */
  readonly by: string;
  /** Why. */
  readonly reason: string;
}

/** What is known of an alert when it is decided whether somebody is told. */
interface Silenceable {
  readonly kind: AlertKind;
  readonly severity: AlertSeverity;
  readonly columns: readonly string[];
}

/** The silence that keeps an alert from being told, if any does. One that names a column does only when each column of the alert is named. */
export function silenceOf({ kind, severity, columns }: Silenceable, silences: readonly AlertSilence[], now: number): AlertSilence | undefined {
  const fitting = silences.filter(({ until, match }) => now < until && (match.kind ?? kind) === kind && (match.severity ?? severity) === severity);
  const whole = fitting.find(({ match }) => match.column === undefined);
  if (whole !== undefined || columns.length === 0) return whole;
  const named = new Set(fitting.map(({ match }) => match.column));
  return columns.every((column) => named.has(column)) ? fitting.find(({ match }) => match.column === columns[0]) : undefined;
}
