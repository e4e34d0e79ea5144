import { throwIfAborted } from '../../core/abort.ts';
import type { Column, ColumnType } from '../../core/column.ts';
import { ValidationError } from '../../core/errors.ts';
import { isTableStream, tableInputs, type Table, type TableSource } from '../../core/table.ts';
import { sliceTable } from '../batch.ts';
import { missingColumn } from '../missing-column.ts';
import { spineOf } from '../spine.ts';

const partRows = 2 ** 17;

/** How entities are read. */
export interface EntitiesOptions {
  readonly timestamp: string;
  /** Columns that the query needs. */
  readonly wanted: readonly string[];
  readonly types: Readonly<Record<string, ColumnType>>;
  readonly signal: AbortSignal | undefined;
}

/**
 * The rows of any source in parts, all with the columns and the types of the first. Throws `ValidationError` naming the column when a later part has another one, or values of another type.
 */
export async function* entityParts(source: TableSource, { timestamp, wanted, types, signal }: EntitiesOptions): AsyncGenerator<Table> {
  if (typeof source !== 'object' || source === null) throw new ValidationError('query.entities must be an array of rows, columns, an Arrow table, or a stream of them.', { path: 'query.entities' });
  let known: Readonly<Record<string, ColumnType>> | undefined;
  let seen = 0;
  for await (const input of tableInputs(source, partRows, signal)) {
    throwIfAborted(signal, 'Reading the entities');
    if (Array.isArray(input) && input.length === 0 && isTableStream(source)) continue;
    let table: Table;
    try {
      table = spineOf(input, timestamp, wanted, known ?? types);
      if (known === undefined) checkTypes(types, table);
      else table = alike(table, known);
    } catch (error) {
      if (!(error instanceof ValidationError) || seen === 0) throw error;
      throw new ValidationError(`After ${seen} rows of the stream: ${error.message} All parts need the columns and types of the first; name types of columns in { types }.`, { ...error.details, offset: seen, cause: error });
    }
    known ??= Object.fromEntries(Object.entries(table.columns).map(([name, { type }]) => [name, type]));
    for (let from = 0; from === 0 || from < table.rowCount; from += partRows) yield sliceTable(table, from, Math.min(table.rowCount, from + partRows));
    seen += table.rowCount;
  }
  if (known === undefined) yield spineOf([], timestamp, wanted, types);
}

function checkTypes(types: Readonly<Record<string, ColumnType>>, table: Table): void {
  const stray = Object.keys(types).find((name) => !Object.hasOwn(table.columns, name));
  if (stray !== undefined && table.rowCount > 0) throw new ValidationError(`types names the column '${stray}', which the entities do not have.`, { path: `query.types.${stray}` });
}

/** The table with exactly those columns, in their order; what a row does not mention is missing. */
function alike(table: Table, known: Readonly<Record<string, ColumnType>>): Table {
  const stray = Object.keys(table.columns).find((name) => !Object.hasOwn(known, name));
  if (stray !== undefined) throw new ValidationError(`entities has a column '${stray}', which the rows before did not have.`, { path: `entities.${stray}` });
  const columns = Object.entries(known).map(([name, type]): [string, Column] => [name, Object.hasOwn(table.columns, name) ? table.columns[name]! : missingColumn(type, table.rowCount)]);
  return { rowCount: table.rowCount, columns: Object.fromEntries(columns) };
}
