import type { OpenSourceOptions, SourceFile } from './source-directory.ts';
import { sourceLines } from './source-lines.ts';

/** A record of a CSV file. */
export interface CsvRecord {
  readonly cells: readonly string[];
  /** The byte at which it begins. */
  readonly offset: number;
}

/** A record that could not be read. */
export interface CsvDamage {
  readonly offset: number;
  readonly message: string;
}

const longestRecord = 1 << 24;

/** The records of a CSV file (RFC 4180; lines may end in LF too), some at once. Empty lines are passed over. */
export async function* csvRecords(file: SourceFile, delimiter: string, options: OpenSourceOptions = {}): AsyncGenerator<(CsvRecord | CsvDamage)[]> {
  let open: { parts: string[]; length: number; offset: number } | undefined;
  for await (const lines of sourceLines(file, { ...options, keepReturn: true })) {
    const found: (CsvRecord | CsvDamage)[] = [];
    for (const { text: line, offset, cut } of lines) {
      if (cut) {
        found.push({ offset: open?.offset ?? offset, message: `The line at byte ${offset} has more than 16 MB, and is left out.` });
        open = undefined;
        continue;
      }
      const text = offset === 0 && line.startsWith('\ufeff') ? line.slice(1) : line;
      const quotes = text.includes('"') ? text.split('"').length - 1 : 0;
      if (open === undefined && quotes % 2 === 0) {
        const record = withoutReturn(text);
        if (record !== '') found.push(quotes === 0 ? { cells: record.split(delimiter), offset } : split(record, delimiter, offset));
        continue;
      }
      open ??= { parts: [], length: 0, offset };
      open.parts.push(text);
      open.length += text.length + 1;
      if (quotes % 2 === 1 && open.parts.length > 1) {
        found.push(split(withoutReturn(open.parts.join('\n')), delimiter, open.offset));
        open = undefined;
      } else if (open.length > longestRecord) {
        found.push({ offset: open.offset, message: `The quote that opens in the record at byte ${open.offset} does not close within 16 MB; what follows up to there is left out.` });
        open = undefined;
      }
    }
    if (found.length > 0) yield found;
  }
  if (open !== undefined) yield [{ offset: open.offset, message: `The quote that opens in the record at byte ${open.offset} does not close; what follows is left out.` }];
}

function withoutReturn(text: string): string {
  return text.endsWith('\r') ? text.slice(0, -1) : text;
}

function split(text: string, delimiter: string, offset: number): CsvRecord | CsvDamage {
  const cells: string[] = [];
  for (let at = 0; ; at++) {
    if (text[at] !== '"') {
      const end = text.indexOf(delimiter, at);
      const cell = text.slice(at, end < 0 ? text.length : end);
      if (cell.includes('"')) return { offset, message: `The record at byte ${offset} has a quote within a cell that does not begin with one, and is left out.` };
      cells.push(cell);
      if (end < 0) return { cells, offset };
      at = end;
      continue;
    }
    let cell = '';
    let end = text.indexOf('"', at + 1);
    for (at++; text[end + 1] === '"'; at = end + 2, end = text.indexOf('"', at)) cell += text.slice(at, end + 1);
    if (end < 0) return { offset, message: `The record at byte ${offset} has a quote that does not close, and is left out.` };
    cells.push(cell + text.slice(at, end));
    at = end + 1;
    if (at >= text.length) return { cells, offset };
    if (text[at] !== delimiter) return { offset, message: `The record at byte ${offset} has something behind a closing quote, and is left out.` };
  }
}
