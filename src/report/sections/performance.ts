import { performanceOverTime, type PerformanceHistory } from '../charts/performance-over-time.ts';
import { html } from '../markup/html.ts';
import type { ReportContext } from '../page/context.ts';
import { figureOf } from '../page/figure.ts';
import type { Section } from '../page/section.ts';
import { tableOf } from '../page/table.ts';
import { badge, prose } from './badge.ts';

/** The performance of a model in time. */
export interface PerformancePart extends PerformanceHistory {
  /** Heading of the part. @default the metric over time */
  readonly title?: string | undefined;
}

const mostAlerts = 100;
const mostVersions = 50;

/** The performance of a model period after period, with the alerts about it, and the last period by version. */
export function performanceSection({ title, ...history }: PerformancePart, context: ReportContext, id: string): Section {
  const chart = performanceOverTime(history, { timeZone: context.timeZone });
  const alerts = (history.alerts ?? []).filter(({ data }) => data.kind === 'performance' || data.kind === 'concept').toReversed();
  const versions = Object.entries(history.periods.at(-1)?.versions ?? {});
  const body = html`${figureOf(chart, `${id}-chart`)}${
    versions.length > 1 &&
    html`<h3>The last period by version</h3>${tableOf({ caption: 'The last period by version', columns: ['version', 'value', 'low', 'high', 'verdict', 'predictions', 'with label'], rows: versions.slice(0, mostVersions).map(([version, { value, low, high, status, predictions, labelled }]) => [version, value, low, high, status, predictions, labelled]) })}`
  }${
    alerts.length > 0 &&
    html`<h3>Alerts</h3>${alerts.length > mostAlerts && html`<p>Showing the last ${mostAlerts} of ${alerts.length}.</p>`}${tableOf({
      caption: 'Alerts about performance, newest first',
      columns: ['when', 'state', 'severity', 'about', 'what'],
      rows: alerts.slice(0, mostAlerts).map(({ at, data }) => [{ shown: context.timeElement(at), sort: at }, badge(data.status === 'firing' ? { text: data.silenced === undefined ? 'firing' : 'firing, silenced', tone: 'bad' } : { text: 'resolved', tone: 'good' }), data.severity, data.kind, prose(data.summary)]),
      rowHeads: false,
    })}`
  }`;
  return { id, title: title ?? `Performance: ${history.periods.at(-1)?.metric ?? 'nothing judged'}`, body };
}
