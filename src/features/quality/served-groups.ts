import { concatColumns, takeRows, toColumn, type Column, type ColumnType } from '../../core/column.ts';
import { ValidationError } from '../../core/errors.ts';
import type { OperationOptions } from '../../core/progress.ts';
import { concatTables, toTable, type Table, type TableInput } from '../../core/table.ts';
import type { StorageAdapter } from '../../storage/contract.ts';
import type { FeatureRequest, QueryPlan } from '../definitions/query-plan.ts';
import { columnsWanted } from '../historical-query.ts';
import { momentsOf } from '../spine.ts';
import { isOfVersion } from './served-answers.ts';
import { readParts, servedKeys, type ServedPart } from './served-format.ts';
import { requestSegment, type PlannedShape, type ServedShape } from './served-shape.ts';
import type { SkewSettings } from './skew-options.ts';

/** A feature as it was served. */
export interface ServedFeatureColumn {
  readonly values: Column;
  /** Statuses as texts; absent where all are `PRESENT`, or none is known. */
  readonly statuses: Column | undefined;
  /** Event times; absent where they are not known. */
  readonly times: Column | undefined;
  /** The version of the view that answered, where it is known. */
  readonly version: number | string | undefined;
}

/** Rows that were served alike. */
export interface ServedGroup {
  /** The columns of the entities. */
  readonly spine: Table;
  readonly moments: Float64Array;
  /** Features, by what they are whatever their version. */
  readonly features: ReadonlyMap<string, ServedFeatureColumn>;
  /** How the answers came about, where that is known. */
  readonly shape: ServedShape | undefined;
}

/** Rows to compare, at most as many as wanted. */
export interface ServedRows {
  readonly groups: readonly ServedGroup[];
  /** Whether there were more, which are older. */
  readonly truncated: boolean;
}

/** What the log has of a query: the newest rows of the range. */
export async function loggedRows(storage: StorageAdapter, features: FeatureRequest, settings: SkewSettings, options: OperationOptions): Promise<ServedRows> {
  const keys = await servedKeys(storage, requestSegment(features), { from: settings.from, to: settings.to, signal: options.signal });
  const parts = new Map<string, ServedPart[]>();
  let rows = 0;
  let truncated = false;
  for await (const part of readParts(storage, keys.reverse(), options)) {
    if (!isOfVersion(part, features)) continue;
    const moments = part.table.columns['t']!.values as Float64Array;
    const within = [...moments.keys()].filter((row) => moments[row]! >= settings.from && moments[row]! <= settings.to);
    const kept = within.slice(Math.max(0, within.length - (settings.maxRows - rows)));
    truncated ||= kept.length < within.length;
    rows += kept.length;
    if (kept.length > 0) {
      const types = part.shape.entities.map((_, e) => part.table.columns[`e${e}`]!.type);
      const alike = `${JSON.stringify(part.shape)} ${types.join()}`;
      parts.set(alike, [...(parts.get(alike) ?? []), { shape: part.shape, table: kept.length === moments.length ? part.table : takeTableRows(part.table, kept) }]);
    }
    if (truncated) break;
  }
  return { groups: [...parts.values()].map(groupOf), truncated };
}

function groupOf(parts: readonly ServedPart[]): ServedGroup {
  const { shape } = parts[0]!;
  const withStatuses = shape.features.map((_, f) => `s${f}`).filter((name) => parts.some(({ table }) => table.columns[name]));
  // What was read from the newest on is put in the order of time.
  const table = concatTables([...parts].reverse().map((part) => ({ ...part.table, columns: { ...part.table.columns, ...Object.fromEntries(withStatuses.map((name) => [name, part.table.columns[name] ?? allPresent(part.table.rowCount)])) } })));
  const { columns, rowCount } = table;
  const versions = [...shape.views, ...shape.onDemand].map(({ version }) => version);
  const features = shape.features.map(({ ref, group }, f): [string, ServedFeatureColumn] => [ref, { values: columns[`v${f}`]!, statuses: columns[`s${f}`], times: columns[`a${group}`], version: versions[group] }]);
  const entities = shape.entities.map(({ column }, e) => [column, columns[`e${e}`]!] as const);
  return { spine: { rowCount, columns: Object.fromEntries(entities) }, moments: columns['t']!.values as Float64Array, features: new Map(features), shape };
}

function allPresent(rowCount: number): Column {
  return { type: 'string', values: new Uint32Array(rowCount), dictionary: ['PRESENT'] };
}

/** The rows of a table that was given. Throws `ValidationError` where it lacks moments or every feature of the query, or a value is not of its feature's type. */
export function givenRows(given: TableInput, plan: QueryPlan, { shape }: PlannedShape, settings: SkewSettings): ServedRows {
  const types: Record<string, ColumnType> = { [settings.timestamp]: 'timestamp' };
  const asked = shape.features.flatMap(({ column, ref, type }) => (column === undefined ? [] : [{ column, ref, type }]));
  for (const { column, type } of asked) types[column] = type;
  const none = Array.isArray(given) && given.length === 0;
  const empty = (): TableInput => Object.fromEntries([...columnsWanted(plan), ...Object.keys(types)].map((name) => [name, []]));
  const table = toTable(none ? empty() : given, { types, path: 'served' });
  const moments = momentsOf(table, settings.timestamp);
  const within = [...moments.keys()].filter((row) => moments[row]! >= settings.from && moments[row]! <= settings.to);
  // The newest; those of one moment as they were given.
  const kept = within.length <= settings.maxRows ? within : within.sort((a, b) => moments[a]! - moments[b]! || a - b).slice(-settings.maxRows).sort((a, b) => a - b);
  const rows = kept.length === table.rowCount ? table : takeTableRows(table, kept);
  const found = asked.filter(({ column }) => Object.hasOwn(rows.columns, column));
  if (found.length === 0) throw new ValidationError(`served has none of the features ${asked.map(({ column }) => column).join(', ')}; it has ${Object.keys(rows.columns).join(', ')}.`, { path: 'served' });
  const features = found.map(({ column, ref }): [string, ServedFeatureColumn] => [ref, { values: rows.columns[column]!, statuses: undefined, times: undefined, version: undefined }]);
  const entities = columnsWanted(plan).flatMap((name) => (Object.hasOwn(rows.columns, name) ? [[name, rows.columns[name]!] as const] : []));
  const group: ServedGroup = { spine: { rowCount: rows.rowCount, columns: Object.fromEntries(entities) }, moments: momentsOf(rows, settings.timestamp), features: new Map(features), shape: undefined };
  return { groups: rows.rowCount === 0 ? [] : [group], truncated: kept.length < within.length };
}

/** Rows of a table by their numbers. */
export function takeTableRows(table: Table, rows: readonly number[]): Table {
  const indices = Int32Array.from(rows);
  return { rowCount: rows.length, columns: Object.fromEntries(Object.entries(table.columns).map(([name, column]) => [name, takeRows(column, indices)])) };
}

/** Values of columns that are of one type, one after the other; `undefined` where they are not. */
export function joinedColumn(columns: readonly Column[]): Column | undefined {
  return columns.length > 0 && columns.every(({ type }) => type === columns[0]!.type) ? concatColumns(columns) : undefined;
}

/** The entities of a group with what the plan needs by now and the rows did not have then. */
export function spineFor(group: ServedGroup, plan: QueryPlan): Table {
  if (group.shape === undefined) return group.spine;
  const lacking = columnsWanted(plan).filter((name) => !Object.hasOwn(group.spine.columns, name));
  const nothing = new Array<null>(group.spine.rowCount).fill(null);
  return { ...group.spine, columns: { ...group.spine.columns, ...Object.fromEntries(lacking.map((name) => [name, toColumn(nothing, 'string', name)])) } };
}
