import { throwIfAborted } from '../../core/abort.ts';
import { ValidationError } from '../../core/errors.ts';
import { shown } from '../../core/shown.ts';
import type { FeatureType } from '../../features/definitions/feature-type.ts';
import { csvRecords, type CsvRecord } from '../../tracking/interchange/csv-records.ts';
import { gunzipped } from '../../tracking/interchange/gunzipped.ts';
import type { SourceFile } from '../../tracking/interchange/source-directory.ts';
import { cellValue } from './cell-value.ts';
import { checkedBatchRows, columnTypes, type TableFileOptions } from './table-types.ts';

/** How a CSV file is read. */
export interface CsvTablesOptions extends TableFileOptions {
  /** What stands between cells. @default ',' */
  delimiter?: string | undefined;
  /** Cells that say that there is no value. @default [''] */
  missing?: readonly string[] | undefined;
}

/**
 * The rows of a CSV file as columns, for `FeatureStore.ingest` or any other call that takes a stream of tables. The first record names the columns. Cells of columns that have a type become
 * values of it: numbers, 64-bit integers exactly, truth values, epoch milliseconds; times written as ISO 8601, and what is no such value, stay texts, which ingesting reads or refuses
 * with row and column. Gzip is read as what is in it. In memory are the rows of one table.
 *
 * Throws `ValidationError`, with the row and the byte, for a record that cannot be read or has another number of cells than the first.
 *
 * @example
 * ```ts
 * import { FeatureStore, featureView, MemoryStorage } from 'modelkeep';
 * import { csvTables, sourceFile } from 'modelkeep/interchange';
 *
 * const view = featureView({ name: 'delays', entity: ['origin'], timestamp: 'landed', features: { delay: 'float64' } });
 * const store = new FeatureStore({ storage: new MemoryStorage() });
 * await store.apply([view]);
 * const file = sourceFile('delays.csv', 'origin,landed,delay\nATL,2024-05-01T10:00:00Z,12\nJFK,2024-05-01T10:05:00Z,\n');
 * console.log((await store.ingest(view, csvTables(file, { types: view }))).rows); // 2
 * ```
 */
export async function* csvTables(file: SourceFile, options: CsvTablesOptions = {}): AsyncGenerator<Record<string, unknown[]>, void, undefined> {
  const { delimiter = ',', signal } = options;
  if (typeof delimiter !== 'string' || delimiter.length !== 1 || delimiter === '"') {
    throw new ValidationError(`options.delimiter is ${shown(delimiter)}; give one character that is no quote.`, { path: 'options.delimiter' });
  }
  const batchRows = checkedBatchRows(options.batchRows);
  const types = columnTypes(options.types);
  const missing = new Set(options.missing ?? ['']);
  let head: { names: readonly string[]; kinds: readonly (FeatureType | undefined)[] } | undefined;
  let columns: unknown[][] = [];
  let seen = 0;
  for await (const records of csvRecords(gunzipped(file), delimiter, { signal })) {
    throwIfAborted(signal, `Reading ${file.name}`);
    for (const record of records) {
      if (!('cells' in record)) throw new ValidationError(`${file.name}, row ${seen}: ${record.message}`, { path: file.name, row: seen, offset: record.offset });
      if (head === undefined) {
        const names = headOf(file.name, record);
        head = { names, kinds: names.map((name) => types.get(name)) };
        columns = names.map(() => []);
        continue;
      }
      const { cells, offset } = record;
      if (cells.length !== columns.length) {
        throw new ValidationError(`${file.name}, row ${seen} at byte ${offset}, has ${cells.length} cells where the first record names ${columns.length} columns; mend the file.`, { path: file.name, row: seen, offset });
      }
      for (let c = 0; c < cells.length; c++) columns[c]!.push(missing.has(cells[c]!) ? null : cellValue(cells[c]!, head.kinds[c]));
      seen++;
      if (columns[0]!.length < batchRows) continue;
      yield tableOf(head.names, columns);
      columns = head.names.map(() => []);
    }
  }
  if (head !== undefined && columns[0]!.length > 0) yield tableOf(head.names, columns);
}

function headOf(file: string, { cells }: CsvRecord): readonly string[] {
  const twice = cells.find((name, i) => cells.indexOf(name) !== i);
  if (twice !== undefined) throw new ValidationError(`${file} has two columns named ${shown(twice, 80)}; give one of them another name.`, { path: file });
  return cells;
}

function tableOf(names: readonly string[], columns: readonly unknown[][]): Record<string, unknown[]> {
  return Object.fromEntries(names.map((name, i) => [name, columns[i]!]));
}
