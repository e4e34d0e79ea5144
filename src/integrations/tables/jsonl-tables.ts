import { throwIfAborted } from '../../core/abort.ts';
import { ValidationError } from '../../core/errors.ts';
import { gunzipped } from '../../tracking/interchange/gunzipped.ts';
import { lenientJson } from '../../tracking/interchange/lenient-json.ts';
import type { SourceFile } from '../../tracking/interchange/source-directory.ts';
import { sourceLines } from '../../tracking/interchange/source-lines.ts';
import { cellValue } from './cell-value.ts';
import { checkedBatchRows, columnTypes, type TableFileOptions } from './table-types.ts';

/**
 * The rows of a file with a JSON object in each line, for `FeatureStore.ingest` or any other call that takes a stream of tables. Integers of an `int64` column are read exactly, beyond 2^53 too, as
 * numbers or as texts; NaN and infinities may be bare words. Empty lines are passed over, and gzip is read as what is in it. In memory are the rows of one table.
 *
 * Throws `ValidationError`, with the row and the byte, for a line that is no JSON object.
 *
 * @example
 * ```ts
 * import { FeatureStore, featureView, MemoryStorage } from 'modelkeep';
 * import { jsonlTables, sourceFile } from 'modelkeep/interchange';
 *
 * const view = featureView({ name: 'seats', entity: ['flight'], timestamp: 'at', features: { booking: 'int64' } });
 * const store = new FeatureStore({ storage: new MemoryStorage() });
 * await store.apply([view]);
 * const file = sourceFile('seats.jsonl', '{"flight":"DL1","at":"2024-05-01T10:00:00Z","booking":9007199254740993}\n');
 * console.log((await store.ingest(view, jsonlTables(file, { types: view }))).rows); // 1
 * ```
 */
export async function* jsonlTables(file: SourceFile, options: TableFileOptions = {}): AsyncGenerator<Record<string, unknown>[], void, undefined> {
  const { signal } = options;
  const batchRows = checkedBatchRows(options.batchRows);
  const types = columnTypes(options.types);
  const whole = [...types].flatMap(([name, type]) => (type === 'int64' ? [name] : []));
  let rows: Record<string, unknown>[] = [];
  const names = new Set<string>();
  let seen = 0;
  for await (const lines of sourceLines(gunzipped(file), { signal })) {
    throwIfAborted(signal, `Reading ${file.name}`);
    for (const { text: line, offset, cut } of lines) {
      const text = offset === 0 ? line.replace(/^\ufeff/, '') : line;
      if (text.trim() === '') continue;
      const row = cut ? undefined : rowOf(text, whole);
      if (row === undefined) {
        throw new ValidationError(`${file.name}, row ${seen} at byte ${offset}, is no JSON object${cut ? ' of at most 16 MB' : ''}; mend the file.`, { path: file.name, row: seen, offset });
      }
      for (const name of Object.keys(row)) names.add(name);
      rows.push(row);
      seen++;
      if (rows.length < batchRows) continue;
      yield withColumns(rows, names);
      rows = [];
    }
  }
  if (rows.length > 0) yield withColumns(rows, names);
}

/** A column that rows before had is one of this table too, though none of its rows has a value. */
function withColumns(rows: readonly Record<string, unknown>[], names: ReadonlySet<string>): Record<string, unknown>[] {
  return rows.map((row, i) => (i === 0 ? { ...Object.fromEntries([...names].map((name) => [name, null])), ...row } : row));
}

function rowOf(text: string, whole: readonly string[]): Record<string, unknown> | undefined {
  const row = lenientJson(text);
  if (typeof row !== 'object' || row === null || Array.isArray(row)) return undefined;
  const values = row as Record<string, unknown>;
  const exact = whole.some((name) => typeof values[name] === 'number' && !Number.isSafeInteger(values[name])) ? (lenientJson(quoteLongIntegers(text)) as Record<string, unknown>) : values;
  for (const name of whole) if (Object.hasOwn(values, name) && typeof exact[name] === 'string') values[name] = cellValue(exact[name], 'int64');
  return values;
}

/** The integers that a double may not hold, as texts. */
function quoteLongIntegers(text: string): string {
  const long = /^-?\d{16,}$/;
  return text.replace(/"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g, (token) => (long.test(token) ? `"${token}"` : token));
}
