import { html, type Html, type HtmlValue } from '../../report/markup/html.ts';
import { seen } from './seen.ts';

/** What a cell shows. */
export type Cell = HtmlValue;

/** A column of a table. */
export interface TableColumn {
  readonly head: Cell;
  /** Numbers stand at the end. */
  readonly numeric?: boolean | undefined;
  /** In which order the rows are by this column, where they are. */
  readonly sorted?: 'ascending' | 'descending' | undefined;
}

/** What a table is made of. */
export interface TableParts {
  readonly caption: string;
  readonly columns: readonly TableColumn[];
  readonly rows: readonly (readonly Cell[])[];
  /** What stands in the place of a table without rows. @default 'None.' */
  readonly empty?: Cell;
  /** Whether its heads sort it and a field filters it, where there is script; it has all rows there are, then, in a frame of its own where they are many. */
  readonly sortable?: boolean;
}

/** So many rows of a table that sorts stand in the page as they are. */
const mostRowsWhole = 25;

/** A table whose heads may be links. It scrolls sideways within itself where it is wide, by the keyboard too. */
export function table({ caption, columns, rows, empty = 'None.', sortable = false }: TableParts): Html {
  if (rows.length === 0) return html`<p class="muted">${empty}</p>`;
  const many = sortable && rows.length > mostRowsWhole;
  return html`<div class="scroll${many && ' tall'}" role="group" aria-label="${caption}" tabindex="0"><table${sortable && html` data-sortable`}>
<caption class="hidden">${caption}</caption>
<thead><tr>${columns.map(({ head, numeric, sorted }) => html`<th scope="col"${numeric && html` class="n"`}${sorted && html` aria-sort="${sorted}"`}>${head}</th>`)}</tr></thead>
<tbody>${rows.map((row) => html`<tr>${row.map((cell, i) => html`<td${columns[i]?.numeric && html` class="n"`}>${cell}</td>`)}</tr>
`)}</tbody></table></div>`;
}

/** Facts by name; those that are not known are left out. */
export function facts(entries: readonly (readonly [name: string, value: Cell])[]): Html {
  const known = entries.filter(([, value]) => value !== undefined && value !== '');
  return known.length === 0 ? html`` : html`<dl class="facts">${known.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}

/** A part of a page under a heading of its own, which stays as it was loaded. */
export function part(id: string, title: string, body: Cell): Html {
  return sectionOf(id, title, body, false);
}

/** A part of a page that is taken in anew when it is not what it was. It has no field that a reader writes in. */
export function livePart(id: string, title: string, body: Cell): Html {
  return sectionOf(id, title, body, true);
}

/** What stands above the parts of a page, and is taken in anew as they are. */
export function liveLead(body: Cell): Html {
  return html`<div id="lead" class="live-part">${body}</div>`;
}

function sectionOf(id: string, title: string, body: Cell, live: boolean): Html {
  return html`<section id="${id}"${live && html` class="live-part"`} aria-labelledby="${id}-heading"><h2 id="${id}-heading">${title}</h2>${body}</section>`;
}

/** A link. A name in whatever script keeps to itself how it is read; a very long one is cut by the page, and whole in its title. */
export function link(href: string, text: string, title?: string): Html {
  const kind = widthOf(text);
  return html`<a href="${href}"${kind && html` class="${kind}"`}${(title !== undefined || text.length > longest) && html` title="${title ?? text}"`}><bdi>${seen(text)}</bdi></a>`;
}

/** A name without a page of its own, as {@link link} shows those that have one. */
export function nameText(text: string): Html {
  const kind = widthOf(text);
  return html`<bdi${kind && html` class="${kind}"`}${text.length > longest && html` title="${text}"`}>${seen(text)}</bdi>`;
}

/** A sentence of somebody's in a cell, which has room for a few words in each line. */
export function prose(text: string): Html {
  return html`<bdi class="prose">${text}</bdi>`;
}

/** The digest of bytes, whole, for whoever compares it. */
export function digest(text: string): Html {
  return html`<code class="digest">${text}</code>`;
}

/** Names longer than this are cut. */
const longest = 120;

/** What a name is in a table: whole on its line where it is short, an id, or an id and its kind; and else not squeezed to a column of letters. */
function widthOf(text: string): string {
  if (text.length <= (/\s.*\s/.test(text) ? 20 : 48)) return 'whole';
  return text.length > longest ? 'name long' : 'name';
}

/** A state, as a badge that says it in words. */
export function state(word: string): Html {
  const kind = kinds.find(([words]) => words.includes(word))?.[1];
  return html`<span class="badge${kind !== undefined && ` ${kind}`}">${word}</span>`;
}

const kinds: readonly (readonly [words: readonly string[], kind: 'good' | 'bad' | 'warn'])[] = [
  [['finished', 'succeeded', 'passed', 'production', 'promoted', 'stable', 'fresh', 'resolved', 'success', 'held', 'better'], 'good'],
  [['failed', 'crashed', 'drifted', 'rolled-back', 'aborted', 'firing', 'refused', 'stale', 'damaged', 'mismatch', 'violated', 'worse', 'harmed', 'error'], 'bad'],
  [['running', 'step', 'shadow', 'keep', 'promoting', 'restoring', 'staging', 'waiting', 'interrupted', 'paused', 'retired', 'deleted'], 'warn'],
];
