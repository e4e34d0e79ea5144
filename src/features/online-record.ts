import { canonicalJson } from '../core/codec.ts';
import { takeRows, type Column, type ColumnType } from '../core/column.ts';
import { digestOf } from '../core/digest.ts';
import { concatTables, type Table } from '../core/table.ts';
import { encodeTable } from '../core/table-codec.ts';
import { columnsOfAggregate } from './aggregates/aggregate-definition.ts';
import { isWithin, windowStart, type Window } from './aggregates/window.ts';
import { EventIndex } from './event-index.ts';
import { viewColumns, type FeatureDefinition, type FeatureView } from './definitions/feature-view.ts';
import { columnsBehind } from './expressions/expression.ts';
import { decodeHeaded, encodeHeaded } from './headed-table.ts';
import { missingColumn } from './missing-column.ts';
import { orderRows } from './row-order.ts';
import { withoutSpareTexts } from './spare-texts.ts';
import type { CurrentView } from './definitions/definition-states.ts';

/** What an online record must hold for a view: which columns, and how far back. */
export interface OnlineLayout {
  /** Content hash of the rest. */
  readonly id: string;
  readonly columns: Readonly<Record<string, ColumnType>>;
  /** The columns that say which row is which; absent when every row is one of its own. */
  readonly rowId?: readonly string[] | undefined;
  /** Distinct windows and hops, in milliseconds. */
  readonly windows: readonly Pick<Window, 'window' | 'hop'>[];
}

/** The layout that a view needs, at every version that reads the same rows. */
export function layoutOf(current: CurrentView): OnlineLayout {
  const windows = windowsOf(current.kept.flatMap((view) => Object.values<FeatureDefinition>(view.features)));
  // Types agree: a version under which a column changes its type has rows of its own.
  const columns: Record<string, ColumnType> = Object.fromEntries(current.kept.flatMap((view) => Object.entries(viewColumns(view))));
  const { rowId } = current.view;
  return { id: digestOf(canonicalJson([columns, windows, ...(rowId ? [rowId] : [])])), columns, rowId, windows };
}

/** The distinct windows of aggregates. */
function windowsOf(features: readonly FeatureDefinition[]): Pick<Window, 'window' | 'hop'>[] {
  const found = new Map<string, Pick<Window, 'window' | 'hop'>>();
  for (const feature of features) if (feature.kind === 'aggregate') found.set(`${feature.window}/${feature.hop}`, { window: feature.window, hop: feature.hop });
  return [...found.keys()].sort().map((key) => found.get(key)!);
}

/**
 * What the online store holds of one entity: its newest rows in their total order, enough to compute every feature at any moment from `from` on by the same join as
 * training. Columns: `t` event time, `c` created time, `b` batch, `r` row in the batch, and `f:` before each of the view's own.
 */
export interface OnlineRecord {
  readonly layout: string;
  readonly windows: OnlineLayout['windows'];
  /** As in the layout. */
  readonly rowId?: readonly string[] | undefined;
  /** Requests at earlier moments cannot be answered, since rows were let go; `null` when none were. */
  readonly from: number | null;
  readonly rows: Table;
}

const format = 'modelkeep.online/1';

/** The bytes of a record. */
export function encodeRecord({ layout, windows, rowId, from, rows }: OnlineRecord): Uint8Array {
  return encodeHeaded({ format, layout, windows, ...(rowId ? { rowId } : {}), from }, encodeTable(rows));
}

/** The record of bytes that {@link encodeRecord} wrote. Throws `IntegrityError`, naming `key`, when they are not of that form. */
export function decodeRecord(bytes: Uint8Array, key: string): OnlineRecord {
  const { head, table } = decodeHeaded<Omit<OnlineRecord, 'rows'>>(bytes, key, format);
  return { layout: head.layout, windows: head.windows, rowId: head.rowId, from: head.from, rows: table };
}

/** The index of one entity's rows, by which features are computed. */
export function indexOf({ rows, rowId }: Pick<OnlineRecord, 'rows' | 'rowId'>): EventIndex {
  const { rowCount, columns } = rows;
  return new EventIndex({
    codes: new Int32Array(rowCount),
    keyCount: 1,
    times: columns['t']!.values as Float64Array,
    created: columns['c']?.values as Float64Array | undefined,
    rowId,
    column: (name) => columns[`f:${name}`],
  });
}

/** Whether each row of `rows` is in `record`: known by its batch and its place there. */
function membersOf(rows: Table): Set<string> {
  const batch = rows.columns['b'] as Extract<Column, { type: 'string' }>;
  const place = rows.columns['r']!.values as Float64Array;
  const members = new Set<string>();
  for (let i = 0; i < rows.rowCount; i++) members.add(`${batch.dictionary[batch.values[i]!]!} ${place[i]!}`);
  return members;
}

/** Rows of a table that are (`inside`) or are not members of another. */
function rowsAmong(rows: Table, others: Table, inside: boolean): Table {
  const members = membersOf(others);
  const batch = rows.columns['b'] as Extract<Column, { type: 'string' }>;
  const place = rows.columns['r']!.values as Float64Array;
  const kept: number[] = [];
  for (let i = 0; i < rows.rowCount; i++) if (members.has(`${batch.dictionary[batch.values[i]!]!} ${place[i]!}`) === inside) kept.push(i);
  return kept.length === rows.rowCount ? rows : takeTable(rows, Int32Array.from(kept));
}

/**
 * The record with more rows in it, wherever in time they belong; `undefined` when it has them all already. `now` is the earliest moment at which features
 * will still be asked for: rows that cannot count at it or later are let go.
 */
export function mergeRecord(record: OnlineRecord | undefined, added: Table, layout: OnlineLayout, now: number): OnlineRecord | undefined {
  // Rows need not have what only other versions of the view use.
  const rows = withColumns(added, layout);
  const before = record && withColumns(record.rows, layout);
  const fresh = before ? rowsAmong(rows, before, false) : rows;
  if (fresh.rowCount === 0) return undefined;
  const all = seenRows(before ? inTotalOrder(concatTables([before, fresh])) : inTotalOrder(fresh), layout);
  const pruned = prune(all, layout, now);
  if (before && rowsAmong(pruned, before, false).rowCount === 0) {
    // None of the new rows can count any more; where none could have since the record's beginning either, it says so already.
    if (rowsAmong(prune(all, layout, record.from ?? -Infinity), before, false).rowCount === 0) return undefined;
  }
  const from = pruned.rowCount < all.rowCount ? Math.max(now, record?.from ?? -Infinity) : (record?.from ?? null);
  // Rows that were let go under shorter windows are not here, so the record vouches only for windows that it has always had.
  const covered = record && record.from !== null ? layout.windows.filter((window) => isCovered(window, record.windows)) : layout.windows;
  const whole = covered.length === layout.windows.length;
  return { layout: whole ? layout.id : 'partial', windows: covered, rowId: layout.rowId, from, rows: pruned };
}

/** Whether rows kept for some windows are enough for another one, at every moment. */
function isCovered(wanted: Window, kept: OnlineLayout['windows']): boolean {
  return kept.some((each) => isWithin(wanted, each));
}

/** A record made anew from all rows of its entity, of which those count that `eligible` names or that the record had before. */
export function rebuildRecord(record: OnlineRecord | undefined, rows: Table, end: number, layout: OnlineLayout, now: number): OnlineRecord | undefined {
  const times = rows.columns['t']!.values as Float64Array;
  const due = Int32Array.from([...times.keys()].filter((i) => times[i]! <= end));
  const kept = takeTable(rows, due);
  const pushed = record ? rowsAmong(takeTable(rows, Int32Array.from([...times.keys()].filter((i) => times[i]! > end))), record.rows, true) : undefined;
  const all = pushed && pushed.rowCount > 0 ? concatTables([kept, pushed]) : kept;
  return all.rowCount === 0 ? undefined : mergeRecord(undefined, all, layout, now);
}

function withColumns(rows: Table, layout: OnlineLayout): Table {
  const columns: Record<string, Column> = {};
  for (const name of ['t', 'c', 'b', 'r']) if (rows.columns[name]) columns[name] = rows.columns[name];
  for (const [name, type] of Object.entries(layout.columns)) columns[`f:${name}`] = rows.columns[`f:${name}`] ?? missingColumn(type, rows.rowCount);
  return { rowCount: rows.rowCount, columns };
}

function inTotalOrder(rows: Table): Table {
  const { t, c, b, r } = rows.columns as Record<string, Column>;
  const batch = b as Extract<Column, { type: 'string' }>;
  const ranks = new Map([...batch.dictionary].sort().map((name, rank) => [name, rank]));
  const batchRank = Float64Array.from(batch.values, (code) => ranks.get(batch.dictionary[code]!)!);
  const sortedBy = [t!, c, { values: batchRank }, r!].flatMap((column) => (column ? [column.values as Float64Array] : []));
  return takeTable(rows, orderRows(new Int32Array(rows.rowCount), 1, sortedBy).order);
}

/** Rows in total order, without those that no moment sees since another took their place. */
function seenRows(rows: Table, { rowId }: OnlineLayout): Table {
  if (rowId === undefined) return rows;
  const { order } = indexOf({ rows, rowId });
  return order.length === rows.rowCount ? rows : takeTable(rows, order);
}

function prune(rows: Table, layout: OnlineLayout, now: number): Table {
  const times = rows.columns['t']!.values as Float64Array;
  const created = rows.columns['c']?.values as Float64Array | undefined;
  const supersededAt = layout.rowId && created && indexOf({ rows, rowId: layout.rowId }).supersededAt;
  const isReplaced = (i: number): boolean => supersededAt !== undefined && supersededAt[i]! <= now;
  const oldest = layout.windows.reduce((bound, window) => Math.min(bound, windowStart(now, window)), Infinity);
  let newest = rows.rowCount - 1;
  while (newest >= 0 && (times[newest]! > now || (created !== undefined && created[newest]! > now))) newest--;
  let first = 0;
  while (first < newest && times[first]! < oldest) first++;
  const kept = Int32Array.from({ length: rows.rowCount - first }, (_, i) => first + i).filter((i) => !isReplaced(i));
  return kept.length === rows.rowCount ? rows : takeTable(rows, kept);
}

function takeTable(rows: Table, indices: Int32Array): Table {
  const columns: Record<string, Column> = {};
  for (const [name, column] of Object.entries(rows.columns)) columns[name] = withoutSpareTexts(takeRows(column, indices));
  return { rowCount: indices.length, columns };
}

/** What a record cannot answer under the view as it is now: a reason to materialize again, or `undefined`. */
export function shortcoming(record: OnlineRecord, view: FeatureView, asked: readonly string[], columns: Readonly<Record<string, ColumnType>>): string | undefined {
  const features = view.features;
  const needed = new Set(asked.flatMap((name) => columnsOf(name, features[name]!)));
  const absent = [...needed].find((name) => record.rows.columns[`f:${name}`]?.type !== columns[name]);
  if (absent !== undefined) return `it was materialized before the view had the column '${absent}'`;
  if (record.from === null) return undefined;
  const longer = windowsOf(asked.map((name) => features[name]!)).find((wanted) => !isCovered(wanted, record.windows));
  return longer && `it was materialized before the view looked ${longer.window === 'lifetime' ? 'a lifetime' : `${longer.window} ms`} back`;
}

function columnsOf(name: string, feature: FeatureDefinition): string[] {
  if (feature.kind === 'column') return columnsBehind(feature.from ?? name);
  return columnsOfAggregate(feature);
}
