import { ValidationError } from '../../core/errors.ts';
import { shown } from '../../core/shown.ts';
import type { FeatureType } from '../../features/definitions/feature-type.ts';
import { viewColumns, type FeatureView } from '../../features/definitions/feature-view.ts';

/** What the columns of a file hold: the view that their rows are for, or types by column. */
export type TableTypes = FeatureView | Readonly<Record<string, FeatureType>>;

/** How rows are read from a file. */
export interface TableFileOptions {
  /** What the columns hold; columns that it does not name are read as the file has them. @default none */
  types?: TableTypes | undefined;
  /** How many rows come at a time: the same file gives the same tables, so that ingesting it again changes nothing. @default 50,000 */
  batchRows?: number | undefined;
  /** Ends the reading with `AbortedError` when it fires. */
  signal?: AbortSignal | undefined;
}

const defaultBatchRows = 50_000;

/** Types by column. */
export function columnTypes(types: TableTypes | undefined): ReadonlyMap<string, FeatureType> {
  if (types === undefined) return new Map();
  if (!isView(types)) return new Map(Object.entries(types));
  const times = types.createdTimestamp === undefined ? [types.timestamp] : [types.timestamp, types.createdTimestamp];
  return new Map([...Object.entries(types.keyTypes ?? {}), ...Object.entries(viewColumns(types)), ...times.map((name) => [name, 'timestamp'] as const)]);
}

/** How many rows come at a time. */
export function checkedBatchRows(batchRows: number = defaultBatchRows): number {
  if (Number.isInteger(batchRows) && batchRows >= 1) return batchRows;
  throw new ValidationError(`options.batchRows is ${shown(batchRows)}; give a whole number of at least 1.`, { path: 'options.batchRows' });
}

function isView(types: TableTypes): types is FeatureView {
  return (types as Partial<FeatureView>).kind === 'feature-view' && typeof (types as Partial<FeatureView>).features === 'object';
}
