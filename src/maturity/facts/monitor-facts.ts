import type { Digest } from '../../core/digest.ts';
import { escapeSegment } from '../../core/key.ts';
import type { AlertSeverity } from '../../monitoring/alerts/alert-options.ts';
import type { AlertKind, DriftAlert } from '../../monitoring/alerts/alert-state.ts';
import type { DriftVerdict, MonitorState } from '../../monitoring/monitor-state.ts';
import type { PeriodPerformance } from '../../monitoring/performance/judge-period.ts';
import { readHead } from '../../storage/head-record.ts';
import type { Assessment } from './assessment.ts';
import { eachEvent } from './event-pages.ts';

/** An alert that began to fire. */
export interface FiredAlert {
  readonly id: string;
  readonly kind: AlertKind;
  readonly severity: AlertSeverity;
  /** Epoch milliseconds. */
  readonly at: number;
  /** Whether nobody was told of it. */
  readonly silenced: boolean;
}

/** The last verdict of a monitor. */
export interface LastVerdict {
  /** When it was given, epoch milliseconds. */
  readonly at: number;
  /** How long its window was; absent when windows go by rows. */
  readonly windowMs?: number | undefined;
}

/** What a monitor has found. */
export interface MonitorFacts {
  readonly name: string;
  readonly reference: Digest;
  readonly lastVerdict?: LastVerdict | undefined;
  /** Predictions and labels of periods in the window that no label comes for any more, and in how many the metric was known. */
  readonly labels: { readonly periods: number; readonly measured: number; readonly predictions: number; readonly labelled: number };
  /** Those that began to fire in the window, the newest kept. */
  readonly fired: readonly FiredAlert[];
  /** Those that fire now, whenever they began. */
  readonly open: readonly FiredAlert[];
}

const mostFired = 1000;

/** Reads what a monitor has found; `undefined` when there is none of that name. */
export async function readMonitor(assessment: Assessment, name: string): Promise<MonitorFacts | undefined> {
  const { storage, options, from, now } = assessment;
  const key = `monitors/${escapeSegment(name)}`;
  const state = await readHead<MonitorState>({ storage, key }, options);
  if (state === undefined) return undefined;
  let lastVerdict: LastVerdict | undefined;
  const labels = { periods: 0, measured: 0, predictions: 0, labelled: 0 };
  let fired: FiredAlert[] = [];
  const open = new Map<string, FiredAlert>();
  for await (const { type, at, data } of eachEvent(assessment, key)) {
    if (at > now) continue;
    if (type === 'verdict') lastVerdict = { at, windowMs: windowOf(data as DriftVerdict) };
    else if (type === 'performance' && at >= from) addPeriod(labels, data as PeriodPerformance);
    else if (type === 'alert') {
      const alert = data as DriftAlert;
      if (alert.status === 'resolved') open.delete(alert.id);
      else {
        const { id, kind, severity, silenced } = alert;
        // One that was silenced is told again when the silence is over; it began before.
        const begun: FiredAlert = { id, kind, severity, at: open.get(id)?.at ?? at, silenced: silenced !== undefined };
        open.set(id, begun);
        if (at >= from) fired.push(begun);
        if (fired.length > 2 * mostFired) fired = fired.slice(-mostFired);
      }
    }
  }
  return { name, reference: state.reference, lastVerdict, labels, fired: fired.slice(-mostFired), open: [...open.values()] };
}

function windowOf({ window: { start, end } }: DriftVerdict): number | undefined {
  return start === undefined || end === undefined ? undefined : end - start;
}

function addPeriod(labels: { periods: number; measured: number; predictions: number; labelled: number }, { final, status, predictions, labelled }: PeriodPerformance): void {
  if (!final) return;
  labels.periods++;
  if (status !== 'insufficient') labels.measured++;
  labels.predictions += predictions;
  labels.labelled += labelled;
}
