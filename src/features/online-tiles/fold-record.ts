import { valueAt, type Column } from '../../core/column.ts';
import type { Table } from '../../core/table.ts';
import type { AggregateDefinition } from '../aggregates/aggregate-definition.ts';
import { countedRows } from '../aggregates/counted-rows.ts';
import { windowStart } from '../aggregates/window.ts';
import type { EventIndex } from '../event-index.ts';
import type { OnlineLayout, OnlineRecord } from '../online-record.ts';
import { indexOf, takeTable } from '../record-table.ts';
import { addExactly } from './exact-parts.ts';
import { groupsOf, tellingRows } from './telling-rows.ts';
import { foldHorizon, tileKeyOf } from './tile-spec.ts';
import { TileTotals, totalsOfTable, totalsTable } from './tile-totals.ts';

/** Which rows were folded, and what for. */
export interface FoldedRows {
  /** Tells one folding from the others. */
  readonly id: string;
  /** All are of earlier times. */
  readonly before: number;
  /** The first and the last of the batches that they came in, by their order. */
  readonly first: string;
  readonly last: string;
  /** The tiles that there are. */
  readonly specs: readonly { readonly key: string; readonly window: number | 'lifetime' }[];
}

/** How rows are folded. */
export interface FoldPlan {
  readonly layout: OnlineLayout;
  /** The earliest moment at which features will still be asked for. */
  readonly now: number;
  /** Only rows of batches up to this place in their order are folded. */
  readonly last: string;
  /** Names the folding. */
  readonly id: string;
}

/** Fewer rows than this stay rows. */
export const fewRows = 64;

/**
 * Where the rows of a record are that can be folded into tiles: rows that a request at `now` or later sees wholly or not at all, that have been read from the log, and of which the entity has a newer one. None
 * where they are so few that tiles would not take less room.
 */
export function foldableRows({ rows, folded }: OnlineRecord, { layout, now, last }: FoldPlan): Uint8Array | undefined {
  if (layout.tiles.length === 0 || rows.rowCount < fewRows || (folded && !isOfSpecs(folded, layout))) return undefined;
  const before = foldHorizon(layout.needingRows, now);
  const { times, created, isPushed, isTelling, batchOf } = marksOf(rows);
  let newest = rows.rowCount - 1;
  while (newest >= 0 && (times[newest]! > now || (created !== undefined && created[newest]! > now))) newest--;
  const fold = new Uint8Array(rows.rowCount);
  let count = 0;
  for (let i = 0; i < newest; i++) {
    if (times[i]! >= before || (created !== undefined && !(created[i]! <= now)) || isPushed(i) || isTelling(i) || batchOf(i) > last) continue;
    fold[i] = 1;
    count++;
  }
  return count < fewRows + slotsOf(layout) ? undefined : fold;
}

/** The record with its old rows folded into tiles; `undefined` where that would be of no use. Every answer at `plan.now` or later stays the same, to the bit. */
export function foldRecord(record: OnlineRecord, plan: FoldPlan): OnlineRecord | undefined {
  const fold = foldableRows(record, plan);
  if (fold === undefined) return undefined;
  const { layout, now } = plan;
  const { rows } = record;
  const { isTelling, batchOf } = marksOf(rows);
  const folded = placesWhere(rows, (i) => fold[i] === 1);
  const oldest = layout.tiles.map((spec) => windowStart(now, spec));
  const totals = record.tiles ? totalsOfTable(record.tiles, (spec, start) => start >= oldest[spec]!) : new TileTotals();
  addTotals(totals, indexOf({ rows: takeTable(rows, folded), rowId: undefined }), layout, now);
  const candidates = placesWhere(rows, (i) => fold[i] === 1 || isTelling(i));
  const index = indexOf({ rows: takeTable(rows, candidates), rowId: undefined });
  const telling = new Uint8Array(rows.rowCount);
  for (const spec of layout.tiles) if (spec.kind === 'rows') for (const place of tellingRows(index, spec, now)) telling[candidates[index.order[place]!]!] = 1;
  const left = placesWhere(rows, (i) => telling[i] === 1 || (fold[i] === 0 && !isTelling(i)));
  const orders = Array.from(folded, batchOf).sort();
  const before = foldHorizon(layout.needingRows, now);
  return {
    ...record,
    from: Math.max(now, record.from ?? -Infinity),
    rows: withMarks(takeTable(rows, left), 'w', Uint8Array.from(left, (i) => telling[i]!)),
    tiles: totalsTable(totals.all()),
    folded: {
      id: plan.id,
      before: Math.max(before, record.folded?.before ?? -Infinity),
      first: [orders[0]!, ...(record.folded ? [record.folded.first] : [])].sort()[0]!,
      last: [orders.at(-1)!, ...(record.folded ? [record.folded.last] : [])].sort().at(-1)!,
      specs: layout.tiles.map(({ key, window }) => ({ key, window })),
    },
  };
}

/** Whether a record whose old rows were folded can answer for an aggregate at `from` and later. */
export function isFoldedFor(definition: AggregateDefinition, { specs, before }: FoldedRows, from: number): boolean {
  const key = tileKeyOf(definition);
  const { window } = definition;
  const hasTiles = key !== undefined && specs.some((spec) => spec.key === key && (spec.window === 'lifetime' || (window !== 'lifetime' && spec.window >= window)));
  return hasTiles || windowStart(from, definition) >= before;
}

/** Whether each of some rows may be one that was folded into a record, though it need not be. */
export function mayBeFolded(folded: FoldedRows, rows: Table): (row: number) => boolean {
  const { times, batchOf } = marksOf(rows);
  return (row) => times[row]! < folded.before && batchOf(row) <= folded.last;
}

/** A table with a column of marks in it. */
export function withMarks(rows: Table, name: 'w' | 'p', values: Uint8Array): Table {
  return { rowCount: rows.rowCount, columns: { ...rows.columns, [name]: { type: 'bool', values } } };
}

function addTotals(totals: TileTotals, index: EventIndex, layout: OnlineLayout, now: number): void {
  for (const [s, spec] of layout.tiles.entries()) {
    if (spec.kind !== 'totals') continue;
    const { column, over, where } = spec.definition;
    const names = [column, over].filter((name) => name !== undefined);
    const counted = countedRows(index, names, where);
    const [x, y] = names.map((name) => index.column(name)?.values as Float64Array | undefined);
    const groupOf = groupsOf(index, spec, now);
    for (let place = 0; place < index.times.length; place++) {
      const group = groupOf(place);
      if (group === undefined) continue;
      const total = totals.of(s, group.start, group.category);
      total.seen++;
      if (!counted.has(place)) continue;
      total.counted++;
      if (x) addExactly(total.sum, x[place]!);
      if (y) addExactly(total.divisor, y[place]!);
    }
  }
}

/** How many tiles there may be, categories not told apart: with fewer rows than these, rows are smaller. */
function slotsOf({ tiles }: OnlineLayout): number {
  return tiles.reduce((sum, { window, hop }) => sum + (window === 'lifetime' ? 1 : Math.ceil(window / hop) + 2), 0);
}

function isOfSpecs({ specs }: FoldedRows, { tiles }: OnlineLayout): boolean {
  return specs.length === tiles.length && specs.every(({ key, window }, i) => tiles[i]!.key === key && tiles[i]!.window === window);
}

function placesWhere({ rowCount }: Table, keep: (row: number) => boolean): Int32Array {
  const places: number[] = [];
  for (let i = 0; i < rowCount; i++) if (keep(i)) places.push(i);
  return Int32Array.from(places);
}

interface Marks {
  readonly times: Float64Array;
  readonly created: Float64Array | undefined;
  readonly isPushed: (row: number) => boolean;
  readonly isTelling: (row: number) => boolean;
  readonly batchOf: (row: number) => string;
}

function marksOf({ columns }: Table): Marks {
  const marks = (name: string): ((row: number) => boolean) => {
    const column = columns[name];
    return (row) => column !== undefined && valueAt(column, row) === true;
  };
  const { values, dictionary } = columns['b'] as Extract<Column, { type: 'string' }>;
  return {
    times: columns['t']!.values as Float64Array,
    created: columns['c']?.values as Float64Array | undefined,
    isPushed: marks('p'),
    isTelling: marks('w'),
    batchOf: (row) => dictionary[values[row]!]!,
  };
}
