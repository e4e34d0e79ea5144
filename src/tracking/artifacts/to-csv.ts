import { canonicalJson } from '../../core/codec.ts';
import { ValidationError } from '../../core/errors.ts';
import { shown } from '../../core/shown.ts';
import type { LoggedTable } from './table-artifact.ts';

/** How a table is written as CSV. */
export interface CsvOptions {
  /** What stands between two values: one character. @default ',' */
  delimiter?: string | undefined;
}

/**
 * A table as CSV (RFC 4180, lines end in CRLF), in pieces of some thousand rows, so that it can be streamed. A missing value is nothing, an empty text is `""`; timestamps are ISO 8601 in UTC, numbers are in their shortest
 * exact form, `NaN` and `Infinity` by name, other data as JSON. A text that a spreadsheet would take for a formula is written as it is: quote it before you open the file in one, if you do not trust it.
 *
 * @example
 * ```ts
 * import { toCsv } from 'modelkeep';
 *
 * const table = { rowCount: 2, totalRows: 2, types: { name: 'string', score: 'float64' }, columns: { name: ['a', 'b,c'], score: [1, null] } } as const;
 * console.log([...toCsv(table)].join('')); // name,score⏎ a,1⏎ "b,c",⏎
 * ```
 */
export function* toCsv(table: LoggedTable, options: CsvOptions = {}): Generator<string, void, undefined> {
  const { delimiter = ',' } = options;
  if (typeof delimiter !== 'string' || delimiter.length !== 1 || /["\r\n]/.test(delimiter)) {
    throw new ValidationError(`delimiter is ${shown(delimiter, 80)}; give one character that is neither a quote nor a line break.`, { path: 'delimiter' });
  }
  const quote = (text: string): string => (text === '' || /["\r\n]|^\s|\s$/.test(text) || text.includes(delimiter) ? `"${text.replaceAll('"', '""')}"` : text);
  const names = Object.keys(table.columns);
  let text = `${names.map(quote).join(delimiter)}\r\n`;
  for (let row = 0; row < table.rowCount; row++) {
    const cells = names.map((name) => {
      const value = table.columns[name]![row];
      return value === null || value === undefined ? '' : quote(textOf(value, table.types[name]));
    });
    text += `${cells.join(delimiter)}\r\n`;
    if ((row + 1) % 4096 === 0) {
      yield text;
      text = '';
    }
  }
  if (text !== '') yield text;
}

function textOf(value: unknown, type: string | undefined): string {
  if (type === 'timestamp' && typeof value === 'number') {
    // A fraction of a millisecond has no ISO form; the number says it exactly.
    return Number.isInteger(value) && Math.abs(value) <= 8.64e15 ? new Date(value).toISOString() : String(value);
  }
  if (typeof value === 'string' && type !== 'json') return value;
  if (Object.is(value, -0)) return '-0';
  if (value instanceof Float32Array) return canonicalJson(Array.from(value));
  return typeof value === 'number' || typeof value === 'bigint' ? String(value) : canonicalJson(value);
}
