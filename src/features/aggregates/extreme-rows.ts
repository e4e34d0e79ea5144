import { takeRows, type Column } from '../../core/column.ts';
import { missingColumn } from '../missing-column.ts';
import { aggregateType, type AggregateDefinition } from './aggregate-definition.ts';
import { countedColumn, type CountedRows } from './counted-rows.ts';
import { hiddenRows, sweepIsQuicker } from './sweep-windows.ts';
import type { PartialStates } from './time-tree.ts';
import { treeStates, type TreeStates } from './tree-states.ts';
import type { WindowRows } from './window-rows.ts';

/** The smallest or largest value that a window sees: the first of equal ones, and NaN where there is any. */
export function extremesOf(windows: WindowRows, definition: AggregateDefinition): Column {
  const { index, low } = windows;
  const column = index.column(definition.column!);
  if (column === undefined) return missingColumn(aggregateType(definition, undefined), low.length);
  const sign = definition.function === 'max' ? 1 : -1;
  const picked = new Int32Array(low.length).fill(-1);
  const extremes = treeStates(windows, definition, 8, (own) => extremeRows(betterRow(own.values as ArrayLike<number | bigint>, sign)));
  const { rows } = extremes;
  const take = (probe: number, row: number): number => (picked[probe] = rows.placeOf(row));
  if (sweepIsQuicker(windows, rows)) sweepExtremes(windows, extremes, { values: countedColumn(index, definition.column!, definition.where).values as ArrayLike<number | bigint>, sign }, take);
  else extremes.each(take);
  return takeRows(column, picked);
}

/** Of two rows, the earlier one first, the number of the one with the extreme value. */
type BetterRow = (earlier: number, later: number) => number;

function betterRow(values: ArrayLike<number | bigint>, sign: 1 | -1): BetterRow {
  return (a, b) => {
    const present = values[a]!;
    const other = values[b]!;
    if (present !== present) return a;
    return other !== other || (sign === 1 ? other > present : other < present) ? b : a;
  };
}

/** The state of rows is the number of the one with the extreme value. */
function extremeRows(better: BetterRow): PartialStates<number> {
  const fold = (from: number, to: number, hidden: readonly number[]): number => {
    let best = -1;
    for (let row = from, h = 0; row < to; row++) {
      if (hidden[h] === row) h++;
      else best = best < 0 ? row : better(best, row);
    }
    return best;
  };
  return { blockRows: 32, fold, merge: better };
}

/** Among which values the extreme is looked for. */
interface ExtremeSearch {
  /** Those of the rows that count. */
  readonly values: ArrayLike<number | bigint>;
  /** 1 for the largest, -1 for the smallest. */
  readonly sign: 1 | -1;
}

/**
 * Calls `take` for each probe whose window sees rows that count, with the one that has the extreme value. The rows that may still become it are kept in their order, each better than all behind it or the first of its
 * equals, so that a row comes and goes once for all windows that see it (after Lemire, "Streaming Maximum-Minimum Filter Using No More than Three Comparisons per Element", 2006).
 */
function sweepExtremes(windows: WindowRows, { rows, stateOf }: TreeStates<number>, { values, sign }: ExtremeSearch, take: (probe: number, row: number) => void): void {
  const { low, high, order } = windows;
  // A ring: a row of the sequence is at its number modulo the size, which is a power of two.
  const ring = new Int32Array(2 ** Math.ceil(Math.log2(1 + longestWindow(windows, rows))));
  const mask = ring.length - 1;
  let first = 0;
  let after = 0;
  let end = 0;
  for (const probe of order) {
    const from = rows.before(low[probe]!);
    const to = rows.before(high[probe]!);
    if (to <= from) continue;
    if (from >= end) {
      first = after;
      end = from;
    }
    while (first < after && ring[first & mask]! < from) first++;
    for (; end < to; end++) {
      // What `betterRow` says, without a call for each comparison, which takes longer than all the rest.
      const value = values[end]!;
      while (first < after) {
        const present = values[ring[(after - 1) & mask]!]!;
        if (present !== present || (sign === 1 ? present >= value : present <= value)) break;
        after--;
      }
      ring[after++ & mask] = end;
    }
    const hidden = hiddenRows(windows, rows, probe);
    const row = hidden.length === 0 ? ring[first & mask]! : stateOf(probe, from, to, hidden);
    if (row !== undefined) take(probe, row);
  }
}

/** How many rows that count a window sees at most. */
function longestWindow({ low, high, order }: WindowRows, rows: CountedRows): number {
  let most = 0;
  for (const probe of order) most = Math.max(most, rows.before(high[probe]!) - rows.before(low[probe]!));
  return most;
}
