import type { AuditEvent } from '../../core/audit.ts';
import { html, type Html } from '../../report/markup/html.ts';
import type { UiCall } from '../call.ts';
import { table } from '../page/table.ts';

/** The newest events that a page has. */
const mostEvents = 200;

/** What happened, the newest first: when, who, what, why, and the facts of it. */
export function eventsTable({ formats }: UiCall, caption: string, events: readonly AuditEvent[]): Html {
  const shown = events.slice(-mostEvents).reverse();
  const rows = shown.map(({ id, at, by, type, reason, data }) => [formats.time(at), by === undefined ? '–' : html`<bdi>${by}</bdi>`, type, reason === undefined ? '–' : html`<bdi>${reason}</bdi>`, factsOf(`event-${id}`, data, formats.value)]);
  const columns = ['When', 'Who', 'What', 'Why', 'Facts'].map((head) => ({ head }));
  return html`${events.length > shown.length && html`<p class="muted">Showing the newest ${formats.count(shown.length)} of ${formats.count(events.length)} events.</p>`}${table({ caption, columns, rows, empty: 'Nothing has happened yet.' })}`;
}

function factsOf(id: string, data: unknown, value: (value: unknown) => string): Html {
  const text = value(data);
  if (data === null || data === undefined || text === '{}') return html`–`;
  return text.length <= 80 ? html`<code><bdi>${text}</bdi></code>` : html`<details id="${id}"><summary>${Object.keys(data).slice(0, 4).join(', ')}</summary><pre class="facts-text">${text.slice(0, 4000)}${text.length > 4000 && '…'}</pre></details>`;
}
