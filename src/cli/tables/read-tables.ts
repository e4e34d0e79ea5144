import { openAsBlob } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { throwIfAborted } from '../../core/abort.ts';
import { NotFoundError, UnsupportedError, ValidationError, isModelkeepError } from '../../core/errors.ts';
import type { CliHost } from '../host.ts';
import { printable } from '../output/printable.ts';
import { didYouMean } from '../suggest.ts';
import { UsageError } from '../usage-error.ts';
import { cellReader, cellType, missingCells, type CellType } from './cell-types.ts';
import { parseCsv } from './csv.ts';
import { decodeText } from './decode-text.ts';

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
 * Reads a reference and what is compared with it: CSV (also tab-separated, also gzipped), JSONL or Parquet, by their names; `-` is CSV from standard input. What a column of CSV holds is found from the reference, so that both sides are read alike, each with the decimal
 * sign of its own file; cells of the other that are not of that type stay texts. Throws `NotFoundError` for a file that is not there, `ValidationError`, with file and line, for one that cannot be read, and `UsageError` for
 * columns that are asked for and in neither.
 */
export async function readTables(reference: string, current: string, options: ReadTablesOptions, host: CliHost): Promise<{ readonly reference: TableColumns; readonly current: TableColumns }> {
  const [before, after] = [await readRaw(reference, options, host), await readRaw(current, options, host)];
  for (const [option, names] of [['--columns', options.columns], ['--exclude', options.exclude]] as const) checkColumns(option, names, before, after, [reference, current]);
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
      const texts = table.columns.get(name)!;
      const { read } = cellReader(texts, missing, table.delimiter, typeIn(reference, name, missing));
      columns.push([name, texts.map(read)]);
    }
  }
  return Object.fromEntries(columns);
}

/** What a column holds in the reference; undefined where that has none of the name, or nothing that tells. */
function typeIn(reference: RawTable, name: string, missing: ReadonlySet<string>): CellType | undefined {
  if (reference.kind === 'cells') {
    const cells = reference.columns.get(name);
    return cells === undefined ? undefined : cellType(cells, missing, reference.delimiter);
  }
  const value = reference.columns.get(name)?.find((each) => each !== null && each !== undefined);
  if (value instanceof Date) return 'time';
  return ({ number: 'number', bigint: 'number', boolean: 'boolean', string: 'text' } as const)[typeof value as string];
}

async function readRaw(file: string, { delimiter, signal }: ReadTablesOptions, host: CliHost): Promise<RawTable> {
  throwIfAborted(signal, 'Reading a table');
  const path = file === '-' ? 'standard input' : resolve(host.directory, file);
  try {
    if (file !== '-') await demandFile(path);
    if (/\.parquet$/i.test(file)) return { kind: 'values', columns: await parquetColumns(path, signal) };
    if (/\.(jsonl|ndjson)(\.gz)?$/i.test(file)) return { kind: 'values', columns: await jsonlColumns(path, signal) };
    const bytes = file === '-' ? await collect(host.stdin) : await readFile(path);
    const text = decodeText(isGzip(bytes) ? gunzipSync(bytes) : bytes, path);
    const csv = parseCsv(text, path, delimiter ?? (/\.tsv(\.gz)?$/i.test(file) ? '\t' : undefined));
    return { kind: 'cells', columns: csv.columns, delimiter: csv.delimiter };
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

async function demandFile(path: string): Promise<void> {
  const { isDirectory } = await stat(path).then(
    (found) => ({ isDirectory: found.isDirectory() }),
    (cause: NodeJS.ErrnoException) => {
      if (cause.code === 'ENOENT') throw new NotFoundError(`There is no file ${path}.`, { key: path, cause });
      throw cause;
    },
  );
  if (isDirectory) throw new ValidationError(`${path} is a directory; give a file.`, { path });
}

/** What is thrown for a file that cannot be read, with its name, whoever found it so. */
function unreadable(path: string, cause: unknown): unknown {
  if (isModelkeepError(cause) && cause.code !== 'integrity') return cause;
  const { code, message } = cause instanceof Error ? (cause as NodeJS.ErrnoException) : { code: undefined, message: String(cause) };
  if (code === 'Z_BUF_ERROR') return new ValidationError(`${path} was cut off: its compressed bytes have no end. Make the file anew.`, { path, cause });
  return new ValidationError(`${path} cannot be read: ${message}`, { path, cause });
}

async function jsonlColumns(path: string, signal: AbortSignal): Promise<Map<string, unknown[]>> {
  const { jsonlTables } = await import('../../interchange.ts');
  const { nodeFile } = await import('../../node.ts');
  const columns = await columnsOfRows(jsonlTables(nodeFile(path), { signal }));
  if (columns.size === 0) throw new ValidationError(`${path} has no rows.`, { path });
  return columns;
}

async function parquetColumns(path: string, signal: AbortSignal): Promise<Map<string, unknown[]>> {
  const { parquetTables } = await import('../../interchange.ts');
  const parquet = await import('hyparquet').catch((cause: unknown) => {
    throw new UnsupportedError('Reading Parquet takes the package hyparquet; install it beside modelkeep: npm install hyparquet.', { cause });
  });
  const more = await import('hyparquet-compressors').catch(() => undefined);
  return columnsOfRows(parquetTables(await openAsBlob(path), { parquet, compressors: more?.compressors, signal }));
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

function checkColumns(option: string, names: readonly string[], before: RawTable, after: RawTable, files: readonly string[]): void {
  const known = [...before.columns.keys(), ...after.columns.keys()];
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new UsageError(`${option}: neither ${files.join(' nor ')} has a column '${printable(unknown)}'${didYouMean(unknown, known) || '.'}`);
}
