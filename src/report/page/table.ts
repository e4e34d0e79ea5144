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
}

/** A table in a frame that scrolls. The first column names the row. */
export function tableOf({ caption, columns, rows, interactive = false, rowHeads = true }: PageTable): Html {
  const numeric = columns.map((_, i) => rows.length > 0 && rows.every((row) => isNumeric(row[i])) && rows.some((row) => typeof sortKey(row[i]) === 'number'));
  const head = columns.map((name, i) => html`<th scope="col"${numeric[i] && html` class="n"`}>${nameOf(name)}</th>`);
  const body = rows.map((row) => html`<tr>${columns.map((_, i) => cellOf(row[i], numeric[i]!, rowHeads && i === 0))}</tr>`);
  return html`<div class="scroll${rows.length > 25 && ' tall'}" tabindex="0" role="group" aria-label="${caption}"><table${interactive && html` data-sortable`}><caption class="hidden">${caption}</caption><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table></div>`;
}

/** A text that others wrote, in its own direction; a very long one is cut by the page, and whole in its title. */
export function nameOf(text: string): Html {
  if (text.length > 120) return html`<bdi class="long" title="${text}">${text}</bdi>`;
  return /^[ -~]*$/.test(text) ? html`${text}` : html`<bdi>${text}</bdi>`;
}

function cellOf(cell: Cell, numeric: boolean, rowHead: boolean): Html {
  const key = sortKey(cell);
  const content = typeof cell === 'number' ? formatNumber(cell) : typeof cell === 'string' ? nameOf(cell) : cell instanceof Html || cell === null || cell === undefined ? cell : cell.shown;
  // What reads the same sorts the same; so only what is shown as something else needs a key of its own.
  const sort = key !== undefined && typeof cell === 'object' && html` data-sort="${key}"`;
  if (rowHead) return html`<th scope="row"${sort}>${content}</th>`;
  return html`<td${numeric && html` class="n"`}${sort}>${content}</td>`;
}

function sortKey(cell: Cell): number | string | undefined {
  if (typeof cell === 'number' || typeof cell === 'string') return cell;
  return cell instanceof Html ? undefined : cell?.sort;
}

function isNumeric(cell: Cell): boolean {
  return cell === null || cell === undefined || typeof cell === 'number' || (!(cell instanceof Html) && typeof cell === 'object' && typeof cell.sort === 'number');
}
