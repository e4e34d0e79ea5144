import { hasObjects, toColumn, valueAt, type Column, type ColumnType } from '../core/column.ts';
import { ValidationError } from '../core/errors.ts';
import { toTable, type Table, type TableInput } from '../core/table.ts';
import type { FeatureView } from './definitions/feature-view.ts';

/** The table of entities that features are asked for. No rows at all are a table, too. */
export function spineOf(entities: TableInput, timestamp: string, wanted: readonly string[], types: Readonly<Record<string, ColumnType>> = {}): Table {
  const none = Array.isArray(entities) && entities.length === 0;
  const input = none ? Object.fromEntries([...wanted, timestamp].map((name) => [name, []])) : entities;
  return toTable(input, { types: Object.fromEntries([...Object.entries(types), [timestamp, 'timestamp']]), path: 'entities' });
}

/** The moments of a table of entities. Throws `ValidationError` when one is missing. */
export function momentsOf(spine: Table, timestamp: string): Float64Array {
  const column = spine.columns[timestamp];
  if (column === undefined) {
    throw new ValidationError(`entities has no column '${timestamp}' to say for which moments; it has ${Object.keys(spine.columns).join(', ')}.`, { path: `entities.${timestamp}` });
  }
  const times = column.values as Float64Array;
  const bad = times.findIndex((time) => !Number.isFinite(time));
  if (bad >= 0) throw new ValidationError(`entities[${bad}].${timestamp} is missing; features are of a moment.`, { path: `entities[${bad}].${timestamp}` });
  return times;
}

/** A column of a table of entities by which a view finds its rows. Throws `ValidationError` when it is missing, holds no keys, or not those of the view's entity. */
export function entityColumn(spine: Table, name: string, view: FeatureView, key: string): Column {
  const column = spine.columns[name];
  if (column === undefined) {
    throw new ValidationError(`entities has no column '${name}', by which the view '${view.name}' finds its entities; it has ${Object.keys(spine.columns).join(', ')}.`, { path: `entities.${name}` });
  }
  if (hasObjects(column)) throw new ValidationError(`entities.${name} holds values of several types or objects, which are no entity keys.`, { path: `entities.${name}` });
  return keyColumn(column, view.keyTypes?.[key], `entities.${name}`);
}

/** A column as one of keys of that type. */
export function keyColumn(column: Column, type: ColumnType | undefined, path: string): Column {
  if (type === undefined || column.type === type) return column;
  // What fits is taken as what it is meant to be: whole numbers as int64, ISO texts as timestamps.
  return toColumn(Array.from({ length: column.values.length }, (_, i) => valueAt(column, i)), type, path);
}
