import { columnValues, hasObjects, type Column } from '../core/column.ts';

/** A column as callers get it: theirs to change, without a trace in what they gave or in what is kept for later calls. */
export function ownValues(column: Column): ArrayLike<unknown> {
  const values = columnValues(column);
  if (hasObjects(column)) return Array.from(values, ownValue);
  return values === column.values ? column.values.slice() : values;
}

/** A value as callers get it. */
export function ownValue(value: unknown): unknown {
  return typeof value === 'object' && value !== null ? structuredClone(value) : value;
}
