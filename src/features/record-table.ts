import { takeRows, type Column } from '../core/column.ts';
import type { Table } from '../core/table.ts';
import { EventIndex } from './event-index.ts';
import { withoutSpareTexts } from './spare-texts.ts';

type StringColumn = Extract<Column, { type: 'string' }>;

/** The rows of a record: `t` event time, `c` created time, and `f:` before each of the view's own columns. */
interface IndexedRows {
  readonly rowCount: number;
  readonly column: (name: string) => Column | undefined;
  readonly rowId?: readonly string[] | undefined;
}

/** The index of one entity's rows: by it features are computed. */
export function indexOfRows({ rowCount, column, rowId }: IndexedRows): EventIndex {
  return new EventIndex({
    codes: new Int32Array(rowCount),
    keyCount: 1,
    times: column('t')!.values as Float64Array,
    created: column('c')?.values as Float64Array | undefined,
    rowId,
    column: (name) => column(`f:${name}`),
  });
}

/** {@link indexOfRows} of a table. */
export function indexOf({ rows: { rowCount, columns }, rowId }: { readonly rows: Table; readonly rowId?: readonly string[] | undefined }): EventIndex {
  return indexOfRows({ rowCount, rowId, column: (name) => columns[name] });
}

/** 1 for each row of `rows` that is in `others`, too: known by its batch and its place there; `undefined` where none is. */
export function sharedRows(rows: Table, others: Table): Uint8Array | undefined {
  const [batch, known] = [rows, others].map(({ columns }) => columns['b']) as [StringColumn, StringColumn];
  const codes = new Map(known.dictionary.map((name, code) => [name, code]));
  const codeOf = batch.dictionary.map((name) => codes.get(name) ?? -1);
  // Rows of batches that nobody knew before are the rule.
  if (codeOf.every((code) => code < 0)) return undefined;
  const places = known.dictionary.map(() => new Set<number>());
  const place = others.columns['r']!.values as Float64Array;
  for (let i = 0; i < others.rowCount; i++) places[known.values[i]!]!.add(place[i]!);
  return Uint8Array.from(rows.columns['r']!.values as Float64Array, (each, i) => (places[codeOf[batch.values[i]!]!]?.has(each) ? 1 : 0));
}

/** The rows of a table that `keep` lets pass. */
export function rowsWhere(rows: Table, keep: (row: number) => boolean): Table {
  const kept = Int32Array.from([...Array(rows.rowCount).keys()].filter(keep));
  return kept.length === rows.rowCount ? rows : takeTable(rows, kept);
}

/** Rows of a table, which share no memory with it. */
export function takeTable(rows: Table, indices: Int32Array): Table {
  const columns: Record<string, Column> = {};
  for (const [name, column] of Object.entries(rows.columns)) {
    // Texts of other entities, or of rows that were let go, must not stay.
    columns[name] = withoutSpareTexts(takeRows(column, indices));
  }
  return { rowCount: indices.length, columns };
}

/** Whether two tables are of the very same rows, one having been made from the other without taking any. */
export function hasSameRows(one: Table, other: Table): boolean {
  return one.columns['t'] === other.columns['t'];
}
