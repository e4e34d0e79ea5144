import { canonicalJson } from '../core/codec.ts';
import { embeddingSize, hasObjects, takeRows, type Column, type ColumnType } from '../core/column.ts';
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
  /** The call that wrote it; absent in what was written before this was noted. */
  readonly by?: string | undefined;
  readonly rows: Table;
}

const format = 'modelkeep.online/1';

type StringColumn = Extract<Column, { type: 'string' }>;

/** The bytes of a record. */
export function encodeRecord({ rows, ...head }: OnlineRecord): Uint8Array {
  return encodeHeaded({ format, ...head }, encodeTable(rows));
}

/** The record of bytes that {@link encodeRecord} wrote. Throws `IntegrityError`, naming `key`, when they are not of that form. */
export function decodeRecord(bytes: Uint8Array, key: string): OnlineRecord {
  const { head, table } = decodeHeaded<Omit<OnlineRecord, 'rows'>>(bytes, key, format);
  return { layout: head.layout, windows: head.windows, rowId: head.rowId, from: head.from, by: head.by, rows: table };
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

/** 1 for each row of `rows` that is in `others`, too: known by its batch and its place there; `undefined` where none is. */
function sharedRows(rows: Table, others: Table): Uint8Array | undefined {
  const [batch, known] = [rows, others].map(({ columns }) => columns['b']) as [StringColumn, StringColumn];
  const codes = new Map(known.dictionary.map((name, code) => [name, code]));
  const codeOf = batch.dictionary.map((name) => codes.get(name) ?? -1);
  // Rows of batches that nobody knew before are the rule.
  if (codeOf.every((code) => code < 0)) return undefined;
  const places = known.dictionary.map(() => new Set<number>());
  const place = others.columns['r']!.values as Float64Array;
  for (let i = 0; i < others.rowCount; i++) places[known.values[i]!]!.add(place[i]!);
  return Uint8Array.from(rows.columns['r']!.values as Float64Array, (each, i) => (places[codeOf[batch.values[i]!]!]?.has(each) ? 1 : 0));
}

/**
 * The record with more rows in it, wherever in time they belong; `undefined` when it has them all already. `now` is the earliest moment at which features
 * will still be asked for: rows that cannot count at it or later are let go.
 */
export function mergeRecord(record: OnlineRecord | undefined, added: Table, layout: OnlineLayout, now: number): OnlineRecord | undefined {
  // Rows need not have what only other versions of the view use.
  const rows = withColumns(added, layout);
  const before = record && withColumns(record.rows, layout);
  const shared = before && sharedRows(rows, before);
  const fresh = shared ? rowsWhere(rows, (i) => shared[i] === 0) : rows;
  if (fresh.rowCount === 0) return undefined;
  const size = before?.rowCount ?? 0;
  const all = before ? concatTables([before, fresh]) : fresh;
  const order = seenOrder(all, mergedOrder(all, size), layout);
  const left = keptAt(all, order, layout, now);
  const counts = (rows: Int32Array): boolean => rows.some((row) => row >= size);
  // None of the new rows can count any more; where none could have since the record's beginning either, it says so already.
  if (record && !counts(left) && !counts(keptAt(all, order, layout, record.from ?? -Infinity))) return undefined;
  const from = left.length < order.length ? Math.max(now, record?.from ?? -Infinity) : (record?.from ?? null);
  // Rows that were let go under shorter windows are not here, so the record vouches only for windows that it has always had.
  const covered = record && record.from !== null ? layout.windows.filter((window) => isCovered(window, record.windows)) : layout.windows;
  const whole = covered.length === layout.windows.length;
  return { layout: whole ? layout.id : 'partial', windows: covered, ...(layout.rowId && { rowId: layout.rowId }), from, rows: takeTable(all, left) };
}

/** Whether rows kept for some windows are enough for another one, at every moment. */
function isCovered(wanted: Window, kept: OnlineLayout['windows']): boolean {
  return kept.some((each) => isWithin(wanted, each));
}

/** A record made anew from all rows of its entity, of which those count that are not later than `end` or that the record had before. */
export function rebuildRecord(record: OnlineRecord | undefined, built: OnlineRecord, end: number): OnlineRecord | undefined {
  const times = built.rows.columns['t']!.values as Float64Array;
  const shared = record && sharedRows(built.rows, record.rows);
  const rows = rowsWhere(built.rows, (i) => times[i]! <= end || shared?.[i] === 1);
  return rows.rowCount === 0 ? undefined : { ...built, rows };
}

/** Bytes that a record takes in memory, roughly. */
export function recordBytes({ rows }: OnlineRecord): number {
  let bytes = 1_000;
  for (const column of Object.values(rows.columns)) {
    if (column.type === 'bytes') bytes += column.values.reduce((sum, value) => sum + 64 + (value?.length ?? 0), 0);
    else if (hasObjects(column)) bytes += rows.rowCount * (64 + 4 * (embeddingSize(column.type) ?? 16));
    else bytes += column.values.byteLength + (column.type === 'string' ? column.dictionary.length * 100 : 0);
  }
  return bytes;
}

function withColumns(rows: Table, layout: OnlineLayout): Table {
  const columns: Record<string, Column> = {};
  for (const name of ['t', 'c', 'b', 'r']) if (rows.columns[name]) columns[name] = rows.columns[name];
  for (const [name, type] of Object.entries(layout.columns)) columns[`f:${name}`] = rows.columns[`f:${name}`] ?? missingColumn(type, rows.rowCount);
  return { rowCount: rows.rowCount, columns };
}

/** The total order of rows of which those before and those from `size` on are in order each. */
function mergedOrder({ rowCount, columns }: Table, size: number): Int32Array {
  const { t, c, b, r } = columns as Record<string, Column>;
  const numbers = [t!, c, r!].map((column) => column?.values as Float64Array | undefined) as [Float64Array, Float64Array | undefined, Float64Array];
  const [times, created, places] = numbers;
  const { dictionary, values: batches } = b as StringColumn;
  const isBefore = (x: number, y: number): boolean => {
    if (times[x] !== times[y]) return times[x]! < times[y]!;
    if (created !== undefined && created[x] !== created[y]) return created[x]! < created[y]!;
    if (batches[x] !== batches[y]) return dictionary[batches[x]!]! < dictionary[batches[y]!]!;
    return places[x]! < places[y]!;
  };
  const order = new Int32Array(rowCount);
  let [left, right] = [0, size];
  for (let at = 0; at < rowCount; at++) order[at] = right === rowCount || (left < size && !isBefore(right, left)) ? left++ : right++;
  return order;
}

/** The order without the rows that no moment sees, since another took their place. */
function seenOrder(rows: Table, order: Int32Array, { rowId }: OnlineLayout): Int32Array {
  if (rowId === undefined) return order;
  const { order: seen } = indexOf({ rows: takeTable(rows, order), rowId });
  return seen.length === order.length ? order : Int32Array.from(seen, (place) => order[place]!);
}

/** The rows that can count at `now` or later, in their order. */
function keptAt(rows: Table, order: Int32Array, layout: OnlineLayout, now: number): Int32Array {
  const times = rows.columns['t']!.values as Float64Array;
  const created = rows.columns['c']?.values as Float64Array | undefined;
  const oldest = layout.windows.reduce((bound, window) => Math.min(bound, windowStart(now, window)), Infinity);
  let newest = order.length - 1;
  while (newest >= 0 && (times[order[newest]!]! > now || (created !== undefined && created[order[newest]!]! > now))) newest--;
  let first = 0;
  while (first < newest && times[order[first]!]! < oldest) first++;
  const { rowId } = layout;
  const supersededAt = rowId && created ? indexOf({ rows: takeTable(rows, order), rowId }).supersededAt : undefined;
  return supersededAt ? order.filter((_, i) => i >= first && supersededAt[i]! > now) : order.subarray(first);
}

function rowsWhere(rows: Table, keep: (row: number) => boolean): Table {
  const kept = Int32Array.from([...Array(rows.rowCount).keys()].filter(keep));
  return kept.length === rows.rowCount ? rows : takeTable(rows, kept);
}

/** Rows of a table, which share no memory with it. */
function takeTable(rows: Table, indices: Int32Array): Table {
  const columns: Record<string, Column> = {};
  for (const [name, column] of Object.entries(rows.columns)) {
    // Texts of other entities, or of rows that were let go, must not stay.
    columns[name] = withoutSpareTexts(takeRows(column, indices));
  }
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
