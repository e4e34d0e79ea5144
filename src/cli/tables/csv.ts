import { ValidationError } from '../../core/errors.ts';
import { printable } from '../output/printable.ts';

/** The cells of a CSV file by column, as they are written. */
export interface CsvText {
  readonly delimiter: string;
  readonly columns: ReadonlyMap<string, readonly string[]>;
  readonly rowCount: number;
}

const delimiters = [',', ';', '\t', '|'] as const;
const sampledRecords = 50;

/**
 * Reads CSV (RFC 4180): quoted cells may hold delimiters, line breaks and doubled quotes; lines end in LF, CRLF or CR; a byte order mark and empty lines are passed over. The first record names the columns. Without a delimiter
 * the one of comma, semicolon, tab and bar is taken that splits the first records evenly.
 *
 * Throws `ValidationError`, with the line, for a record that has another number of cells than the first, a quote that is not closed or stands within a cell, and columns that have no name or the same.
 */
export function parseCsv(text: string, file: string, delimiter?: string): CsvText {
  const body = text.startsWith('\uFEFF') ? text.slice(1) : text;
  const chosen = delimiter ?? detectDelimiter(body);
  const records = recordsOf(body, chosen, file);
  const { value: head } = records.next();
  if (head === undefined) throw new ValidationError(`${file} is empty; its first line must name the columns.`, { path: file });
  const names = checkNames(head.cells, file);
  const columns = names.map((): string[] => []);
  let rowCount = 0;
  for (const { cells, line } of records) {
    if (cells.length !== names.length) {
      throw new ValidationError(`${file}, line ${line}: it has ${cells.length} cells, and the first line has ${names.length}${cells.length === 1 ? '; is another delimiter meant (--delimiter)?' : '.'}`, { path: file, line });
    }
    for (let i = 0; i < cells.length; i++) columns[i]!.push(cells[i]!);
    rowCount++;
  }
  return { delimiter: chosen, columns: new Map(names.map((name, i) => [name, columns[i]!])), rowCount };
}

interface CsvRecord {
  readonly cells: readonly string[];
  /** The line that it begins at, from 1. */
  readonly line: number;
}

function* recordsOf(text: string, delimiter: string, file: string): Generator<CsvRecord, undefined> {
  const endOfLine = linesOf(text);
  let at = 0;
  let line = 1;
  while (at < text.length) {
    const end = endOfLine(at);
    const simple = text.slice(at, end);
    if (simple === '') {
      at = afterBreak(text, end);
      line++;
    } else if (!simple.includes('"')) {
      yield { cells: simple.split(delimiter), line };
      at = afterBreak(text, end);
      line++;
    } else {
      const record = quotedRecord(text, at, line, delimiter, file);
      yield { cells: record.cells, line };
      at = record.next;
      line = record.nextLine;
    }
  }
  return undefined;
}

function quotedRecord(text: string, start: number, firstLine: number, delimiter: string, file: string): { readonly cells: string[]; readonly next: number; readonly nextLine: number } {
  const cells: string[] = [];
  let at = start;
  let line = firstLine;
  for (;;) {
    let cell = '';
    if (text[at] === '"') {
      const opened = line;
      at++;
      for (;;) {
        const close = text.indexOf('"', at);
        if (close < 0) throw new ValidationError(`${file}, line ${opened}: a quote is opened and not closed.`, { path: file, line: opened });
        const piece = text.slice(at, close);
        cell += piece;
        line += breaksIn(piece);
        at = close + 1;
        if (text[at] !== '"') break;
        cell += '"';
        at++;
      }
      const next = text[at];
      if (next !== undefined && next !== delimiter && next !== '\n' && next !== '\r') throw new ValidationError(`${file}, line ${line}: there is ${JSON.stringify(next)} behind a closing quote.`, { path: file, line });
    } else {
      const from = at;
      while (at < text.length && text[at] !== delimiter && text[at] !== '\n' && text[at] !== '\r') {
        if (text[at] === '"') throw new ValidationError(`${file}, line ${line}: there is a quote within a cell that is not quoted; write the cell in quotes, and the quote twice.`, { path: file, line });
        at++;
      }
      cell = text.slice(from, at);
    }
    cells.push(cell);
    if (text[at] !== delimiter) return { cells, next: afterBreak(text, at), nextLine: line + 1 };
    at++;
  }
}

function detectDelimiter(text: string): string {
  let best: string = delimiters[0];
  let most = 1;
  for (const delimiter of delimiters) {
    const counts = new Set<number>();
    try {
      let sampled = 0;
      for (const { cells } of recordsOf(text, delimiter, '')) {
        counts.add(cells.length);
        if (++sampled === sampledRecords || counts.size > 1) break;
      }
    } catch {
      // With another delimiter the quotes will stand where they should.
      continue;
    }
    const [count = 1] = counts;
    if (counts.size === 1 && count > most) [best, most] = [delimiter, count];
  }
  // Records that no delimiter splits evenly are most likely ragged: the one that splits the head into the most cells tells so best.
  if (most === 1) {
    const head = text.slice(0, linesOf(text)(0));
    for (const delimiter of delimiters) if (head.split(delimiter).length > most) [best, most] = [delimiter, head.split(delimiter).length];
  }
  return best;
}

function checkNames(cells: readonly string[], file: string): string[] {
  const names = cells.map((cell) => cell.trim());
  const nameless = names.indexOf('');
  if (nameless >= 0) throw new ValidationError(`${file}, line 1: column ${nameless + 1} has no name.`, { path: file, line: 1 });
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new ValidationError(`${file}, line 1: there are two columns '${printable(twice)}'.`, { path: file, line: 1 });
  return names;
}

/** Tells where the line ends that a place is in; asked for places that go forward, it reads the text once. */
function linesOf(text: string): (at: number) => number {
  const forward = (character: string): ((at: number) => number) => {
    let found = -1;
    return (at) => {
      if (found < at) {
        const next = text.indexOf(character, at);
        found = next < 0 ? text.length : next;
      }
      return found;
    };
  };
  const [feed, carriage] = [forward('\n'), forward('\r')];
  return (at) => Math.min(feed(at), carriage(at));
}

function afterBreak(text: string, at: number): number {
  return text[at] === '\r' && text[at + 1] === '\n' ? at + 2 : at + 1;
}

function breaksIn(text: string): number {
  return text.match(/\r\n|\r|\n/g)?.length ?? 0;
}
