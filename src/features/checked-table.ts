import { hasObjects, isPresent, timestampOf, toColumn, type Column, type ColumnInput, type ColumnType } from '../core/column.ts';
import { isModelkeepError, ValidationError } from '../core/errors.ts';
import { shown } from '../core/shown.ts';
import { tableColumns, type Row, type Table, type TableInput } from '../core/table.ts';
import type { InvalidReason, NoteInvalid, RunChecks } from './table-checks.ts';

/** How the rows of a view are read. */
export interface RowShape {
  readonly entity: readonly string[];
  /** The timestamp, and the time of creation where the view has one. */
  readonly times: readonly string[];
  /** The columns that say which row is which. */
  readonly rowId: readonly string[];
  /** Types of columns by name; a key's is that of its first value. */
  readonly types: Readonly<Record<string, ColumnType>>;
  /** The columns that the view uses. */
  readonly used: readonly string[];
  /** Columns that only other versions of the view use, with their types: taken along where they are there and fit. */
  readonly others: Readonly<Record<string, ColumnType>>;
}

/** Rows that were looked at one by one. */
export interface CheckedTable {
  /** Every row; where a value could not be read, it is missing. */
  readonly table: Table;
  /** Why rows are invalid, by row, ascending. */
  readonly invalid: ReadonlyMap<number, readonly InvalidReason[]>;
  /** Those of them that cannot be rows of the view whatever the checks say: without a key or time, or with a value of another type. */
  readonly unreadable: ReadonlySet<number>;
  /** A row as it was given, with the columns that the view uses. */
  rowAt(i: number): Row;
}

/** Whether the texts of a column of times name a zone, as its first one did. */
export type KnownZones = Map<string, boolean>;

/**
 * Reads a table row by row, so that one bad value spoils its own row only. Throws `ValidationError` for what no single row is to blame for: no table at all, columns of different
 * lengths, a column that is not there.
 */
export function checkTable(given: TableInput, shape: RowShape, zones: KnownZones, runChecks: RunChecks): CheckedTable {
  const reasons = new Map<number, InvalidReason[]>();
  const note: NoteInvalid = (row, reason) => {
    const known = reasons.get(row);
    if (known) known.push(reason);
    else reasons.set(row, [reason]);
  };
  const { raw, rowCount } = rawColumns(given, shape.used, note);
  const columns = Object.fromEntries([...raw].map(([name, values]) => [name, readColumn(values, shape.types[name], name, shape.entity.includes(name), note)]));
  for (const [name, type] of Object.entries(shape.others)) {
    const column = otherColumn(given, name, type, rowCount);
    if (column) columns[name] = column;
  }
  const table: Table = { rowCount, columns };
  for (const name of shape.used) if (columns[name]!.type === 'timestamp') checkZones(raw.get(name)!, name, zones, note);
  for (const name of shape.entity) needValues(columns[name]!, name, 'its entity key', reasons, note);
  shape.times.forEach((name, i) => needValues(columns[name]!, name, i === 0 ? 'its timestamp' : 'the time it was created', reasons, note));
  for (const name of shape.rowId) needValues(columns[name]!, name, 'what tells it from others (rowId)', reasons, note);
  const unreadable = new Set(reasons.keys());
  runChecks(table, note);
  const invalid = new Map([...reasons].sort(([a], [b]) => a - b));
  return { table, invalid, unreadable, rowAt: (i) => Object.fromEntries([...raw].map(([name, values]) => [name, values[i] ?? null])) };
}

function rawColumns(given: TableInput, used: readonly string[], note: NoteInvalid): { raw: Map<string, ColumnInput>; rowCount: number } {
  const raw = new Map<string, ColumnInput>();
  if (Array.isArray(given)) {
    const rows = (given as readonly unknown[]).map((row, i): Row => {
      if (typeof row === 'object' && row !== null) return row as Row;
      note(i, { check: 'row', message: `rows[${i}] is not a row: it is ${shown(row, 80)}, no object of values by column.` });
      return {};
    });
    for (const name of used) raw.set(name, rows.map((row) => (Object.hasOwn(row, name) ? (row[name] ?? null) : null)));
    noteAbsent(rows, used, note);
    return { raw, rowCount: rows.length };
  }
  for (const [name, values] of tableColumns(given, used, 'rows')) {
    const rowCount = raw.values().next().value?.length ?? values.length;
    if (values.length !== rowCount) throw new ValidationError(`rows.${name} has ${values.length} rows where the columns before it have ${rowCount}.`, { path: `rows.${name}` });
    raw.set(name, values);
  }
  return { raw, rowCount: raw.values().next().value?.length ?? 0 };
}

/** A column that the view itself can do without; `undefined` where it is not there, or is no longer what it was. */
function otherColumn(given: TableInput, name: string, type: ColumnType, rowCount: number): Column | undefined {
  try {
    const { raw } = rawColumns(given, [name], () => undefined);
    const values = raw.get(name);
    const column = values?.length === rowCount ? toColumn(values, type, name) : undefined;
    return column?.valid?.includes(1) === false ? undefined : column;
  } catch (error) {
    if (isModelkeepError(error, 'validation')) return undefined;
    throw error;
  }
}

/** A column that no row has is a slip of its name sooner than a lack of values. */
function noteAbsent(rows: readonly Row[], used: readonly string[], note: NoteInvalid): void {
  const absent = used.filter((name) => !rows.some((row) => Object.hasOwn(row, name)));
  if (absent.length === 0) return;
  const there = [...new Set(rows.flatMap((row) => Object.keys(row)))].slice(0, 20).join(', ');
  if (there === '') return;
  for (const name of absent) rows.forEach((_, i) => note(i, { column: name, check: 'missing', message: `rows has no column '${name}'; it has ${there}.` }));
}

function readColumn(values: ColumnInput, type: ColumnType | undefined, name: string, isKey: boolean, note: NoteInvalid): Column {
  const path = `rows.${name}`;
  try {
    const column = toColumn(values, type, path);
    if (!isKey || !hasObjects(column)) return column;
  } catch (error) {
    if (!isModelkeepError(error, 'validation')) throw error;
  }
  let wanted = type;
  const read: unknown[] = [];
  for (let i = 0; i < values.length; i++) {
    const value: unknown = values[i] ?? null;
    let message: string | undefined;
    try {
      const found = value === null ? undefined : toColumn([value], wanted, path);
      if (isKey && found) {
        if (hasObjects(found) || (wanted !== undefined && wanted !== found.type)) message = '';
        else wanted = found.type;
      }
    } catch (error) {
      // The value was looked at alone, as the first of its column.
      message = (error as Error).message.replace(`${path}[0]`, `${path}[${i}]`);
    }
    if (isKey && message !== undefined) {
      message = `${path} holds values of several types or objects, such as ${shown(value, 80)} in row ${i}; the key of an entity is a text, number, bigint or boolean, of one type.`;
    }
    if (message !== undefined) note(i, { column: name, check: 'type', message });
    read.push(message === undefined ? value : null);
  }
  return toColumn(read, wanted, path);
}

/** Times in UTC and times of no zone do not go together: the same text would be another moment. */
function checkZones(values: ColumnInput, name: string, zones: KnownZones, note: NoteInvalid): void {
  if (ArrayBuffer.isView(values)) return;
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (typeof value !== 'string' || timestampOf(value) === undefined) continue;
    const zoned = /(?:Z|[+-]\d{2}:?\d{2})$/i.test(value.slice(10));
    const first = zones.get(name);
    if (first === undefined) zones.set(name, zoned);
    else if (first !== zoned) {
      const [has, others] = zoned ? ['names a zone', 'name none'] : ['names no zone', 'name one'];
      note(i, { column: name, check: 'zone', message: `rows.${name}[${i}] is ${shown(value, 80)}, which ${has} where the times before it ${others}; write all times of a column in one way.` });
    }
  }
}

function needValues(column: Column, name: string, what: string, reasons: ReadonlyMap<number, readonly InvalidReason[]>, note: NoteInvalid): void {
  const numbers = column.type === 'float64' || column.type === 'timestamp' ? column.values : undefined;
  if (column.valid === undefined && numbers === undefined) return;
  const mustBeFinite = column.type === 'timestamp';
  for (let i = 0; i < column.values.length; i++) {
    const number = numbers?.[i] ?? 0;
    const present = isPresent(column, i);
    if (present && (mustBeFinite ? Number.isFinite(number) : !Number.isNaN(number))) continue;
    if (reasons.get(i)?.some((reason) => reason.column === name || reason.column === undefined)) continue;
    note(i, { column: name, check: 'missing', message: `rows[${i}].${name} ${present ? `is ${number}` : 'is missing'}; every row needs ${what}.` });
  }
}
