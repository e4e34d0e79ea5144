import { canonicalJson, decode, type Encodable } from '../../core/codec.ts';
import { utf8 } from '../../core/bytes.ts';

/** What a spreadsheet may take for a formula; apostrophes before it count, so that a guard can be taken away again. */
const formula = /^'*[=+\-@\t\r\n]/;

/** A text as a cell. With `guard`, one that a spreadsheet would take for a formula gets an apostrophe before it. */
export function textCell(text: string, delimiter: string, guard: boolean): string {
  const safe = guard && formula.test(text) ? `'${text}` : text;
  return /["\r\n]|^\s|\s$/.test(safe) || safe.includes(delimiter) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** The text of a cell, without the apostrophe that the guard put before it. */
export function unguarded(text: string, guard: boolean): string {
  return guard && text.startsWith("'") && formula.test(text) ? text.slice(1) : text;
}

/** A number as a cell: the shortest text that is exactly it, or a word. */
export function numberCell(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value);
}

/** Plain data as text: a text as it is unless it could be read as something else, all else as JSON. An empty cell is nothing. */
export function valueText(value: Encodable): string {
  return typeof value === 'string' && valueOf(value) === value && value !== '' ? value : canonicalJson(value);
}

/** The value whose text it is. */
export function valueOf(text: string): Encodable {
  if (!/^(?:[-\d"[{]|true$|false$|null$)/.test(text)) return text;
  try {
    return decode(utf8(text), 'cell') as Encodable;
  } catch {
    return text;
  }
}
