import { escapeSegment } from '../../core/key.ts';
import { NotFoundError } from '../../core/errors.ts';
import type { AlertEvent } from '../../monitoring/alerts/alert-source.ts';
import type { AuditEvent } from '../../core/audit.ts';
import { html, type Html } from '../../report/markup/html.ts';
import { DriftMonitor } from '../../monitoring/drift-monitor.ts';
import type { DriftVerdict, MonitorState } from '../../monitoring/monitor-state.ts';
import type { PeriodPerformance } from '../../monitoring/performance/judge-period.ts';
import { driftSection } from '../../report/sections/drift.ts';
import { performanceSection } from '../../report/sections/performance.ts';
import { readHead, readHistory } from '../../storage/head-record.ts';
import type { UiCall, UiPage } from '../call.ts';
import { facts, link, liveLead, livePart, state, table, type Cell } from '../page/table.ts';
import { eventsTable } from './events.ts';

const folder = 'monitors/';
const mostVerdicts = 100;

/** The monitors of a store, with what fires. */
export async function monitorsPage(call: UiCall): Promise<UiPage> {
  const { store, query, links, formats, signal } = call;
  const { items, damaged, next } = await DriftMonitor.list({ storage: store.storage, limit: 25, after: query.text('after'), signal });
  const rows = items.map(({ name, windows, firing }): Cell[] => [
    link(links.to('monitor', { name }), name),
    firing.length === 0 ? 'nothing' : firing.map(({ kind }) => html`${state('firing')} ${kind} `),
    firing.flatMap(({ columns }) => columns).join(', '),
    formats.count(windows),
  ]);
  for (const { name } of damaged) rows.push([html`<bdi>${name}</bdi>`, state('damaged'), '–', '–']);
  const columns = [{ head: 'Monitor' }, { head: 'What fires' }, { head: 'Columns' }, { head: 'Windows judged', numeric: true }];
  const body = html`${table({ caption: 'Monitors', columns, rows, empty: html`No monitor was stored yet. See <code>new DriftMonitor({ storage, name, reference, window })</code>.` })}
${next !== undefined && html`<p class="actions"><a rel="next" href="${links.to('monitors', { after: next })}">Next page</a></p>`}`;
  return { title: 'Monitors', trail: [], body };
}

/** A monitor: its last verdict, those before, how good the predictions were, and its alerts. */
export async function monitorPage(call: UiCall): Promise<UiPage> {
  const { store, query, links, formats, signal } = call;
  const name = query.required('name');
  const at = { storage: store.storage, key: `${folder}${escapeSegment(name)}` };
  const head = await readHead<MonitorState>(at, { signal });
  if (head === undefined) throw new NotFoundError(`There is no monitor '${name}' in this store.`, { key: name });
  const events = await readHistory(at, { signal });
  const verdicts = events.filter(({ type }) => type === 'verdict') as AuditEvent<string, DriftVerdict>[];
  const periods = events.filter(({ type }) => type === 'performance') as AuditEvent<string, PeriodPerformance>[];
  const asked = query.text('window');
  const verdict = (asked === undefined ? verdicts.at(-1) : verdicts.find(({ data }) => String(data.window.number) === asked))?.data;
  const firing = head.alerts.filter(({ told }) => told);
  const body = html`${liveLead(facts([
    ['Fires', firing.length === 0 ? 'nothing' : firing.map(({ kind, what }) => html`${state('firing')} ${kind}: <bdi>${what}</bdi> `)],
    ['Windows judged', formats.count(head.windows)],
    ['Rows in open windows', formats.count(head.open.reduce((sum, { rows }) => sum + rows, 0))],
    ['Reference', html`<code>${head.reference}</code>`],
  ]))}
${verdict === undefined ? livePart('verdict', 'Verdict', html`<p class="muted">No window was closed yet.</p>`) : livePart('verdict', `Window ${verdict.window.number}`, driftSection(verdict, formats.context, 'drift').body)}
${livePart('verdicts', 'Windows', verdictsTable(call, name, verdicts))}
${periods.length > 0 && livePart('performance', 'Performance', performanceSection({ periods: periods.map(({ data }) => data), alerts: events.filter(({ type }) => type === 'alert') as AlertEvent[] }, formats.context, 'measured').body)}
${livePart('alerts', 'Alerts and silences', eventsTable(call, 'Alerts and silences', events.filter(({ type }) => type !== 'verdict' && type !== 'performance')))}`;
  return { title: name, trail: [{ title: 'Monitors', href: links.to('monitors') }], body, live: links.to('live', { of: 'monitor', name }) };
}

function verdictsTable({ links, formats }: UiCall, name: string, verdicts: readonly AuditEvent<string, DriftVerdict>[]): Html {
  const shown = verdicts.slice(-mostVerdicts).reverse();
  const rows = shown.map(({ data: { window, status, driftedColumns } }) => [link(`${links.to('monitor', { name, window: window.number })}#verdict`, String(window.number)), state(status), formats.time(window.from), formats.time(window.to), formats.count(window.rows), html`<bdi>${driftedColumns.join(', ') || '–'}</bdi>`]);
  return html`${verdicts.length > shown.length && html`<p class="muted">Showing the newest ${formats.count(shown.length)} of ${formats.count(verdicts.length)} windows.</p>`}${table({ caption: 'Windows', columns: [{ head: 'Window' }, { head: 'Verdict' }, { head: 'From' }, { head: 'To' }, { head: 'Rows', numeric: true }, { head: 'Drifted' }], rows, empty: 'No window was closed yet.' })}`;
}
