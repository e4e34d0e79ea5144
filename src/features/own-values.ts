import { columnValues, hasObjects, type Column } from '../core/column.ts';

/** A column as callers get it: theirs to change, without a trace in what they gave or in what is kept for later calls. */
export function ownValues(column: Column): ArrayLike<unknown> {
  const values = columnValues(column);
  if (hasObjects(column)) return Array.from(values, ownValue);
  return values === column.values ? column.values.slice() : values;
}

/** A value as callers get it. */
export function ownValue(value: unknown): unknown {
  // A clone of a view would bring the whole buffer along, which holds the vectors of thousands of rows.
  if (value instanceof Uint8Array || value instanceof Float32Array) return value.slice();
  return typeof value === 'object' && value !== null ? structuredClone(value) : value;
}
