import { concatBytes } from '../core/bytes.ts';
import { canonicalJson } from '../core/codec.ts';
import { embeddingSize, hasObjects, type Column, type ColumnType } from '../core/column.ts';
import { digestOf } from '../core/digest.ts';
import { EncodedTable, TableShapes } from '../core/encoded-table.ts';
import { KnownBytes } from '../core/known-bytes.ts';
import { concatTables, type Table } from '../core/table.ts';
import { encodeTable } from '../core/table-codec.ts';
import { isWithin, windowStart, type Window } from './aggregates/window.ts';
import { viewColumns, type FeatureDefinition } from './definitions/feature-view.ts';
import { encodeHeaded, openHeaded } from './headed-table.ts';
import { missingColumn } from './missing-column.ts';
import { fewRows, foldRecord, mayBeFolded, withMarks, type FoldedRows, type FoldPlan } from './online-tiles/fold-record.ts';
import { tileKeyOf, tileSpecsOf, type TileSpec } from './online-tiles/tile-spec.ts';
import { indexOf, rowsWhere, sharedRows, takeTable } from './record-table.ts';
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
  /** What old rows are folded into; none where they stay rows. */
  readonly tiles: readonly TileSpec[];
  /** Windows of those aggregates that need their rows. */
  readonly needingRows: readonly Pick<Window, 'window' | 'hop'>[];
  /** The hash of what was needed before rows were folded: records under it are as good, since they have all their rows. */
  readonly rowsId: string;
}

/** Where all windows are this short, in milliseconds, records are bounded without tiles. */
const shortWindow = 2 * 3_600_000;

/** The layout that a view needs, at every version that reads the same rows. */
export function layoutOf(current: CurrentView): OnlineLayout {
  const features = current.kept.flatMap((view) => Object.values<FeatureDefinition>(view.features));
  const windows = windowsOf(features);
  // Types agree: a version under which a column changes its type has rows of its own.
  const columns: Record<string, ColumnType> = Object.fromEntries(current.kept.flatMap((view) => Object.entries(viewColumns(view))));
  const { rowId } = current.view;
  const parts = [columns, windows, ...(rowId ? [rowId] : [])];
  const aggregates = features.flatMap((feature) => (feature.kind === 'aggregate' ? [feature] : []));
  const needingRows = windowsOf(aggregates.filter((each) => tileKeyOf(each) === undefined));
  // Rows that may be corrected must be there; where an aggregate needs all rows of a lifetime, none is ever folded.
  const areFolded = rowId === undefined && !needingRows.some(isLifetime) && windows.some((each) => isLifetime(each) || (each.window as number) > shortWindow);
  const tiles = areFolded ? tileSpecsOf(aggregates) : [];
  const rowsId = digestOf(canonicalJson(parts));
  const id = tiles.length === 0 ? rowsId : digestOf(canonicalJson([...parts, tiles.map(({ key, window }) => [key, window])]));
  return { id, rowsId, columns, rowId, windows, tiles, needingRows };
}

function isLifetime({ window }: Pick<Window, 'window'>): boolean {
  return window === 'lifetime';
}

/** The distinct windows of aggregates. */
export function windowsOf(features: readonly FeatureDefinition[]): Pick<Window, 'window' | 'hop'>[] {
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
  /** How often the view's records had been made anew when this one was, or came to be; absent before the first time. */
  readonly generation?: number | undefined;
  /** The call that wrote it; absent in what was written before this was noted. */
  readonly by?: string | undefined;
  readonly rows: Table;
  /** Which rows were folded into tiles; absent while all are there. */
  readonly folded?: FoldedRows | undefined;
  /** What is left of them, beside those rows that an answer can come from, which the column `w` marks. */
  readonly tiles?: Table | undefined;
}

/** What is brought into a record. */
export interface AddedRows {
  readonly rows: Table;
  /** Whether they are not known to be read from the log yet: nobody folds them before they are. */
  readonly pushed?: boolean | undefined;
  /** Whether those are left out that may be there already. */
  readonly known?: boolean | undefined;
}

/** Whoever does not know of tiles must not change a record that has them, nor one that was made anew who does not know of generations. */
const formats = { rows: 'modelkeep.online/1', tiles: 'modelkeep.online/2', anew: 'modelkeep.online/3' } as const;
const knownFormats: readonly string[] = /* @__PURE__ */ Object.values(formats);

type StringColumn = Extract<Column, { type: 'string' }>;

/** The bytes of a record. */
export function encodeRecord({ rows, tiles, ...head }: OnlineRecord): Uint8Array {
  const format = generationOf(head) > 0 ? formats.anew : tiles ? formats.tiles : formats.rows;
  if (tiles === undefined) return encodeHeaded({ format, ...head }, encodeTable(rows));
  const table = encodeTable(rows);
  return encodeHeaded({ format, ...head, tilesAt: table.length }, concatBytes([table, encodeTable(tiles)]));
}

/** A record as it is stored, decoded only as far as it is asked for. */
export interface EncodedRecord extends Omit<OnlineRecord, 'rows' | 'tiles'> {
  readonly rows: EncodedTable;
  readonly tiles?: EncodedTable | undefined;
}

/** The record of bytes that {@link encodeRecord} wrote. Throws `IntegrityError`, naming `key`, when they are not of that form. */
export function decodeRecord(bytes: Uint8Array, key: string): OnlineRecord {
  const { rows, tiles, ...head } = openRecord(bytes, key);
  return { ...head, rows: rows.table(), tiles: tiles?.table() };
}

/** What records that were met have in common with many others, so that it is decoded and held once. */
export class RecordShapes {
  readonly heads: KnownBytes<unknown> = new KnownBytes();
  readonly tables: TableShapes = new TableShapes();
}

/** As {@link decodeRecord}; what is in the columns is told of as damaged only where it is looked at. */
export function openRecord(bytes: Uint8Array, key: string, shapes?: RecordShapes): EncodedRecord {
  const { head, aligned, at } = openHeaded<Omit<OnlineRecord, 'rows' | 'tiles'> & { readonly tilesAt?: number | undefined }>(bytes, key, knownFormats, shapes?.heads);
  const tiles = head.tilesAt === undefined ? undefined : new EncodedTable(aligned, key, undefined, at + head.tilesAt);
  return { layout: head.layout, windows: head.windows, rowId: head.rowId, from: head.from, generation: head.generation, by: head.by, rows: new EncodedTable(aligned, key, shapes?.tables, at), folded: head.folded, tiles };
}

/** The generation of a record; 0 where none is noted, or there is no record. */
export function generationOf(record: Pick<OnlineRecord, 'generation'> | undefined): number {
  return record?.generation ?? 0;
}

/** What stands for a record that cannot tell whether it has rows already, since they may be among those that were folded: only the log tells. */
export const unsure = 'unsure';

/**
 * The record with more rows in it, wherever in time they belong; `undefined` when it has them all already. `now` is the earliest moment at which features
 * will still be asked for: rows that cannot count at it or later are let go.
 */
export function mergeRecord(record: OnlineRecord | undefined, { rows: added, pushed = false, known = false }: AddedRows, layout: OnlineLayout, now: number): OnlineRecord | typeof unsure | undefined {
  const marked = layout.tiles.length > 0 || record?.folded !== undefined;
  // Rows need not have what only other versions of the view use.
  const rows = withColumns(marked && pushed ? withMarks(added, 'p', new Uint8Array(added.rowCount).fill(1)) : added, layout, marked);
  const present = record && withColumns(record.rows, layout, marked);
  const shared = present && sharedRows(rows, present);
  let fresh = shared ? rowsWhere(rows, (i) => shared[i] === 0) : rows;
  const before = marked && !pushed && shared ? present && withoutPushed(present, rows) : present;
  const isRead = record && before !== present ? { ...record, rows: before! } : undefined;
  if (record?.folded) {
    const may = mayBeFolded(record.folded, fresh);
    const certain = rowsWhere(fresh, (i) => !may(i));
    if (certain !== fresh && !known) return unsure;
    fresh = certain;
  }
  if (fresh.rowCount === 0) return isRead;
  const size = before?.rowCount ?? 0;
  const all = before ? concatTables([before, fresh]) : fresh;
  const order = seenOrder(all, mergedOrder(all, size), layout);
  const left = keptAt(all, order, layout, now);
  const counts = (rows: Int32Array): boolean => rows.some((row) => row >= size);
  // None of the new rows can count any more; where none could have since the record's beginning either, it says so already.
  if (record && !counts(left) && !counts(keptAt(all, order, layout, record.from ?? -Infinity))) return isRead;
  const from = left.length < order.length ? Math.max(now, record?.from ?? -Infinity) : (record?.from ?? null);
  // Rows that were let go under shorter windows are not here, so the record vouches only for windows that it has always had.
  const covered = record && record.from !== null ? layout.windows.filter((window) => isCovered(window, record.windows)) : layout.windows;
  const whole = covered.length === layout.windows.length;
  return { layout: whole ? layout.id : 'partial', windows: covered, ...(layout.rowId && { rowId: layout.rowId }), from, rows: takeTable(all, left), ...(record?.folded && { folded: record.folded, tiles: record.tiles }) };
}

/** The rows of a record, of which `read` are known to have been read from the log now; as they are where that is known already, or matters little since they are few. */
function withoutPushed(rows: Table, read: Table): Table {
  const pushed = (rows.columns['p'] as Extract<Column, { type: 'bool' }>).values;
  if (rows.rowCount < fewRows || !pushed.includes(1)) return rows;
  const isRead = sharedRows(rows, read);
  return isRead && pushed.some((each, i) => each === 1 && isRead[i] === 1) ? withMarks(rows, 'p', pushed.map((each, i) => (isRead[i] === 1 ? 0 : each))) : rows;
}

/** Whether rows kept for some windows are enough for another one, at every moment. */
export function isCovered(wanted: Window, kept: OnlineLayout['windows']): boolean {
  return kept.some((each) => isWithin(wanted, each));
}

/** How a record is made anew. */
export interface RebuildPlan {
  /** Event time up to which rows are wanted online. */
  readonly end: number;
  /** Batches that are read later, by their order: their rows count where the record had them before. */
  readonly later: ReadonlySet<string>;
  readonly layout: OnlineLayout;
  /** How old rows are folded. @default they stay rows */
  readonly fold?: FoldPlan | undefined;
}

/** A record made anew from all rows of its entity, of which those count that were to be online or that the record had before. */
export function rebuildRecord(record: OnlineRecord | undefined, built: OnlineRecord, { end, later, layout, fold }: RebuildPlan): OnlineRecord | undefined {
  const times = built.rows.columns['t']!.values as Float64Array;
  const batches = built.rows.columns['b'] as Extract<Column, { type: 'string' }>;
  const isLater = batches.dictionary.map((name) => later.has(name));
  const shared = record && sharedRows(built.rows, record.rows);
  const rows = rowsWhere(built.rows, (i) => (times[i]! <= end && !isLater[batches.values[i]!]) || shared?.[i] === 1);
  if (rows.rowCount === 0) return undefined;
  if (layout.tiles.length === 0) return { ...built, rows };
  const { dictionary, values } = rows.columns['b'] as Extract<Column, { type: 'string' }>;
  const next = { ...built, rows: withMarks(rows, 'p', Uint8Array.from(values, (code) => (later.has(dictionary[code]!) ? 1 : 0))) };
  return (fold && foldRecord(next, fold)) ?? next;
}

/** Bytes that a record takes in memory, roughly. */
export function recordBytes({ rows, tiles }: OnlineRecord): number {
  let bytes = 1_000 + (tiles?.rowCount ?? 0) * 60;
  for (const column of Object.values(rows.columns)) {
    if (column.type === 'bytes') bytes += column.values.reduce((sum, value) => sum + 64 + (value?.length ?? 0), 0);
    else if (hasObjects(column)) bytes += rows.rowCount * (64 + 4 * (embeddingSize(column.type) ?? 16));
    else bytes += column.values.byteLength + (column.type === 'string' ? column.dictionary.length * 100 : 0);
  }
  return bytes;
}

/** Rows with the columns of a record: those of the layout, and marks where rows may be folded. */
function withColumns(rows: Table, layout: OnlineLayout, marked: boolean): Table {
  const columns: Record<string, Column> = {};
  for (const name of ['t', 'c', 'b', 'r']) if (rows.columns[name]) columns[name] = rows.columns[name];
  for (const [name, type] of Object.entries(layout.columns)) columns[`f:${name}`] = rows.columns[`f:${name}`] ?? missingColumn(type, rows.rowCount);
  if (marked) for (const name of ['w', 'p']) columns[name] = rows.columns[name] ?? { type: 'bool', values: new Uint8Array(rows.rowCount) };
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
