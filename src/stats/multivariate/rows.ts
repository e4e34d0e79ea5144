import { ValidationError } from '../../core/errors.ts';
import { shown } from '../../core/shown.ts';
import { demandList, demandWhole } from '../arguments.ts';
import type { SeededGenerator } from '../seeded-generator.ts';

/** Rows of numbers: one list for each row, all rows one after the other with their `width`, or one list for each column. */
export type Rows =
  | readonly ArrayLike<number>[]
  | {
      /** The rows, one after the other. */
      readonly values: ArrayLike<number>;
      /** How many numbers a row has, at least 1. */
      readonly width: number;
    }
  | {
      /** The columns, all of one length. */
      readonly columns: readonly ArrayLike<number>[];
    };

/** Rows in one array, one after the other. */
export interface RowMajor {
  readonly values: Float64Array;
  readonly width: number;
  readonly count: number;
}

/** Puts rows into one array; what is no number becomes NaN. `width` is 0 where there is no row to tell it. */
export function rowMajor(name: string, rows: Rows): RowMajor {
  if (typeof rows !== 'object' || rows === null) {
    throw new ValidationError(`${name} is ${shown(rows, 60)}; it must be a list of rows, { columns }, or { values, width }.`, { path: name });
  }
  if ('columns' in rows) return fromColumns(name, rows.columns);
  if ('values' in rows && 'width' in rows) {
    const { values, width } = rows;
    demandWhole(`${name}.width`, width, 1);
    demandList(`${name}.values`, values);
    if (values.length % width !== 0) {
      const message = `${name}.values has ${values.length} numbers, which is not a whole number of rows of ${width}; check the width.`;
      throw new ValidationError(message, { path: `${name}.values` });
    }
    return { values: values instanceof Float64Array ? values : Float64Array.from(values, numberOf), width, count: values.length / width };
  }
  demandList(name, rows);
  if (rows.length > 0) demandList(`${name}[0]`, rows[0]!);
  const width = rows[0]?.length ?? 0;
  const values = new Float64Array(rows.length * width);
  for (let r = 0; r < rows.length; r++) {
    const row = rows[r]!;
    demandList(`${name}[${r}]`, row);
    if (row.length !== width) {
      throw new ValidationError(`${name}[${r}] has ${row.length} numbers and the first row has ${width}; all rows have one width.`, { path: `${name}[${r}]` });
    }
    for (let k = 0; k < width; k++) values[r * width + k] = numberOf(row[k]);
  }
  return { values, width, count: rows.length };
}

function fromColumns(name: string, columns: readonly ArrayLike<number>[]): RowMajor {
  demandList(`${name}.columns`, columns);
  if (columns.length > 0) demandList(`${name}.columns[0]`, columns[0]!);
  const width = columns.length;
  const count = columns[0]?.length ?? 0;
  const values = new Float64Array(count * width);
  for (let k = 0; k < width; k++) {
    const column = columns[k]!;
    demandList(`${name}.columns[${k}]`, column);
    if (column.length !== count) {
      const message = `${name}.columns[${k}] has ${column.length} numbers and the first column has ${count}; all columns have one length.`;
      throw new ValidationError(message, { path: `${name}.columns[${k}]` });
    }
    for (let r = 0; r < count; r++) values[r * width + k] = numberOf(column[r]);
  }
  return { values, width, count };
}

function numberOf(value: unknown): number {
  return typeof value === 'number' ? value : NaN;
}

/** The rows in which every number is finite, by their index. */
export function finiteRows({ values, width, count }: RowMajor): Uint32Array {
  const kept = new Uint32Array(count);
  let size = 0;
  for (let r = 0; r < count; r++) {
    let k = r * width;
    const end = k + width;
    while (k < end && Number.isFinite(values[k]!)) k++;
    if (k === end) kept[size++] = r;
  }
  return kept.subarray(0, size);
}

/** The index of every row. */
export function allRows(count: number): Uint32Array {
  return Uint32Array.from({ length: count }, (_, row) => row);
}

/** At most `size` of the rows, each as likely, in their order. */
export function drawRows(rows: Uint32Array, size: number, generator: SeededGenerator): Uint32Array {
  if (rows.length <= size) return rows;
  const shuffled = rows.slice();
  for (let i = 0; i < size; i++) {
    const other = i + generator.below(shuffled.length - i);
    const row = shuffled[i]!;
    shuffled[i] = shuffled[other]!;
    shuffled[other] = row;
  }
  return shuffled.subarray(0, size).sort();
}
