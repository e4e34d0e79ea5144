import { toColumn } from '../core/column.ts';
import type { OperationOptions } from '../core/progress.ts';
import type { Row, Table } from '../core/table.ts';
import { encodeTable } from '../core/table-codec.ts';
import type { RewritableLog } from '../storage/rewritable-log.ts';
import { decodeBatch, encodeBatch, pickRows, placesColumn, placesOf } from './batch.ts';
import { KeyDictionary } from './key-dictionary.ts';
import { withoutSpareTexts } from './spare-texts.ts';

/** Whose rows are taken out of a log. */
export interface LogSweep {
  /** The columns of the key. */
  readonly entity: readonly string[];
  /** Rows that have these columns. */
  readonly entities: readonly Row[];
  /** Only of the batch of this name. @default of all */
  readonly batch?: string | undefined;
}

/** Takes the rows of entities out of a log, and returns how many there were. */
export async function sweepLog(log: RewritableLog, { entity, entities, batch }: LogSweep, options: OperationOptions): Promise<number> {
  const keys = new KeyDictionary(entity.length);
  for (const each of entities) keys.add(entity.map((name) => toColumn([each[name]], undefined, name)), 1);
  // An entry may be seen twice, and a batch may be there twice.
  const dropped = new Map<string, number>();
  await log.rewrite((entry) => {
    const { id, ingestedAt, table } = decodeBatch(entry.bytes, log.key);
    const columns = entity.flatMap((name) => table.columns[name] ?? []);
    if ((batch !== undefined && id !== batch) || columns.length < entity.length) return true;
    const kept: number[] = [];
    keys.find(columns, table.rowCount).forEach((code, i) => code < 0 && kept.push(i));
    // Texts that no row has any more, or never had in this part of what was ingested, are of someone too.
    const rest = kept.length === table.rowCount ? withoutTexts(table) : withRows(table, kept);
    if (rest === undefined) return true;
    dropped.set(id, table.rowCount - kept.length);
    return rest.rowCount > 0 && encodeBatch(id, ingestedAt, encodeTable(rest));
  }, options);
  return [...dropped.values()].reduce((sum, count) => sum + count, 0);
}

/** Rows of a batch under the places that they had: what is online knows them by these. */
export function withRows(table: Table, kept: readonly number[]): Table {
  const places = placesOf(table);
  const marked: Table = { rowCount: table.rowCount, columns: { ...table.columns, [placesColumn]: { type: 'float64', values: places ?? Float64Array.from({ length: table.rowCount }, (_, i) => i) } } };
  return pickRows(marked, Int32Array.from(kept));
}

/** The table without texts that no row has; `undefined` when there are none. */
function withoutTexts(table: Table): Table | undefined {
  const columns = Object.entries(table.columns).map(([name, column]) => [name, withoutSpareTexts(column)] as const);
  const spare = columns.some(([name, column]) => column.type === 'string' && column.dictionary.length < (table.columns[name] as typeof column).dictionary.length);
  return spare ? { rowCount: table.rowCount, columns: Object.fromEntries(columns) } : undefined;
}
