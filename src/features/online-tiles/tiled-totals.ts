import { isPresent, valueAt } from '../../core/column.ts';
import type { Table } from '../../core/table.ts';
import type { AggregateDefinition } from '../aggregates/aggregate-definition.ts';
import { countedRows } from '../aggregates/counted-rows.ts';
import { totalOf } from '../aggregates/exact-totals.ts';
import { windowEnd, windowStart } from '../aggregates/window.ts';
import type { EventIndex } from '../event-index.ts';
import { ExactSums } from '../exact-sum.ts';
import { indexOf, rowsWhere } from '../record-table.ts';
import type { FoldedRows } from './fold-record.ts';
import { tileKeyOf } from './tile-spec.ts';
import { totalsOfTable, type TileTotal } from './tile-totals.ts';

/** Numbers of rows and tiles in the order of time, of which any range is added up exactly. */
class TotalLine {
  readonly #times: Float64Array;
  readonly #created: Float64Array | undefined;
  readonly #seen: Float64Array;
  readonly #counted: Float64Array;
  readonly #sums: readonly ExactSums[];
  /** Places of rows that became known after they happened. */
  readonly #late: readonly number[];
  readonly byteLength: number;

  constructor(entries: readonly LineEntry[], width: number) {
    const size = entries.length;
    this.#times = Float64Array.from(entries, ({ time }) => time);
    this.#late = [...entries.keys()].filter((i) => entries[i]!.created > entries[i]!.time);
    this.#created = this.#late.length > 0 ? Float64Array.from(entries, ({ created }) => created) : undefined;
    this.#seen = new Float64Array(size + 1);
    this.#counted = new Float64Array(size + 1);
    for (const [i, { seen, counted }] of entries.entries()) {
      this.#seen[i + 1] = this.#seen[i]! + seen;
      this.#counted[i + 1] = this.#counted[i]! + counted;
    }
    this.#sums = Array.from({ length: width }, (_, w) => new ExactSums(Float64Array.from(entries, ({ values }) => values[w] ?? 0), undefined));
    this.byteLength = size * 24 + this.#sums.reduce((sum, each) => sum + each.byteLength, 0);
  }

  /** What the aggregate is at `t`; `undefined` when it is missing. */
  at(definition: AggregateDefinition, t: number): number | undefined {
    const low = this.#firstFrom(windowStart(t, definition));
    const high = this.#firstFrom(windowEnd(t, definition));
    if (high <= low) return undefined;
    let seen = this.#seen[high]! - this.#seen[low]!;
    let counted = this.#counted[high]! - this.#counted[low]!;
    for (const each of this.#sums) each.start(low, high);
    for (const place of this.#late) {
      if (place < low || place >= high || !(this.#created![place]! > t)) continue;
      seen--;
      if (this.#counted[place + 1] === this.#counted[place]) continue;
      counted--;
      for (const each of this.#sums) each.leaveOut(place);
    }
    return seen > 0 ? totalOf(definition, counted, seen, t, this.#sums) : undefined;
  }

  #firstFrom(bound: number): number {
    let low = 0;
    let high = this.#times.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#times[middle]! < bound) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** A record of which rows are in tiles. */
export interface RowsAndTiles {
  readonly folded: FoldedRows;
  readonly rows: Table;
  readonly tiles: Table;
}

interface LineEntry {
  readonly time: number;
  readonly created: number;
  readonly seen: number;
  readonly counted: number;
  readonly values: readonly number[];
}

/** An aggregate of counts and sums over a record with tiles, at one moment after the other: what the rows would give that are in them, and those that are not. */
export class TiledTotals {
  readonly #lines: ReadonlyMap<string, TotalLine>;
  readonly #definition: AggregateDefinition;
  readonly byteLength: number;

  constructor(record: RowsAndTiles, index: EventIndex, definition: AggregateDefinition) {
    const { by, column, over, where } = definition;
    const key = tileKeyOf(definition);
    const spec = record.folded.specs.findIndex((each) => each.key === key);
    const names = [column, over].filter((name) => name !== undefined);
    const lines = new Map<string, LineEntry[]>();
    const lineOf = (category: string): LineEntry[] => {
      let found = lines.get(category);
      if (found === undefined) lines.set(category, (found = []));
      return found;
    };
    for (const tile of spec < 0 ? [] : totalsOfTable(record.tiles, (each) => each === spec).all()) lineOf(tile.category ?? '').push(...entriesOf(tile));
    const live = index.derived('rows that are not folded', () => unfolded(record));
    const counted = countedRows(live, names, where);
    const columns = names.map((name) => live.column(name));
    const categories = by === undefined ? undefined : live.column(by);
    for (let i = 0; i < live.times.length; i++) {
      const category = by === undefined ? '' : categories && isPresent(categories, i) ? String(valueAt(categories, i)) : undefined;
      if (category === undefined) continue;
      const counts = counted.has(i);
      // A sum goes over what is a number of its type only, as everywhere.
      const values = columns.map((each) => (counts && each?.type === 'float64' ? each.values[i]! : 0));
      lineOf(category).push({ time: live.times[i]!, created: live.created?.[i] ?? -Infinity, seen: 1, counted: counts ? 1 : 0, values });
    }
    this.#definition = definition;
    this.#lines = new Map([...lines.keys()].sort().map((category) => [category, new TotalLine(lines.get(category)!.sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0)), names.length)]));
    this.byteLength = [...this.#lines.values()].reduce((sum, line) => sum + line.byteLength, 0);
  }

  /** The value at `t`, as the point-in-time join gives it; `null` when it is missing. */
  at(t: number): unknown {
    if (this.#definition.by === undefined) return this.#lines.get('')?.at(this.#definition, t) ?? null;
    const found = [...this.#lines].flatMap(([category, line]) => {
      const value = line.at(this.#definition, t);
      return value === undefined ? [] : [[category, value] as const];
    });
    return found.length === 0 ? null : Object.fromEntries(found);
  }
}

/** A tile as so many entries as its sums have parts. */
function entriesOf({ start, seen, counted, sum, divisor }: TileTotal): LineEntry[] {
  return Array.from({ length: Math.max(1, sum.length, divisor.length) }, (_, i) => ({ time: start, created: -Infinity, seen: i === 0 ? seen : 0, counted: i === 0 ? counted : 0, values: [sum[i] ?? 0, divisor[i] ?? 0] }));
}

/** The index of a record's rows but for those that are in tiles as well. */
function unfolded({ rows }: RowsAndTiles): EventIndex {
  const marks = rows.columns['w'];
  return indexOf({ rows: marks ? rowsWhere(rows, (i) => valueAt(marks, i) !== true) : rows });
}
