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

/** A table whose heads may be links. It scrolls sideways within itself where it is wide, by the keyboard too. */
export function table({ caption, columns, rows, empty = 'None.' }: { caption: string; columns: readonly TableColumn[]; rows: readonly (readonly Cell[])[]; empty?: Cell }): Html {
  if (rows.length === 0) return html`<p class="muted">${empty}</p>`;
  return html`<div class="scroll" role="group" aria-label="${caption}" tabindex="0"><table>
<caption class="hidden">${caption}</caption>
<thead><tr>${columns.map(({ head, numeric, sorted }) => html`<th scope="col"${numeric && html` class="n"`}${sorted && html` aria-sort="${sorted}"`}>${head}</th>`)}</tr></thead>
<tbody>${rows.map((row) => html`<tr>${row.map((cell, i) => html`<td${columns[i]?.numeric && html` class="n"`}>${cell}</td>`)}</tr>
`)}</tbody></table></div>`;
}

/** Facts by name; those that are not known are left out. */
export function facts(entries: readonly (readonly [name: string, value: Cell])[]): Html {
  return html`<dl class="facts">${entries.filter(([, value]) => value !== undefined && value !== '').map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
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
  const long = text.length > 120;
  // In a table, a name is not to be squeezed to a column of letters.
  const name = text.length > 12;
  return html`<a href="${href}"${name && html` class="name${long && ' long'}"`}${(title !== undefined || long) && html` title="${title ?? text}"`}><bdi>${seen(text)}</bdi></a>`;
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
