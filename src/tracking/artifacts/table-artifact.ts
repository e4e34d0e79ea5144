import type { Clock } from '../../core/clock.ts';
import { columnValues, takeRows, type Column, type ColumnType } from '../../core/column.ts';
import { ValidationError } from '../../core/errors.ts';
import { checkOptionNames, type OptionNames } from '../../core/option-names.ts';
import type { OperationOptions } from '../../core/progress.ts';
import { shown } from '../../core/shown.ts';
import { decodeTable, encodeTable } from '../../core/table-codec.ts';
import { toTable, type Columns, type TableInput } from '../../core/table.ts';
import type { StorageAdapter } from '../../storage/contract.ts';
import { tableMediaType } from './media-type.ts';
import type { ArtifactRecord } from './artifact-record.ts';
import { readBounded, type ReadWholeOptions } from './read-artifact.ts';
import { writeArtifact } from './write-artifact.ts';

/** A table as it is logged: rows, columns, an Arrow table, or `{ columns }`. */
export type LogTableInput =
  | TableInput
  | {
      /** Arrays of values by column, all of one length. */
      readonly columns: Columns;
    };

/** How a table is logged. */
export interface LogTableOptions extends OperationOptions {
  /** Types of columns by name. @default inferred from the values */
  types?: Readonly<Record<string, ColumnType>> | undefined;
}

/** What is read of a table. */
export interface ReadTableOptions extends ReadWholeOptions {
  /** Only these columns, in this order; each must be there. @default all */
  columns?: readonly string[] | undefined;
  /** Only the rows from `start` (included, from 0) to `end` (excluded); what lies outside the table is left out. @default all */
  rows?:
    | {
        /** The first row that is read. @default 0 */
        readonly start?: number | undefined;
        /** The first row that is not read any more. @default behind the last */
        readonly end?: number | undefined;
      }
    | undefined;
}

/** A table that was logged, read back. */
export interface LoggedTable {
  /** Rows that were read. */
  readonly rowCount: number;
  /** Rows of the whole table. */
  readonly totalRows: number;
  /** Types of the columns by name. */
  readonly types: Readonly<Record<string, ColumnType>>;
  /**
   * The values by column, `null` where one is missing, which NaN is not: numbers, bigints for `int64`, booleans, texts, epoch milliseconds for `timestamp`, plain data for `json`. A typed array where nothing is missing and
   * there is one for the type.
   */
  readonly columns: Readonly<Record<string, ArrayLike<unknown>>>;
}

const writeNames: OptionNames<LogTableOptions> = { types: true, signal: true };
const readNames: OptionNames<ReadTableOptions> = { columns: true, rows: true, maxBytes: true, signal: true };

/** Stores a table, its types, missing values, NaN, dates and 64-bit integers kept. Throws `ValidationError` naming the place when the columns differ in length or a value is not of its type. */
export async function writeTable(storage: StorageAdapter, clock: Clock, runId: string, name: string, input: LogTableInput, options: LogTableOptions = {}): Promise<ArtifactRecord> {
  checkOptionNames(options, writeNames, `The options of table '${name}'`);
  const { types, signal } = options;
  const table = toTable(contentsOf(input), { path: name, ...(types ? { types } : {}) });
  const stray = Object.keys(types ?? {}).find((column) => !Object.hasOwn(table.columns, column));
  if (stray !== undefined && table.rowCount > 0) throw new ValidationError(`types of table '${name}' names column '${stray}', which it does not have.`, { path: `types.${stray}` });
  return writeArtifact(storage, clock, runId, name, encodeTable(table), { mediaType: tableMediaType, signal });
}

/**
 * A table that was logged with `logTable`, or some rows and columns of it. The whole artifact is read, so that its digest is checked; `maxBytes` bounds it. Throws `ValidationError` when the artifact is no table, or has
 * no such column.
 */
export async function readTable(storage: StorageAdapter, runId: string, name: string, options: ReadTableOptions = {}): Promise<LoggedTable> {
  checkOptionNames(options, readNames, 'readTable');
  const { start = 0, end = Infinity } = options.rows ?? {};
  if (!(Number.isSafeInteger(start) && start >= 0 && (end === Infinity || Number.isSafeInteger(end)) && end >= start)) {
    throw new ValidationError(`rows is ${shown(options.rows, 80)}; give { start, end } in whole rows from 0, with the end not before the start.`, { path: 'rows' });
  }
  const { record, bytes } = await readBounded(storage, runId, name, options);
  if (record.mediaType !== tableMediaType) {
    throw new ValidationError(`Artifact '${name}' of run ${runId} is ${record.mediaType}, not a table that logTable stored; read it with readArtifact.`, { key: name });
  }
  const table = decodeTable(bytes, name);
  const selected = (options.columns ?? Object.keys(table.columns)).map((column): [string, Column] => {
    if (Object.hasOwn(table.columns, column)) return [column, table.columns[column]!];
    throw new ValidationError(`Table '${name}' of run ${runId} has no column ${shown(column, 80)}; it has ${Object.keys(table.columns).join(', ')}.`, { path: 'columns' });
  });
  const [from, to] = [Math.min(start, table.rowCount), Math.min(end, table.rowCount)];
  const indices = to - from < table.rowCount ? Int32Array.from({ length: to - from }, (_, i) => from + i) : undefined;
  const columns = selected.map(([column, values]): [string, Column] => [column, indices ? takeRows(values, indices) : values]);
  return {
    rowCount: to - from,
    totalRows: table.rowCount,
    types: Object.fromEntries(columns.map(([column, { type }]) => [column, type])),
    columns: Object.fromEntries(columns.map(([column, values]) => [column, columnValues(values)])),
  };
}

/** A column may be called `columns`, and is an array then. */
function contentsOf(input: LogTableInput): TableInput {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) return input as TableInput;
  const { columns } = input as { columns?: unknown };
  const isWrapped = Object.keys(input).length === 1 && typeof columns === 'object' && columns !== null && typeof (columns as { length?: unknown }).length !== 'number';
  return isWrapped ? (columns as Columns) : (input as TableInput);
}
