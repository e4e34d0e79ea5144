import { takeRows, type Column } from '../../core/column.ts';
import { matchingRows, type Where } from '../definitions/condition.ts';
import { columnBytes, type EventIndex } from '../event-index.ts';

/** The rows of an index that count towards an aggregate: those that satisfy its condition and have a value in each of its columns. They keep their order and are numbered from 0. */
export class CountedRows {
  /** 1 where a row of the index counts; absent when every row does. */
  readonly included: Uint8Array | undefined;
  /** How many there are. */
  readonly size: number;
  readonly #rowCount: number;
  /** How many rows count up to and without each place. */
  readonly #before: Uint32Array | undefined;
  #places: Int32Array | undefined;

  constructor(rowCount: number, included: Uint8Array | undefined) {
    this.#rowCount = rowCount;
    this.included = included;
    if (included === undefined) {
      this.size = rowCount;
      return;
    }
    this.#before = new Uint32Array(rowCount + 1);
    for (let i = 0; i < rowCount; i++) this.#before[i + 1] = this.#before[i]! + included[i]!;
    this.size = this.#before[rowCount]!;
  }

  /** A column of the index, of these rows only. */
  take(column: Column): Column {
    return this.included === undefined ? column : takeRows(column, this.places);
  }

  /** How many rows count before a place of the index: the number of the first that counts from there on. */
  before(place: number): number {
    return this.#before === undefined ? place : this.#before[place]!;
  }

  /** Whether the row at a place counts. */
  has(place: number): boolean {
    return this.included === undefined || this.included[place] === 1;
  }

  /** The place of one in the index. */
  placeOf(row: number): number {
    return this.included === undefined ? row : this.places[row]!;
  }

  /** The place of each in the index. */
  get places(): Int32Array {
    return (this.#places ??= this.#gatherPlaces());
  }

  /** Bytes held. */
  get byteLength(): number {
    return (this.#before?.byteLength ?? 0) + (this.included?.byteLength ?? 0) + (this.#places?.byteLength ?? 0);
  }

  #gatherPlaces(): Int32Array {
    const places = new Int32Array(this.size);
    for (let place = 0, i = 0; place < this.#rowCount; place++) if (this.has(place)) places[i++] = place;
    return places;
  }
}

/** The rows that count for a condition and columns; made once and kept with the index. */
export function countedRows(index: EventIndex, columns: readonly string[], where: Where | undefined): CountedRows {
  return index.derived(nameOf('rows', columns, where), () => {
    const included = includedRows(index, columns.map((name) => index.column(name)), where);
    return new CountedRows(index.times.length, included);
  });
}

/** A column that the index has, of those rows only that have a value in it and satisfy a condition; a copy that this takes is kept with the index. */
export function countedColumn(index: EventIndex, name: string, where: Where | undefined): Column {
  const rows = countedRows(index, [name], where);
  const column = index.column(name)!;
  if (rows.included === undefined) return column;
  return index.derived(nameOf('values', [name], where), () => {
    const own = rows.take(column);
    return { column: own, byteLength: columnBytes(own) };
  }).column;
}

/** 1 where a row of the index satisfies a condition and has a value in each of the columns; `undefined` where every row does. */
export function includedRows(index: EventIndex, columns: readonly (Column | undefined)[], where: Where | undefined): Uint8Array | undefined {
  const size = index.times.length;
  let included: Uint8Array | undefined;
  if (where) {
    const tested: Record<string, Column> = {};
    for (const name of Object.keys(where)) {
      const column = index.glance(name);
      if (column) tested[name] = column;
    }
    included = matchingRows(where, tested, size);
  }
  for (const column of columns) {
    if (column === undefined) included = new Uint8Array(size);
    else if (column.valid) included = included ? bothOf(included, column.valid) : column.valid;
  }
  return included;
}

/** A name for what is derived from those rows. */
export function nameOf(what: string, columns: readonly string[], where: Where | undefined): string {
  // The lengths tell where each column's name ends. Conditions are written only where there are any: that takes longer.
  let name = '';
  for (const column of columns) name += ` ${column.length}:${column}`;
  return where === undefined ? `${name} all ${what}` : `${name} where ${what} ${JSON.stringify(where, (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value))}`;
}

function bothOf(a: Uint8Array, b: Uint8Array): Uint8Array {
  return a.map((value, i) => value & b[i]!);
}
