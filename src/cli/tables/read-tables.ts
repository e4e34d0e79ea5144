import { openAsBlob } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { throwIfAborted } from '../../core/abort.ts';
import { NotFoundError, UnsupportedError, ValidationError } from '../../core/errors.ts';
import type { CliHost } from '../host.ts';
import { didYouMean } from '../suggest.ts';
import { cellReader, missingCells } from './cell-types.ts';
import { parseCsv } from './csv.ts';

/** Columns of values, all of one length. */
export type TableColumns = Readonly<Record<string, readonly unknown[]>>;

/** How two tables are read that are to be compared. */
export interface ReadTablesOptions {
  readonly delimiter?: string | undefined;
  /** Cells of CSV that say that there is no value, beside the usual ones. */
  readonly missing: readonly string[];
  /** Which columns; all when there are none. */
  readonly columns: readonly string[];
  readonly exclude: readonly string[];
  readonly signal: AbortSignal;
}

/** What a file has, before cells are taken for values. */
type RawTable = { readonly kind: 'cells'; readonly columns: ReadonlyMap<string, readonly string[]>; readonly delimiter: string } | { readonly kind: 'values'; readonly columns: ReadonlyMap<string, readonly unknown[]> };

/**
 * Reads a reference and what is compared with it: CSV (also tab-separated, also gzipped), JSONL or Parquet, by their names; `-` is CSV from standard input. What a column of CSV holds is found from the reference, so that both sides are read alike;
 * cells of the other that are not of that type stay texts. Throws `NotFoundError` for a file that is not there, and `ValidationError`, with file and line, for one that cannot be read.
 */
export async function readTables(reference: string, current: string, options: ReadTablesOptions, host: CliHost): Promise<{ readonly reference: TableColumns; readonly current: TableColumns }> {
  const [before, after] = [await readRaw(reference, options, host), await readRaw(current, options, host)];
  checkColumns([...options.columns, ...options.exclude], before, after, [reference, current]);
  const wanted = (name: string): boolean => (options.columns.length === 0 || options.columns.includes(name)) && !options.exclude.includes(name);
  const missing = new Set([...missingCells, ...options.missing]);
  return { reference: valuesOf(before, before, wanted, missing), current: valuesOf(after, before, wanted, missing) };
}

function valuesOf(table: RawTable, reference: RawTable, wanted: (name: string) => boolean, missing: ReadonlySet<string>): TableColumns {
  const columns: [string, readonly unknown[]][] = [];
  for (const [name, cells] of table.columns) {
    if (!wanted(name)) continue;
    if (table.kind === 'values') columns.push([name, cells]);
    else {
      const model = reference.kind === 'cells' ? reference : table;
      const { read } = cellReader(model.columns.get(name) ?? table.columns.get(name)!, missing, model.delimiter);
      columns.push([name, table.columns.get(name)!.map(read)]);
    }
  }
  return Object.fromEntries(columns);
}

async function readRaw(file: string, { delimiter, signal }: ReadTablesOptions, host: CliHost): Promise<RawTable> {
  throwIfAborted(signal, 'Reading a table');
  const path = file === '-' ? 'standard input' : resolve(host.directory, file);
  if (/\.parquet$/i.test(file)) return { kind: 'values', columns: await parquetColumns(path, signal) };
  if (/\.(jsonl|ndjson)(\.gz)?$/i.test(file)) return { kind: 'values', columns: await jsonlColumns(path, signal) };
  const bytes = file === '-' ? await collect(host.stdin) : await bytesOf(path);
  const text = decodeText(isGzip(bytes) ? gunzipSync(bytes) : bytes, path);
  const csv = parseCsv(text, path, delimiter ?? (/\.tsv(\.gz)?$/i.test(file) ? '\t' : undefined));
  return { kind: 'cells', columns: csv.columns, delimiter: csv.delimiter };
}

async function bytesOf(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw new NotFoundError(`There is no file ${path}.`, { key: path, cause });
    throw new ValidationError(`${path} cannot be read: ${message}`, { path, cause });
  }
}

function decodeText(bytes: Uint8Array, path: string): string {
  // What spreadsheets call "Unicode text".
  const encoding = bytes[0] === 0xff && bytes[1] === 0xfe ? 'utf-16le' : bytes[0] === 0xfe && bytes[1] === 0xff ? 'utf-16be' : 'utf-8';
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new ValidationError(`${path} is not text in UTF-8; save it as CSV in UTF-8.`, { path, cause });
  }
}

async function jsonlColumns(path: string, signal: AbortSignal): Promise<Map<string, unknown[]>> {
  const { jsonlTables } = await import('../../interchange.ts');
  const { nodeFile } = await import('../../node.ts');
  return columnsOfRows(jsonlTables(nodeFile(path), { signal }));
}

async function parquetColumns(path: string, signal: AbortSignal): Promise<Map<string, unknown[]>> {
  const { parquetTables } = await import('../../interchange.ts');
  const parquet = await import('hyparquet').catch((cause: unknown) => {
    throw new UnsupportedError('Reading Parquet takes the package hyparquet; install it beside modelkeep: npm install hyparquet.', { cause });
  });
  const file = await openAsBlob(path).catch((cause: unknown) => {
    throw new NotFoundError(`There is no file ${path} that can be read.`, { key: path, cause });
  });
  return columnsOfRows(parquetTables(file, { parquet, signal }));
}

async function columnsOfRows(tables: AsyncIterable<readonly Readonly<Record<string, unknown>>[]>): Promise<Map<string, unknown[]>> {
  const columns = new Map<string, unknown[]>();
  let count = 0;
  for await (const rows of tables) {
    for (const row of rows) {
      for (const [name, value] of Object.entries(row)) {
        const column = columns.get(name) ?? new Array<unknown>(count).fill(null);
        // A row that lacked it had no value.
        while (column.length < count) column.push(null);
        column.push(value);
        columns.set(name, column);
      }
      count++;
    }
  }
  for (const column of columns.values()) while (column.length < count) column.push(null);
  return columns;
}

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
}

function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

function checkColumns(names: readonly string[], before: RawTable, after: RawTable, files: readonly string[]): void {
  const known = [...before.columns.keys(), ...after.columns.keys()];
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new ValidationError(`Neither ${files.join(' nor ')} has a column '${unknown}'${didYouMean(unknown, known) || '.'}`, { path: unknown });
}
