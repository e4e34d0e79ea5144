import { collectBytes } from '../core/bytes.ts';
import { columnValues } from '../core/column.ts';
import { IntegrityError, ValidationError } from '../core/errors.ts';
import type { OperationOptions } from '../core/progress.ts';
import { decodeTable, encodeTable } from '../core/table-codec.ts';
import { toTable, type Table, type TableInput } from '../core/table.ts';
import type { StorageAdapter } from '../storage/contract.ts';
import type { StoredPredictions } from './evaluation.ts';

/** The predictions of a version on a dataset, one row an example, as columns of one length. */
export interface Predictions {
  /** How many rows. */
  readonly rowCount: number;
  /** Values by column; among them `label`, the truth, and `prediction`. */
  readonly columns: Readonly<Record<string, ArrayLike<unknown>>>;
}

/** Checks a table of predictions and gives its bytes. */
export function encodePredictions(input: TableInput, path: string): { bytes: Uint8Array<ArrayBuffer>; rows: number } {
  const table = toTable(input, { path });
  for (const column of ['label', 'prediction']) {
    if (Object.hasOwn(table.columns, column)) continue;
    throw new ValidationError(`${path} has no column '${column}'; it has ${Object.keys(table.columns).join(', ')}. Give the truth as 'label' and what the version said as 'prediction'.`, { path: `${path}.${column}` });
  }
  if (table.rowCount === 0) throw new ValidationError(`${path} has no rows.`, { path });
  return { bytes: encodeTable(table), rows: table.rowCount };
}

/** Stored predictions, their digest checked. Throws `IntegrityError` when they are damaged or gone. */
export async function readPredictions(storage: StorageAdapter, { digest }: StoredPredictions, options: OperationOptions): Promise<Table> {
  const chunks = await storage.readBlob(digest, { signal: options.signal });
  if (chunks === undefined) throw new IntegrityError(`The predictions stored as ${digest} are missing from ${storage.name}; restore them from a copy, or evaluate again.`, { key: digest });
  return decodeTable(await collectBytes(chunks), 'predictions');
}

/** A table as callers see it. */
export function predictionsView({ rowCount, columns }: Table): Predictions {
  return { rowCount, columns: Object.fromEntries(Object.entries(columns).map(([name, column]): [string, ArrayLike<unknown>] => [name, columnValues(column)])) };
}
