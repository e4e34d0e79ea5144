import type { AuditEvent } from '../../core/audit.ts';
import { html, type Html } from '../../report/markup/html.ts';
import type { NewestPage } from '../../storage/newest-events.ts';
import type { UiCall } from '../call.ts';
import { table } from '../page/table.ts';

/** The newest events that a page has. */
export const mostEvents = 200;

/** What happened, oldest first as it is given, and shown the newest first: when, who, what, why, and the facts of it. */
export function eventsTable(call: UiCall, caption: string, events: readonly AuditEvent[]): Html {
  const shown = events.slice(-mostEvents).reverse();
  return html`${events.length > shown.length && html`<p class="muted">Showing the newest ${call.formats.count(shown.length)} of ${call.formats.count(events.length)} events.</p>`}${tableOf(call, caption, shown)}`;
}

/** A part of what happened, with what it leaves out and the way there. */
export function eventsPage(call: UiCall, caption: string, page: NewestPage, place: PagePlace): Html {
  return html`${leftOut(call, page, 'events', place)}${tableOf(call, caption, page.events)}${pageLinks(page, place)}`;
}

/** Where a page of a history stands. */
export interface PagePlace {
  /** The sequence that it ends before; absent on the first one. */
  readonly before: number | undefined;
  /** The address of the page that ends before a sequence, or of the first one. */
  readonly at: (before?: number) => string;
}

/** Says how many of all a page shows, where these are not all. */
export function leftOut({ formats }: UiCall, { events, total }: NewestPage, what: string, { before }: PagePlace): Html {
  const shown = formats.count(events.length);
  return html`${events.length < total && html`<p class="muted">${before === undefined ? `Showing the newest ${shown}` : `Showing ${shown} older ones`} of ${formats.count(total)} ${what}.</p>`}`;
}

/** Links to the pages of a history around one. */
export function pageLinks({ older }: NewestPage, { before, at }: PagePlace): Html {
  if (before === undefined && older === undefined) return html``;
  return html`<p class="actions">${before !== undefined && html`<a href="${at()}">Newest</a>`} ${older !== undefined && html`<a rel="next" href="${at(older)}">Older</a>`}</p>`;
}

function tableOf({ formats }: UiCall, caption: string, newest: readonly AuditEvent[]): Html {
  const rows = newest.map(({ id, at, by, type, reason, data }) => [formats.time(at), by === undefined ? '–' : html`<bdi>${by}</bdi>`, type, reason === undefined ? '–' : html`<bdi>${reason}</bdi>`, factsOf(`event-${id}`, data, formats.value)]);
  const columns = ['When', 'Who', 'What', 'Why', 'Facts'].map((head) => ({ head }));
  return table({ caption, columns, rows, empty: 'Nothing has happened yet.' });
}

function factsOf(id: string, data: unknown, value: (value: unknown) => string): Html {
  const text = value(data);
  if (data === null || data === undefined || text === '{}') return html`–`;
  return text.length <= 80 ? html`<code><bdi>${text}</bdi></code>` : html`<details id="${id}"><summary>${Object.keys(data).slice(0, 4).join(', ')}</summary><pre class="facts-text">${text.slice(0, 4000)}${text.length > 4000 && '…'}</pre></details>`;
}
