import { takeRows, type Column } from '../core/column.ts';
import type { Table } from '../core/table.ts';
import { EventIndex, type IndexColumns } from './event-index.ts';
import { withoutSpareTexts } from './spare-texts.ts';

type StringColumn = Extract<Column, { type: 'string' }>;

/** The index of one entity's rows, of which `t` is event time, `c` created time, and those of the view have `f:` before their names: by it features are computed. */
export function indexOfRows(rows: IndexColumns, rowId: readonly string[] | undefined): EventIndex {
  return new EventIndex({
    keyCount: 1,
    times: rows.column('t')!.values as Float64Array,
    created: rows.column('c')?.values as Float64Array | undefined,
    rowId,
    columns: new ViewColumns(rows),
  });
}

/** The view's own columns of a record. */
class ViewColumns implements IndexColumns {
  readonly #rows: IndexColumns;

  constructor(rows: IndexColumns) {
    this.#rows = rows;
  }

  column(name: string): Column | undefined {
    return this.#rows.column(`f:${name}`);
  }

  readNumbers(name: string, from: number, to: number, into: Float64Array): boolean {
    return this.#rows.readNumbers?.(`f:${name}`, from, to, into) === true;
  }
}

/** {@link indexOfRows} of a table. */
export function indexOf({ rows: { columns }, rowId }: { readonly rows: Table; readonly rowId?: readonly string[] | undefined }): EventIndex {
  return indexOfRows({ column: (name) => columns[name] }, rowId);
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
