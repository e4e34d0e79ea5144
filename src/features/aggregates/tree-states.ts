import type { Column } from '../../core/column.ts';
import type { EventIndex } from '../event-index.ts';
import type { AggregateDefinition } from './aggregate-definition.ts';
import { countedRows, nameOf, type CountedRows } from './counted-rows.ts';
import { hiddenRows } from './sweep-windows.ts';
import { TimeTree, type PartialStates } from './time-tree.ts';
import type { WindowRows } from './window-rows.ts';

/** States of windows, one for each probe whose window sees a row that counts. */
export interface TreeStates<S> {
  /** The rows that states are made of. */
  readonly rows: CountedRows;
  /** Goes through the probes that have a state. */
  each(take: (probe: number, state: S) => void): void;
}

/** The states of windows over a column that the index has; the tree they come from is kept with the index. `statesOf` is given the column with the rows that count only. */
export function treeStates<S>(windows: WindowRows, definition: AggregateDefinition, stateBytes: number, statesOf: (column: Column) => PartialStates<S>): TreeStates<S> {
  const { index, low, high, codes } = windows;
  const { rows, tree } = index.planFor(definition, () => planOf(index, definition, stateBytes, statesOf));
  return {
    rows,
    each(take) {
      for (const probe of windows.order) {
        const from = rows.before(low[probe]!);
        const to = rows.before(high[probe]!);
        if (to <= from) continue;
        const hidden = hiddenRows(windows, rows, probe);
        const key = codes[probe]!;
        const state = tree.stateOf(from, to, rows.before(index.starts[key]!), rows.before(index.starts[key + 1]!), hidden);
        if (state !== undefined) take(probe, state);
      }
    },
  };
}

function planOf<S>(index: EventIndex, definition: AggregateDefinition, stateBytes: number, statesOf: (column: Column) => PartialStates<S>): { rows: CountedRows; tree: TimeTree<S> } {
  const { column, where } = definition;
  const rows = countedRows(index, [column!], where);
  // Moments serve several functions, and a sketch serves all quantiles.
  const kind = definition.approximate || definition.function === 'min' || definition.function === 'max' ? definition.function : 'moments';
  return { rows, tree: index.derived(nameOf(`tree ${kind}`, [column!], where), () => new TimeTree(rows, index.times, statesOf(rows.take(index.column(column!)!)), stateBytes)) };
}
