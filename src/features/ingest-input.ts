import { throwIfAborted } from '../core/abort.ts';
import { hasObjects, isPresent, type Column, type ColumnType } from '../core/column.ts';
import { ValidationError } from '../core/errors.ts';
import { isTableStream, toTable, toTables, type Table, type TableSource } from '../core/table.ts';
import { rowsPerBatch, sliceTable } from './batch.ts';
import type { CurrentView } from './definitions/definition-states.ts';

/**
 * Batches of checked rows from any source, with the columns that the view uses. A table is checked whole before its first batch comes out; a stream batch by
 * batch. Throws `ValidationError` naming the row that lacks its key or timestamp or has a value of another type.
 */
export async function* batchesOf(current: CurrentView, source: TableSource, signal: AbortSignal | undefined): AsyncGenerator<Table> {
  const { entity, timestamp, createdTimestamp } = current.view;
  const times = createdTimestamp === undefined ? [timestamp] : [timestamp, createdTimestamp];
  const types: Record<string, ColumnType> = { ...current.columns, ...current.view.keyTypes, ...Object.fromEntries(times.map((name) => [name, 'timestamp'])) };
  const only = [...new Set([...entity, ...Object.keys(types)])];
  const batchRows = rowsPerBatch(only.map((name) => (Object.hasOwn(types, name) ? types[name]! : 'string')));
  let seen = 0;
  for await (const table of tablesOf(source, { types, only, batchRows, signal }, () => seen)) {
    checkRows(current, table, seen);
    for (let from = 0; from < table.rowCount; from += batchRows) {
      throwIfAborted(signal, `Ingesting into ${current.view.name}`);
      yield sliceTable(table, from, Math.min(table.rowCount, from + batchRows));
    }
    seen += table.rowCount;
  }
}

async function* tablesOf(
  source: TableSource,
  options: { types: Record<string, ColumnType>; only: string[]; batchRows: number; signal: AbortSignal | undefined },
  seen: () => number,
): AsyncGenerator<Table> {
  if (typeof source !== 'object' || source === null) throw new ValidationError('rows must be an array of rows, columns, an Arrow table, or a stream of them.', { path: 'rows' });
  if (!isTableStream(source)) {
    if (Array.isArray(source) && source.length === 0) return;
    yield toTable(source, { types: options.types, only: options.only, path: 'rows' });
    return;
  }
  try {
    yield* toTables(source, { ...options, path: 'rows' });
  } catch (error) {
    if (!(error instanceof ValidationError) || seen() === 0) throw error;
    throw new ValidationError(`After ${seen()} rows of the stream, which are ingested: ${error.message}`, { ...error.details, offset: seen(), cause: error });
  }
}

function checkRows(current: CurrentView, table: Table, offset: number): void {
  const { entity, timestamp, createdTimestamp } = current.view;
  for (const name of entity) {
    const column = table.columns[name]!;
    if (hasObjects(column)) {
      throw new ValidationError(`rows.${name} holds values of several types or objects; the key of an entity is a text, number, bigint or boolean.`, { path: `rows.${name}` });
    }
    rejectMissing(column, name, 'its entity key', offset);
  }
  rejectMissing(table.columns[timestamp]!, timestamp, 'its timestamp', offset);
  if (createdTimestamp !== undefined) rejectMissing(table.columns[createdTimestamp]!, createdTimestamp, 'the time it was created', offset);
}

function rejectMissing(column: Column, name: string, what: string, offset: number): void {
  const numbers = column.type === 'float64' || column.type === 'timestamp' ? column.values : undefined;
  if (column.valid === undefined && numbers === undefined) return;
  const mustBeFinite = column.type === 'timestamp';
  for (let i = 0; i < column.values.length; i++) {
    const number = numbers?.[i] ?? 0;
    const usable = isPresent(column, i) && (mustBeFinite ? Number.isFinite(number) : !Number.isNaN(number));
    if (usable) continue;
    const path = `rows[${offset + i}].${name}`;
    const shown = isPresent(column, i) ? `is ${number}` : 'is missing';
    throw new ValidationError(`${path} ${shown}; every row needs ${what}.`, { path });
  }
}
