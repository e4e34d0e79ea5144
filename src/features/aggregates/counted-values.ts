import { valueAt, type Column } from '../../core/column.ts';
import { compareScalars, type ScalarValue } from '../../stats/sketches/scalar-value.ts';
import type { EventIndex } from '../event-index.ts';
import { missingColumn } from '../missing-column.ts';
import type { AggregateDefinition } from './aggregate-definition.ts';
import { countedRows, nameOf, type CountedRows } from './counted-rows.ts';
import { Float64Results } from './float64-results.ts';
import { sweepWindows } from './sweep-windows.ts';
import { ValueCounts } from './value-counts.ts';
import type { WindowRows } from './window-rows.ts';

interface Ranking {
  readonly ranks: Int32Array;
  readonly ranked: readonly ScalarValue[];
  readonly byteLength: number;
}

/** Numbers of distinct values over windows; 0 where a window sees events but no value. */
export function distinctCountsOf(windows: WindowRows, definition: AggregateDefinition): Column {
  const results = new Float64Results(windows.low.length);
  const found = new Float64Array(windows.low.length);
  sweepCounts(windows, definition, false, (probe, counts) => (found[probe] = counts.distinct));
  for (const probe of windows.order) {
    if (windows.high[probe]! - windows.low[probe]! > windows.hidden(probe).length) results.set(probe, found[probe]);
  }
  return results.column();
}

/** Lists of the most frequent values over windows. */
export function frequentValuesOf(windows: WindowRows, definition: AggregateDefinition): Column {
  const size = windows.low.length;
  if (windows.index.column(definition.column!) === undefined) return missingColumn('json', size);
  const valid = new Uint8Array(size);
  const values = new Array<unknown>(size).fill(null);
  sweepCounts(windows, definition, false, (probe, counts, ranked) => {
    valid[probe] = 1;
    values[probe] = counts.mostFrequent(definition.k!).map((rank) => ranked[rank]);
  });
  return { type: 'json', values, valid };
}

/** Quantiles over windows, linear between the two nearest values. */
export function quantilesOf(windows: WindowRows, definition: AggregateDefinition): Column {
  const results = new Float64Results(windows.low.length);
  sweepCounts(windows, definition, true, (probe, counts, ranked) => {
    // NaN has the last rank of all.
    const nans = Number.isNaN(ranked.at(-1)) && counts.countOf(ranked.length - 1) > 0;
    results.set(probe, nans ? NaN : quantileOf(definition.q!, counts, ranked as readonly number[]));
  });
  return results.column();
}

function quantileOf(q: number, counts: ValueCounts, ranked: readonly number[]): number {
  const place = q * (counts.total - 1);
  const whole = Math.floor(place);
  const part = place - whole;
  const lower = ranked[counts.rankAt(whole)]!;
  if (part === 0) return lower;
  const upper = ranked[counts.rankAt(whole + 1)]!;
  const distance = upper - lower;
  if (lower === upper) return lower;
  // The distance of two doubles may be none.
  if (distance === Infinity) return lower * (1 - part) + upper * part;
  // From the nearer side, so that it never passes the farther one.
  return part < 0.5 ? lower + distance * part : upper - distance * (1 - part);
}

/** Calls `take` for each probe whose window sees a value, with how often it sees each. */
function sweepCounts(windows: WindowRows, definition: AggregateDefinition, ordered: boolean, take: (probe: number, counts: ValueCounts, ranked: readonly ScalarValue[]) => void): void {
  const { index } = windows;
  const column = index.column(definition.column!);
  if (column === undefined) return;
  const { rows, ranking } = index.planFor(definition, () => planOf(index, definition, column));
  const { ranks, ranked } = ranking;
  const counts = new ValueCounts(ranked.length, ordered);
  const tally = { add: (row: number) => counts.add(ranks[row]!), remove: (row: number) => counts.remove(ranks[row]!) };
  sweepWindows(windows, rows, tally, (probe) => take(probe, counts, ranked));
}

function planOf(index: EventIndex, { column: name, where }: AggregateDefinition, column: Column): { rows: CountedRows; ranking: Ranking } {
  const rows = countedRows(index, [name!], where);
  return { rows, ranking: index.derived(nameOf('ranks', [name!], where), () => rank(column, rows)) };
}

/** The values of a column in ascending order, and the rank of each row's. */
function rank(column: Column, rows: CountedRows): Ranking {
  const codes = new Int32Array(rows.size);
  const known = new Map<ScalarValue, number>();
  const { places } = rows;
  for (let i = 0; i < rows.size; i++) {
    const value = valueAt(column, places[i]!) as ScalarValue;
    let code = known.get(value);
    if (code === undefined) known.set(value, (code = known.size));
    codes[i] = code;
  }
  const values = [...known.keys()].map((value) => (value === 0 ? 0 : value));
  const order = Array.from(values.keys()).sort((a, b) => compareScalars(values[a]!, values[b]!));
  const rankOf = new Int32Array(order.length);
  order.forEach((code, rank) => (rankOf[code] = rank));
  return { ranks: codes.map((code) => rankOf[code]!), ranked: order.map((code) => values[code]!), byteLength: codes.byteLength + order.length * 64 };
}
