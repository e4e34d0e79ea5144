import { throwIfAborted } from '../core/abort.ts';
import type { ColumnType } from '../core/column.ts';
import { ValidationError } from '../core/errors.ts';
import { isTableStream, tableInputs, type Row, type Table, type TableSource } from '../core/table.ts';
import { pickRows, rowsPerBatch, sliceTable } from './batch.ts';
import { checkTable, type CheckedTable, type KnownZones, type RowShape } from './checked-table.ts';
import type { CurrentView } from './definitions/definition-states.ts';
import { viewColumns } from './definitions/feature-view.ts';
import type { InvalidRow } from './quarantine.ts';
import type { CheckRun } from './quality/check-run.ts';
import type { InvalidReason, RunChecks } from './table-checks.ts';

/** How rows are looked at before they are ingested. */
export interface RowChecking {
  readonly onInvalid: 'fail' | 'quarantine';
  /** What rows must be, besides rows of the view; `undefined` for nothing more. */
  readonly checks: CheckRun | undefined;
  readonly signal: AbortSignal | undefined;
}

/** Rows that are ingested together. */
export interface IngestPart {
  /** Rows that can be rows of the view. Their digest names the batch, whatever the checks say today. */
  readonly table: Table;
  /** Places in `table` that are to be set aside, ascending. */
  readonly invalid: readonly number[];
  /** What is set aside of the row at a place. */
  readonly asideAt: (i: number) => InvalidRow;
  /** What cannot even be rows of the view. */
  readonly unreadable: readonly InvalidRow[];
}

/** What the rows of a view look like. */
export function rowShapeOf(current: CurrentView): RowShape {
  const { entity, timestamp, createdTimestamp } = current.view;
  const times = createdTimestamp === undefined ? [timestamp] : [timestamp, createdTimestamp];
  const types: Record<string, ColumnType> = { ...current.columns, ...current.view.keyTypes, ...Object.fromEntries(times.map((name) => [name, 'timestamp'])) };
  const used = [...new Set([...entity, ...Object.keys(types)])];
  const others = Object.fromEntries(current.kept.flatMap((view) => Object.entries(viewColumns(view)).filter(([name]) => !used.includes(name))));
  return { entity, times, rowId: current.view.rowId ?? [], types, used, others };
}

/**
 * Batches of checked rows from any source, with the columns that the view uses. A table is checked whole before its first batch comes out; a stream batch by
 * batch. Throws `ValidationError` naming the first invalid rows and their number, unless they are to be set aside.
 */
export async function* partsOf(current: CurrentView, source: TableSource, checking: RowChecking): AsyncGenerator<IngestPart> {
  if (typeof source !== 'object' || source === null) throw new ValidationError('rows must be an array of rows, columns, an Arrow table, or a stream of them.', { path: 'rows' });
  const shape = rowShapeOf(current);
  const runChecks = runOf(checking.checks);
  const batchRows = rowsPerBatch(shape.used.map((name) => shape.types[name] ?? 'string'));
  const zones: KnownZones = new Map();
  let seen = 0;
  for await (const given of tableInputs(source, batchRows, checking.signal)) {
    if (Array.isArray(given) && given.length === 0) continue;
    let checked: CheckedTable;
    try {
      checked = checkTable(given, shape, zones, runChecks);
      if (checking.onInvalid === 'fail' && checked.invalid.size > 0) throw refused(checked);
    } catch (error) {
      if (!(error instanceof ValidationError) || seen === 0 || !isTableStream(source)) throw error;
      throw new ValidationError(`After ${seen} rows of the stream, which are ingested: ${error.message}`, { ...error.details, offset: seen, cause: error });
    }
    yield* slices(current, checked, batchRows, seen, checking.signal);
    seen += checked.table.rowCount;
  }
}

function* slices(current: CurrentView, checked: CheckedTable, batchRows: number, offset: number, signal: AbortSignal | undefined): Generator<IngestPart> {
  const { invalid, unreadable } = checked;
  const size = checked.table.rowCount;
  // A row that passes today, of a batch that was judged before, is what it was then.
  const before: InvalidReason[] = [{ check: 'row', message: 'The row was invalid when its batch first came.' }];
  const asideOf = (row: number): InvalidRow => ({ place: offset + row, reasons: invalid.get(row) ?? before, values: checked.rowAt(row) });
  const readable = unreadable.size === 0 ? undefined : Int32Array.from({ length: size }, (_, i) => i).filter((i) => !unreadable.has(i));
  const table = readable ? pickRows(checked.table, readable) : checked.table;
  const rowOf = (i: number): number => (readable ? readable[i]! : i);
  let spoilt = [...unreadable].sort((a, b) => a - b).map(asideOf);
  for (let from = 0; from < table.rowCount || spoilt.length > 0; from += batchRows) {
    throwIfAborted(signal, `Ingesting into ${current.view.name}`);
    const to = Math.min(table.rowCount, from + batchRows);
    const failing: number[] = [];
    if (invalid.size > unreadable.size) for (let i = from; i < to; i++) if (invalid.has(rowOf(i))) failing.push(i - from);
    yield { table: sliceTable(table, from, to), invalid: failing, asideAt: (i) => asideOf(rowOf(from + i)), unreadable: spoilt };
    spoilt = [];
  }
}

const shownRows = 10;

function refused({ table, invalid }: CheckedTable): ValidationError {
  const rows = [...invalid].slice(0, shownRows).map(([row, reasons]) => ({ row, reasons }));
  const messages = [...new Set(rows.flatMap(({ reasons }) => reasons.map(({ message }) => message)))];
  const count = invalid.size === 1 ? '' : `${invalid.size} of ${table.rowCount} rows are invalid: `;
  return new ValidationError(`${count}${messages.slice(0, 3).join(' ')}${messages.length > 3 ? ' …' : ''}`, { path: pathOf(rows[0]!.row, rows[0]!.reasons[0]!), invalid: invalid.size, rows });
}

function pathOf(row: number, { column }: InvalidReason): string {
  return column === undefined ? `rows[${row}]` : `rows[${row}].${column}`;
}

/** Corrected rows from quarantine as they go in; throws `ValidationError` when they are still invalid. */
export function checkedRows(current: CurrentView, rows: readonly Row[], checks: CheckRun | undefined): Table {
  const shape = rowShapeOf(current);
  const checked = checkTable(rows, shape, new Map(), runOf(checks));
  if (checked.invalid.size > 0) throw refused(checked);
  return checked.table;
}

function runOf(checks: CheckRun | undefined): RunChecks {
  return (table, note) => checks?.run(table, note);
}
