import { throwIfAborted } from './abort.ts';
import { concatColumns, toColumn, type Column, type ColumnInput, type ColumnType } from './column.ts';
import { ValidationError } from './errors.ts';
import { shown } from './shown.ts';

/** One row: the columns' values by name. */
export type Row = Readonly<Record<string, unknown>>;

/** Columns by name, all of one length. */
export type Columns = Readonly<Record<string, ColumnInput>>;

/** A table as Arrow's JavaScript library has it, recognised by its shape. */
export interface ArrowTable {
  /** How many rows it has. */
  readonly numRows: number;
  /** What columns it has. */
  readonly schema: {
    /** The columns, in order. */
    readonly fields: readonly {
      /** The column's name. */
      readonly name: string;
    }[];
  };
  /** A column by its name, or `null` when there is none. */
  getChild(name: string): ArrowVector | null;
}

/** A column of an {@link ArrowTable}. */
export interface ArrowVector {
  /** How many values it has. */
  readonly length: number;
  /** How many of them are missing; absent when that is not known. */
  readonly nullCount?: number;
  /** The value of row `i`, `null` where it is missing. */
  get(i: number): unknown;
  /** The values at once; used only where none is missing. */
  toArray?(): ArrayLike<unknown>;
}

/** What every call that takes a table accepts: rows (objects with the columns' values by name, whatever their type is called), columns, or an Arrow-shaped table. */
export type TableInput = readonly object[] | Columns | ArrowTable;

/** A table, or a stream of tables or of rows. */
export type TableSource = TableInput | AsyncIterable<object>;

/** A table inside modelkeep: typed columns of one length. */
export interface Table {
  readonly rowCount: number;
  readonly columns: Readonly<Record<string, Column>>;
}

/** How {@link toTable} reads its input. */
export interface TableOptions {
  /** Types of columns by name; the others are inferred. */
  types?: Readonly<Record<string, ColumnType>>;
  /** Only these columns are taken, and each must be there. @default all */
  only?: readonly string[];
  /** What to call the table in errors. @default 'table' */
  path?: string;
}

/** Whether the input is a stream of tables or rows rather than one table. */
export function isTableStream(source: TableSource): source is AsyncIterable<object> {
  return Symbol.asyncIterator in source;
}

/**
 * The typed form of a table. Throws `ValidationError` naming the place when columns differ in length, a column asked for is missing, or a value is not of its type.
 */
export function toTable(input: TableInput, options: TableOptions = {}): Table {
  const { path = 'table' } = options;
  const given = tableColumns(input, options.only, path);
  const columns: [string, Column][] = [];
  let rowCount: number | undefined;
  for (const [name, values] of given) {
    const type = options.types && Object.hasOwn(options.types, name) ? options.types[name] : undefined;
    columns.push([name, toColumn(values, type, `${path}.${name}`)]);
    rowCount ??= values.length;
    if (values.length !== rowCount) {
      throw new ValidationError(`${path}.${name} has ${values.length} rows where the columns before it have ${rowCount}.`, { path: `${path}.${name}` });
    }
  }
  // A column may be called __proto__ or constructor: assigning or looking it up plainly would meet Object's own.
  return { rowCount: rowCount ?? (Array.isArray(input) ? input.length : 0), columns: Object.fromEntries(columns) };
}

/** The tables of any source, as they were given; rows of a stream are gathered, `batchRows` at a time. */
export async function* tableInputs(source: TableSource, batchRows: number, signal: AbortSignal | undefined): AsyncGenerator<TableInput> {
  if (!isTableStream(source)) {
    yield source;
    return;
  }
  let rows: Row[] = [];
  for await (const item of source) {
    throwIfAborted(signal, 'Reading the table');
    if (isTableInput(item)) {
      if (rows.length > 0) yield rows;
      rows = [];
      yield item;
    } else if (rows.push(item as Row) >= batchRows) {
      yield rows;
      rows = [];
    }
  }
  if (rows.length > 0) yield rows;
}

/** Tables with the same columns, one after the other. */
export function concatTables(tables: readonly Table[]): Table {
  const first = tables[0];
  if (first === undefined || tables.length === 1) return first ?? { rowCount: 0, columns: {} };
  const columns = Object.keys(first.columns).map((name) => [name, concatColumns(tables.map((table) => table.columns[name]!))] as const);
  return { rowCount: tables.reduce((sum, table) => sum + table.rowCount, 0), columns: Object.fromEntries(columns) };
}

/** Tells a table from a row: a table is an array of rows, an Arrow table, or has nothing but arrays. */
function isTableInput(item: object | null): item is TableInput {
  // What is no object is a row that is none: whoever reads the rows names its place.
  if (typeof item !== 'object' || item === null) return false;
  if (Array.isArray(item) || isArrowTable(item)) return true;
  const values = Object.values(item);
  return values.length > 0 && values.every((value) => Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView)));
}

function isArrowTable(input: object): input is ArrowTable {
  return typeof (input as Partial<ArrowTable>).getChild === 'function' && typeof (input as Partial<ArrowTable>).numRows === 'number';
}

/** The columns of a table as they were given, by name. Throws `ValidationError` when it is none, or when one of those asked for is missing. */
export function tableColumns(input: TableInput, only: readonly string[] | undefined, path: string): Iterable<[string, ColumnInput]> {
  if (typeof input !== 'object' || input === null) throw new ValidationError(`${path} is ${shown(input, 80)}; give rows, columns or an Arrow table.`, { path });
  if (isArrowTable(input)) return arrowColumns(input, only ?? input.schema.fields.map((field) => field.name), path);
  if (Array.isArray(input)) return rowColumns(input as readonly Row[], only, path);
  if (hidesValues(input)) throw notInReach(input, path);
  const columns = input as Columns;
  return (only ?? Object.keys(columns)).map((name) => {
    const values: unknown = Object.hasOwn(columns, name) ? columns[name] : undefined;
    if (values === undefined) throw missingColumn(name, Object.keys(columns), path);
    if (typeof values !== 'object' || values === null || !isLength((values as ColumnInput).length)) {
      throw new ValidationError(`${path}.${name} is not an array; a table is an object of columns or an array of rows.`, { path: `${path}.${name}` });
    }
    return [name, values as ColumnInput];
  });
}

/** Whether it is a length that an array can have: what reads a longer one would not end. */
function isLength(length: unknown): boolean {
  return Number.isInteger(length) && (length as number) >= 0 && (length as number) < 2 ** 32;
}

/** Whether something is no plain object and has nothing of its own, as a map, a generator or a promise: it would pass for a table without columns, and what is in it be lost. */
function hidesValues(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype !== Object.prototype && prototype !== null && Object.getPrototypeOf(prototype) !== null && Object.keys(value).length === 0;
}

function notInReach(input: object, path: string): ValidationError {
  const kind = Object.prototype.toString.call(input).slice('[object '.length, -1);
  return new ValidationError(`${path} comes as ${kind}, ${'then' in input ? 'so await it first' : 'which has no columns by name'}; give an array of rows, an object of columns, or an Arrow table.`, { path });
}

function* arrowColumns(table: ArrowTable, names: readonly string[], path: string): Generator<[string, ColumnInput]> {
  for (const name of names) {
    const vector = table.getChild(name);
    if (vector === null) throw missingColumn(name, table.schema.fields.map((field) => field.name), path);
    const raw = vector.nullCount === 0 ? vector.toArray?.() : undefined;
    const usable = raw instanceof Float64Array || raw instanceof Float32Array || raw instanceof Int32Array;
    yield [name, usable ? raw : Array.from({ length: vector.length }, (_, i) => plainValue(vector.get(i)))];
  }
}

/** Lists and structs, which Arrow gives as vectors and rows of its own, as arrays and objects. */
function plainValue(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || value instanceof Date) return value;
  const { get, length, toJSON } = value as Partial<ArrowVector> & { toJSON?: () => unknown };
  if (typeof get === 'function' && typeof length === 'number') return Array.from({ length }, (_, i) => plainValue((value as ArrowVector).get(i)));
  const plain = typeof toJSON === 'function' ? toJSON.call(value) : value;
  if (typeof plain !== 'object' || plain === null) return plain;
  return Object.fromEntries(Object.entries(plain).map(([name, each]) => [name, plainValue(each)]));
}

function* rowColumns(rows: readonly Row[], only: readonly string[] | undefined, path: string): Generator<[string, ColumnInput]> {
  const names = new Set<string>();
  rows.forEach((row, i) => {
    if (typeof row !== 'object' || row === null || hidesValues(row)) throw new ValidationError(`${path}[${i}] is not a row: an object of values by column.`, { path: `${path}[${i}]` });
    for (const name of Object.keys(row)) names.add(name);
  });
  for (const name of only ?? names) {
    if (rows.length > 0 && !names.has(name)) throw missingColumn(name, [...names], path);
    yield [name, rows.map((row) => (Object.hasOwn(row, name) ? row[name] : null))];
  }
}

function missingColumn(name: string, present: readonly string[], path: string): ValidationError {
  const there = present.length > 0 ? `it has ${present.slice(0, 20).join(', ')}${present.length > 20 ? ' …' : ''}` : 'it has none';
  return new ValidationError(`${path} has no column '${name}'; ${there}.`, { path: `${path}.${name}` });
}
