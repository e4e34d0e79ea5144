import { escapeSegment } from '../../core/key.ts';
import { NotFoundError } from '../../core/errors.ts';
import type { AlertEvent } from '../../monitoring/alerts/alert-source.ts';
import type { AuditEvent } from '../../core/audit.ts';
import { html, type Html } from '../../report/markup/html.ts';
import { listMonitors } from '../../monitoring/list-monitors.ts';
import type { DriftVerdict, MonitorState } from '../../monitoring/monitor-state.ts';
import type { PeriodPerformance } from '../../monitoring/performance/judge-period.ts';
import { driftSection } from '../../report/sections/drift.ts';
import { performanceSection } from '../../report/sections/performance.ts';
import { readHead } from '../../storage/head-record.ts';
import type { NewestEvents, NewestPage } from '../../storage/newest-events.ts';
import type { UiCall, UiPage } from '../call.ts';
import { digest, facts, link, liveLead, livePart, state, table, type Cell } from '../page/table.ts';
import { eventsPage, leftOut, mostEvents, pageLinks, type PagePlace } from './events.ts';

const folder = 'monitors/';
const mostVerdicts = 100;
/** As many as the picture of them has. */
const mostPeriods = 300;

/** The monitors of a store, with what fires. */
export async function monitorsPage(call: UiCall): Promise<UiPage> {
  const { store, query, links, formats, signal } = call;
  const { items, damaged, next } = await listMonitors({ storage: store.storage, limit: 25, after: query.text('after'), signal });
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
  const history = store.histories.of(at.key);
  const [before, alertsBefore] = [query.number('before'), query.number('alertsBefore')];
  const [verdicts, periods, told, judged] = await Promise.all([
    history.page({ limit: mostVerdicts, before, wants: (type) => type === 'verdict', signal }),
    history.page({ limit: mostPeriods, wants: (type) => type === 'performance', signal }),
    history.page({ limit: mostEvents, before: alertsBefore, wants: (type) => type !== 'verdict' && type !== 'performance', signal }),
    history.page({ limit: mostEvents, wants: (type) => type === 'alert', signal }),
  ]);
  const window = query.number('window');
  const verdict = await verdictOf(call, history, window);
  const firing = head.alerts.filter(({ told }) => told);
  const body = html`${liveLead(facts([
    ['Fires', firing.length === 0 ? 'nothing' : firing.map(({ kind, what }) => html`${state('firing')} ${kind}: <bdi>${what}</bdi> `)],
    ['Windows judged', formats.count(head.windows)],
    ['Rows in open windows', formats.count(head.open.reduce((sum, { rows }) => sum + rows, 0))],
    ['Reference', digest(head.reference)],
  ]))}
${verdict === undefined ? livePart('verdict', 'Verdict', html`<p class="muted">${window === undefined ? 'No window was closed yet.' : `There is no window ${window}.`}</p>`) : livePart('verdict', `Window ${verdict.window.number}`, driftSection(verdict, formats.context, 'drift').body)}
${livePart('verdicts', 'Windows', verdictsTable(call, verdicts, { before, at: (older) => `${links.to('monitor', { name, before: older, alertsBefore })}#verdicts` }))}
${periods.events.length > 0 && livePart('performance', 'Performance', performanceOf(call, periods, judged))}
${livePart('alerts', 'Alerts and silences', eventsPage(call, 'Alerts and silences', told, { before: alertsBefore, at: (older) => `${links.to('monitor', { name, before, alertsBefore: older })}#alerts` }))}`;
  return { title: name, trail: [{ title: 'Monitors', href: links.to('monitors') }], body, live: links.to('live', { of: 'monitor', name }) };
}

/** The verdict on a window, or the newest one; the windows of a monitor are numbered from 1, and each is judged once. */
async function verdictOf({ signal }: UiCall, history: NewestEvents, window: number | undefined): Promise<DriftVerdict | undefined> {
  const place = window === undefined ? undefined : await history.nth('verdict', window - 1, signal);
  if (window !== undefined && place === undefined) return undefined;
  const { events } = await history.page({ limit: 1, before: place === undefined ? undefined : place + 1, wants: (type) => type === 'verdict', signal });
  return events[0]?.data as DriftVerdict | undefined;
}

function verdictsTable(call: UiCall, page: NewestPage, place: PagePlace): Html {
  const { query, links, formats } = call;
  const name = query.required('name');
  const rows = (page.events as readonly AuditEvent<string, DriftVerdict>[]).map(({ data: { window, status, driftedColumns } }) => [link(`${links.to('monitor', { name, window: window.number })}#verdict`, String(window.number)), state(status), formats.time(window.from), formats.time(window.to), formats.count(window.rows), html`<bdi>${driftedColumns.join(', ') || '–'}</bdi>`]);
  return html`${leftOut(call, page, 'windows', place)}${table({ caption: 'Windows', columns: [{ head: 'Window' }, { head: 'Verdict' }, { head: 'From' }, { head: 'To' }, { head: 'Rows', numeric: true }, { head: 'Drifted' }], rows, empty: 'No window was closed yet.' })}${pageLinks(page, place)}`;
}

/** The newest periods, with the alerts about them. */
function performanceOf(call: UiCall, { events, total }: NewestPage, judged: NewestPage): Html {
  const { formats } = call;
  const periods = events.toReversed().map(({ data }) => data as PeriodPerformance);
  const passed = total - periods.length;
  // An alert names its period by number; those of the picture are counted from the first that it has.
  const alerts = (judged.events.toReversed() as AlertEvent[]).map((alert) => ({ ...alert, data: { ...alert.data, window: alert.data.window - passed } }));
  return html`${passed > 0 && html`<p class="muted">Showing the newest ${formats.count(periods.length)} of ${formats.count(total)} periods.</p>`}${performanceSection({ periods, alerts }, formats.context, 'measured').body}`;
}
