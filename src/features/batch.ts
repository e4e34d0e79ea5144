import { concatBytes } from '../core/bytes.ts';
import { decode, encode } from '../core/codec.ts';
import type { Column, ColumnType } from '../core/column.ts';
import { IntegrityError, StorageError } from '../core/errors.ts';
import type { Table } from '../core/table.ts';
import { decodeTable } from '../core/table-codec.ts';

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
  const rowBytes = columns.reduce((sum, type) => sum + (type === 'json' ? 256 : type === 'string' ? 32 : type === 'bool' ? 1 : 8), 0);
  return Math.max(1, Math.min(maxBatchRows, Math.floor(batchBytes / Math.max(1, rowBytes))));
}

/** The rows from `from` to `to` (excluded), without copying numbers; a dictionary that is mostly of other rows is cut down. */
export function sliceTable(table: Table, from: number, to: number): Table {
  if (from === 0 && to === table.rowCount) return table;
  const columns: Record<string, Column> = {};
  for (const [name, column] of Object.entries(table.columns)) {
    const valid = column.valid?.subarray(from, to);
    if (column.type === 'json') columns[name] = { ...column, values: column.values.slice(from, to), valid };
    else if (column.type === 'string') columns[name] = compactDictionary(column.values.subarray(from, to), column.dictionary, valid);
    else columns[name] = { ...column, values: column.values.subarray(from, to), valid } as Column;
  }
  return { rowCount: to - from, columns };
}

function compactDictionary(codes: Uint32Array, dictionary: readonly string[], valid: Uint8Array | undefined): Column {
  if (dictionary.length <= codes.length) return { type: 'string', values: codes, dictionary, valid };
  const recode = new Map<number, number>();
  const values = new Uint32Array(codes.length);
  for (let i = 0; i < codes.length; i++) {
    if (valid !== undefined && valid[i] === 0) continue;
    let code = recode.get(codes[i]!);
    if (code === undefined) recode.set(codes[i]!, (code = recode.size));
    values[i] = code;
  }
  return { type: 'string', values, dictionary: [...recode.keys()].map((code) => dictionary[code]!), valid };
}

/** The bytes of a log entry, its rows encoded already. */
export function encodeBatch(id: string, ingestedAt: number, table: Uint8Array): Uint8Array {
  const head = encode({ format, id, ingestedAt });
  const start = new Uint8Array(8 + Math.ceil(head.length / 8) * 8);
  new DataView(start.buffer).setUint32(0, head.length, true);
  start.set(head, 8);
  return concatBytes([start, table]);
}

/** The batch of a log entry. Throws `IntegrityError`, naming the log, when the bytes are not of that form. */
export function decodeBatch(bytes: Uint8Array, key: string): Batch {
  // Typed arrays need an aligned start, which an entry inside a larger buffer may not have.
  const aligned = bytes.byteOffset % 8 === 0 ? bytes : bytes.slice();
  if (aligned.length < 8) throw new IntegrityError(`An entry of the log ${key} is too short to be a batch of rows.`, { key });
  const headLength = new DataView(aligned.buffer, aligned.byteOffset).getUint32(0, true);
  const head = decode(aligned.subarray(8, 8 + headLength), key) as { format?: unknown; id: string; ingestedAt: number };
  if (head.format !== format) {
    throw new StorageError('unknown-store-version', `The log ${key} holds batches of the form ${String(head.format)}, which this version of modelkeep does not know; use a newer one.`, { key });
  }
  const table = decodeTable(aligned.subarray(8 + Math.ceil(headLength / 8) * 8), key);
  return { id: head.id, ingestedAt: head.ingestedAt, table };
}

/** A text whose order is the order of ingestion of batches: by time, to the 1024th of a millisecond, then by name. */
export function batchOrder(batch: Pick<Batch, 'id' | 'ingestedAt'>): string {
  const time = Math.max(0, batch.ingestedAt);
  const part = Math.floor((time % 1) * 1024);
  return `${String(Math.floor(time)).padStart(16, '0')}${part === 0 ? '' : `.${String(part).padStart(4, '0')}`} ${batch.id}`;
}
