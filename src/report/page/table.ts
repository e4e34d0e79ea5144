import { formatNumber } from '../svg/format.ts';
import { html, Html } from '../markup/html.ts';

/** What a cell shows: numbers stand at the right and sort as numbers, null and undefined are an empty cell. */
export type Cell = string | number | null | undefined | Html | SortedCell;

/** A cell that sorts by something else than what it shows. */
export interface SortedCell {
  readonly shown: Html | string;
  readonly sort: number | string;
}

/** A table of a page. */
export interface PageTable {
  /** What the table is, for those who hear it. */
  readonly caption: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
  /** Whether heads sort and a field filters, where there is a script. @default false */
  readonly interactive?: boolean;
  /** Whether the first cell of each row is its head. @default true */
  readonly rowHeads?: boolean;
  /** Whether it scrolls in a frame of its own; one that opens within another table goes with that. @default true */
  readonly framed?: boolean;
}

/** A table, by default in a frame that scrolls. The first column names the row. End tags that HTML can do without are left out: they would be a fifth of a large table. */
export function tableOf({ caption, columns, rows, interactive = false, rowHeads = true, framed = true }: PageTable): Html {
  // A head of rows stands at the start, whatever it is.
  const numeric = columns.map((_, i) => !(rowHeads && i === 0) && rows.length > 0 && rows.every((row) => isNumeric(row[i])) && rows.some((row) => typeof sortKey(row[i]) === 'number'));
  // The class of a cell says what is rarer in its table: numbers among texts, or texts among numbers.
  const mostly = 2 * numeric.filter(Boolean).length > columns.length;
  const classes = numeric.map((isNumber) => (isNumber === mostly ? undefined : isNumber ? html` class="n"` : html` class="t"`));
  const head = columns.map((name, i) => html`<th scope="col"${classes[i]}>${nameOf(name)}</th>`);
  const body = rows.map((row) => html`<tr>${columns.map((_, i) => cellOf(row[i], classes[i], { isHead: rowHeads && i === 0, framed, interactive }))}`);
  const table = html`<table${mostly && html` class="numbers"`}${interactive && html` data-sortable`}><caption class="hidden">${caption}</caption><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table>`;
  return framed ? html`<div class="scroll${rows.length > 25 && ' tall'}" tabindex="0" role="group" aria-label="${caption}">${table}</div>` : table;
}

const uuid = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/;

/** A text that others wrote, in its own direction; an id stays in one line; a very long one is cut by the page, and whole in its title. */
export function nameOf(text: string): Html {
  if (uuid.test(text)) return html`<span class="id">${text}</span>`;
  if (text.length > 120) return html`<bdi class="long" title="${text}">${text}</bdi>`;
  return /^[ -~]*$/.test(text) ? html`${text}` : html`<bdi>${text}</bdi>`;
}

function cellOf(cell: Cell, kind: Html | undefined, { isHead, framed, interactive }: { readonly isHead: boolean; readonly framed: boolean; readonly interactive: boolean }): Html {
  const key = interactive && typeof cell === 'object' ? sortKey(cell) : undefined;
  const content = typeof cell === 'number' ? formatNumber(cell) : typeof cell === 'string' ? nameOf(cell) : cell instanceof Html || cell === null || cell === undefined ? cell : cell.shown;
  // What reads the same sorts the same; so only what is shown as something else needs a key of its own.
  const sort = key !== undefined && html` data-sort="${key}"`;
  // In a column of heads, HTML takes each for that of its row; tables that a reader moves about in say so.
  if (isHead) return html`<th${framed && html` scope="row"`}${sort}>${content}`;
  return html`<td${kind}${sort}>${content}`;
}

function sortKey(cell: Cell): number | string | undefined {
  if (typeof cell === 'number' || typeof cell === 'string') return cell;
  return cell instanceof Html ? undefined : cell?.sort;
}

function isNumeric(cell: Cell): boolean {
  return cell === null || cell === undefined || typeof cell === 'number' || (!(cell instanceof Html) && typeof cell === 'object' && typeof cell.sort === 'number');
}
