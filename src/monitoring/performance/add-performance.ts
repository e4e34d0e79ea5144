import type { NewAuditEvent } from '../../core/audit.ts';
import type { HeadChange } from '../../storage/head-record.ts';
import type { AlertSettings } from '../alerts/alert-options.ts';
import { nextAlerts, type AlertFinding } from '../alerts/alert-state.ts';
import { attributeLoss, canBeCompared } from '../attribution/attribute-loss.ts';
import type { PlaceGrid } from '../attribution/feature-places.ts';
import { followConcept, type PeriodConcept } from '../concept/follow-concept.ts';
import type { MonitorState } from '../monitor-state.ts';
import type { PeriodPerformance } from './judge-period.ts';
import type { MeasuredPeriod } from './measure-periods.ts';
import type { PerformanceSettings } from './performance-options.ts';

/** Periods that were judged for good. */
export interface JudgedPeriods {
  /** Name of the monitor. */
  readonly name: string;
  /** In the order of time. */
  readonly measured: readonly MeasuredPeriod[];
  /** No period before it is judged again. */
  readonly judgedTo: number;
  readonly now: number;
  readonly alerting: AlertSettings;
  readonly settings: PerformanceSettings;
  /** The bins that are kept with each prediction; absent when none are. */
  readonly grid: PlaceGrid | undefined;
}

/** The next state of a monitor, with an event for each period that no other process has judged before, and for each alert that this makes; `undefined` when there is none. */
export function addPerformance(before: MonitorState | undefined, { name, measured, judgedTo, now, alerting, settings, grid }: JudgedPeriods): HeadChange<MonitorState> | undefined {
  const news = measured.filter(({ performance: { start } }) => start >= (before?.performance?.judgedTo ?? 0));
  if (before === undefined || news.length === 0) return undefined;
  const subject = { kind: 'monitor', id: name } as const;
  const events: NewAuditEvent[] = [];
  let { alerts } = before;
  let periods = before.performance?.periods ?? 0;
  let last: PeriodPerformance | undefined;
  let { concept, well } = before.performance ?? {};
  // Losses of another metric are in another unit.
  if (before.performance?.last.metric !== settings.metric) well = undefined;
  for (const { performance, losses, places } of news) {
    const followed = losses && settings.concept && followConcept(concept, losses, { metric: settings.metric, settings: settings.concept });
    concept = followed?.state ?? concept;
    const sums = places?.stored();
    const ill = performance.status === 'violated' || followed?.report.status === 'drift';
    const attribution = ill && sums && grid ? attributeLoss(well, sums, grid, settings.confidence) : undefined;
    if (performance.status === 'held' && !ill && sums && canBeCompared(sums)) well = sums;
    const period = { ...performance, ...(followed && { concept: followed.report }), ...(attribution && { attribution }) };
    last = period;
    const findings = [findingOf(period, ++periods), ...(followed ? [conceptFinding(followed.report, periods)] : [])];
    const next = nextAlerts(alerts, findings, { monitor: name, settings: alerting, silences: before.silences ?? [], now });
    events.push({ type: 'performance', subject, data: period }, ...next.alerts.map((data) => ({ type: 'alert', subject, data })));
    alerts = next.states;
  }
  return { state: { ...before, alerts, performance: { judgedTo, periods, last: last!, ...(concept && { concept }), ...(well && { well }) } }, events };
}

function findingOf({ metric, status, value, low, high, start, labelled }: PeriodPerformance, number: number): AlertFinding {
  const figures = `${metric} ${shortly(value)} (${shortly(low)} to ${shortly(high)}, ${labelled} labels, from ${new Date(start).toISOString()})`;
  return { kind: 'performance', number, judged: status !== 'insufficient', found: status === 'violated', columns: [], what: `the performance is out of bounds, ${figures}` };
}

/** What the losses have to say to the alerts. */
function conceptFinding({ status, versions }: PeriodConcept, number: number): AlertFinding {
  const changes = Object.entries(versions).flatMap(([version, { change, loss }]) => {
    if (change === undefined) return [];
    return [`${version === '' ? '' : `of version ${version} `}from ${shortly(change.before)} to ${shortly(loss)}, since ${new Date(change.at).toISOString()}`];
  });
  return { kind: 'concept', number, judged: status !== 'insufficient', found: status === 'drift', columns: [], what: `the mean loss changed ${changes.join('; ')}` };
}

function shortly(value: number | null): string {
  return value === null ? '–' : String(Number(value.toPrecision(4)));
}
