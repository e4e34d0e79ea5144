import { takeRows, type Column } from '../../core/column.ts';
import { missingColumn } from '../missing-column.ts';
import { aggregateType, type AggregateDefinition } from './aggregate-definition.ts';
import type { PartialStates } from './time-tree.ts';
import { treeStates } from './tree-states.ts';
import type { WindowRows } from './window-rows.ts';

/** The smallest or largest value that a window sees: the first of equal ones, and NaN where there is any. */
export function extremesOf(windows: WindowRows, definition: AggregateDefinition): Column {
  const { index, low } = windows;
  const column = index.column(definition.column!);
  if (column === undefined) return missingColumn(aggregateType(definition, undefined), low.length);
  const extremes = treeStates(windows, definition, 8, (own) => extremeRows(own.values as ArrayLike<number | bigint>, definition.function === 'max' ? 1 : -1));
  const picked = new Int32Array(low.length).fill(-1);
  extremes.each((probe, row) => (picked[probe] = extremes.rows.places[row]!));
  return takeRows(column, picked);
}

/** The state of rows is the number of the one with the extreme value. */
function extremeRows(values: ArrayLike<number | bigint>, sign: 1 | -1): PartialStates<number> {
  const better = (a: number, b: number): number => {
    const present = values[a]!;
    const other = values[b]!;
    if (present !== present) return a;
    return other !== other || (sign === 1 ? other > present : other < present) ? b : a;
  };
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
