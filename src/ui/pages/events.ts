import type { AuditEvent } from '../../core/audit.ts';
import { html, type Html } from '../../report/markup/html.ts';
import type { NewestPage } from '../../storage/newest-events.ts';
import type { UiCall } from '../call.ts';
import { factLine } from '../page/fact-line.ts';
import { nameText, prose, table } from '../page/table.ts';

/** The newest events that a page has. */
export const mostEvents = 200;
/** What of an event's facts is read at a glance: no ids. */
const inSummary = { most: 4, longest: 30 };
const mostNames = 4;

/** What happened, oldest first as it is given, and shown the newest first: when, who, what, why, and the facts of it. */
export function eventsTable(call: UiCall, caption: string, events: readonly AuditEvent[]): Html {
  const shown = events.slice(-mostEvents).reverse();
  return html`${events.length > shown.length && html`<p class="muted">Showing the newest ${call.formats.count(shown.length)} of ${call.formats.count(events.length)} events.</p>`}${newestTable(call, caption, shown)}`;
}

/** A part of what happened, with what it leaves out and the way there. */
export function eventsPage(call: UiCall, caption: string, page: NewestPage, place: PagePlace): Html {
  return html`${leftOut(call, page, 'events', place)}${newestTable(call, caption, page.events)}${pageLinks(page, place)}`;
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

/** What happened, the newest first as it is given. */
export function newestTable({ formats }: UiCall, caption: string, newest: readonly AuditEvent[], empty = 'Nothing has happened yet.'): Html {
  const rows = newest.map(({ id, at, by, type, reason, data }) => [formats.time(at), by === undefined ? '–' : nameText(by), nameText(type), reason === undefined ? '–' : prose(reason), factsOf(`event-${id}`, data, formats.value)]);
  const columns = ['When', 'Who', 'What', 'Why', 'Facts'].map((head) => ({ head }));
  return table({ caption, columns, rows, empty });
}

/** The facts of an event: short ones in a line; all of them, as they are stored, behind a click where that is not all. */
function factsOf(id: string, data: unknown, value: (value: unknown) => string): Html {
  if (data === null || typeof data !== 'object' || Object.keys(data).length === 0) return html`–`;
  const { line, others } = factLine(data as Readonly<Record<string, unknown>>, value, inSummary);
  if (others.length === 0) return html`<span class="prose">${line}</span>`;
  const text = value(data);
  return html`<details class="prose" id="${id}"><summary>${line}${others.length < Object.keys(data).length && '; '}${others.slice(0, mostNames).join(', ')}${others.length > mostNames && '…'}</summary><pre class="facts-text">${text.slice(0, 4000)}${text.length > 4000 && '…'}</pre></details>`;
}
