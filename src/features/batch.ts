import { embeddingSize, hasObjects, takeRows, type Column, type ColumnType } from '../core/column.ts';
import type { Table } from '../core/table.ts';
import { decodeHeaded, encodeHeaded } from './headed-table.ts';
import { withoutSpareTexts } from './spare-texts.ts';

/** Rows that were ingested together: one entry of a view's log. */
export interface Batch {
  /** What names the batch: a digest of its rows, or the id that its sender gave it. The same batch counts once, however often it was sent. */
  readonly id: string;
  /** When it was first taken in, epoch milliseconds. */
  readonly ingestedAt: number;
  readonly table: Table;
}

const format = 'modelkeep.features/1';
const batchBytes = 8 * 1024 * 1024;
const maxBatchRows = 2 ** 18;

/** How many rows go into one batch: a few megabytes of them, so that appending and reading are quick and no entry grows too large. */
export function rowsPerBatch(columns: readonly ColumnType[]): number {
  const rowBytes = columns.reduce((sum, type) => sum + valueBytes(type), 0);
  return Math.max(1, Math.min(maxBatchRows, Math.floor(batchBytes / Math.max(1, rowBytes))));
}

/** Bytes of one value, roughly. */
function valueBytes(type: ColumnType): number {
  if (type === 'bytes') return 1024;
  if (type === 'json') return 256;
  if (type === 'string') return 32;
  return type === 'bool' ? 1 : (embeddingSize(type) ?? 2) * 4;
}

/** The rows from `from` to `to` (excluded), without copying numbers; a dictionary that is mostly of other rows is cut down. */
export function sliceTable(table: Table, from: number, to: number): Table {
  if (from === 0 && to === table.rowCount) return table;
  const columns: Record<string, Column> = {};
  for (const [name, column] of Object.entries(table.columns)) {
    const valid = column.valid?.subarray(from, to);
    if (hasObjects(column)) columns[name] = { ...column, values: column.values.slice(from, to), valid } as Column;
    else {
      const part = { ...column, values: column.values.subarray(from, to), valid } as Column;
      columns[name] = part.type === 'string' && part.dictionary.length > to - from ? withoutSpareTexts(part) : part;
    }
  }
  return { rowCount: to - from, columns };
}

/** The column of places that rows had in their batch before others were taken out of it; no column of a view has no name. */
export const placesColumn = '';

/** The places that a batch's rows had at first; `undefined` when none was taken out. */
export function placesOf(table: Table): Float64Array | undefined {
  return table.columns[placesColumn]?.values as Float64Array | undefined;
}

/** The rows at `indices`, in that order; texts that none of them has are gone. */
export function pickRows(table: Table, indices: Int32Array): Table {
  const columns = Object.entries(table.columns).map(([name, column]) => {
    return [name, withoutSpareTexts(takeRows(column, indices))] as const;
  });
  return { rowCount: indices.length, columns: Object.fromEntries(columns) };
}

/** The bytes of a log entry, its rows encoded already. */
export function encodeBatch(id: string, ingestedAt: number, table: Uint8Array): Uint8Array {
  return encodeHeaded({ format, id, ingestedAt }, table);
}

/** The batch of a log entry. Throws `IntegrityError`, naming the log, when the bytes are not of that form. */
export function decodeBatch(bytes: Uint8Array, key: string): Batch {
  const { head, table } = decodeHeaded<{ id: string; ingestedAt: number }>(bytes, key, format);
  return { id: head.id, ingestedAt: head.ingestedAt, table };
}

/** A text whose order is the order of ingestion of batches: by time, to the 1024th of a millisecond, then by name. */
export function batchOrder(batch: Pick<Batch, 'id' | 'ingestedAt'>): string {
  const time = Math.max(0, batch.ingestedAt);
  const part = Math.floor((time % 1) * 1024);
  return `${String(Math.floor(time)).padStart(16, '0')}${part === 0 ? '' : `.${String(part).padStart(4, '0')}`} ${batch.id}`;
}
