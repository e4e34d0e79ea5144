import type { NewAuditEvent } from '../../core/audit.ts';
import type { HeadChange } from '../../storage/head-record.ts';
import type { AlertSettings } from '../alerts/alert-options.ts';
import { nextAlerts, type AlertFinding } from '../alerts/alert-state.ts';
import type { MonitorState } from '../monitor-state.ts';
import type { PeriodPerformance } from './judge-period.ts';

/** Periods that were judged for good. */
export interface JudgedPeriods {
  /** Name of the monitor. */
  readonly name: string;
  /** In the order of time. */
  readonly measured: readonly PeriodPerformance[];
  /** No period before it is judged again. */
  readonly judgedTo: number;
  readonly now: number;
  readonly alerting: AlertSettings;
}

/** The next state of a monitor, with an event for each period that no other process has judged before, and for each alert that this makes; `undefined` when there is none. */
export function addPerformance(before: MonitorState | undefined, { name, measured, judgedTo, now, alerting }: JudgedPeriods): HeadChange<MonitorState> | undefined {
  const news = measured.filter(({ start }) => start >= (before?.performance?.judgedTo ?? 0));
  if (before === undefined || news.length === 0) return undefined;
  const subject = { kind: 'monitor', id: name } as const;
  const events: NewAuditEvent[] = [];
  let { alerts } = before;
  let periods = before.performance?.periods ?? 0;
  for (const period of news) {
    const next = nextAlerts(alerts, [findingOf(period, ++periods)], { monitor: name, settings: alerting, silences: before.silences ?? [], now });
    events.push({ type: 'performance', subject, data: period }, ...next.alerts.map((data) => ({ type: 'alert', subject, data })));
    alerts = next.states;
  }
  return { state: { ...before, alerts, performance: { judgedTo, periods, last: news.at(-1)! } }, events };
}

function findingOf({ metric, status, value, low, high, start, labelled }: PeriodPerformance, number: number): AlertFinding {
  const figures = `${metric} ${shortly(value)} (${shortly(low)} to ${shortly(high)}, ${labelled} labels, from ${new Date(start).toISOString()})`;
  return { kind: 'performance', number, judged: status !== 'insufficient', found: status === 'violated', columns: [], what: `the performance is out of bounds, ${figures}` };
}

function shortly(value: number | null): string {
  return value === null ? '–' : String(Number(value.toPrecision(4)));
}
