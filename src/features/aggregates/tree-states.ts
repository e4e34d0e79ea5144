import type { Column } from '../../core/column.ts';
import type { EventIndex } from '../event-index.ts';
import type { AggregateDefinition } from './aggregate-definition.ts';
import { countedColumn, countedRows, nameOf, type CountedRows } from './counted-rows.ts';
import { hiddenRows } from './sweep-windows.ts';
import { TimeTree, type PartialStates } from './time-tree.ts';
import type { WindowRows } from './window-rows.ts';

/** States of windows, one for each probe whose window sees a row that counts. */
export interface TreeStates<S> {
  /** The rows that states are made of. */
  readonly rows: CountedRows;
  /** The state of a probe's window, which sees the rows from `from` to `to` (excluded) but for those at the numbers `hidden`, ascending; `undefined` when none is left. */
  readonly stateOf: (probe: number, from: number, to: number, hidden: readonly number[]) => S | undefined;
  /** Goes through the probes that have a state. */
  each(take: (probe: number, state: S) => void): void;
}

/** The states of windows over a column that the index has; the tree they come from is kept with the index. `statesOf` is given the column with the rows that count only. */
export function treeStates<S>(windows: WindowRows, definition: AggregateDefinition, stateBytes: number, statesOf: (column: Column) => PartialStates<S>): TreeStates<S> {
  const { index, low, high, codes } = windows;
  const { rows, tree } = index.planFor(definition, () => planOf(index, definition, stateBytes, statesOf));
  const stateOf = (probe: number, from: number, to: number, hidden: readonly number[]): S | undefined => {
    const key = codes[probe]!;
    return tree.stateOf(from, to, rows.before(index.starts[key]!), rows.before(index.starts[key + 1]!), hidden);
  };
  return {
    rows,
    stateOf,
    each(take) {
      for (const probe of windows.order) {
        const from = rows.before(low[probe]!);
        const to = rows.before(high[probe]!);
        if (to <= from) continue;
        const state = stateOf(probe, from, to, hiddenRows(windows, rows, probe));
        if (state !== undefined) take(probe, state);
      }
    },
  };
}

function planOf<S>(index: EventIndex, definition: AggregateDefinition, stateBytes: number, statesOf: (column: Column) => PartialStates<S>): { rows: CountedRows; tree: TimeTree<S> } {
  const { column, where } = definition;
  const rows = countedRows(index, [column!], where);
  const kind = kindOf(definition);
  return { rows, tree: index.derived(nameOf(`tree ${kind}`, [column!], where), () => new TimeTree(rows, index.times, statesOf(countedColumn(index, column!, where)), stateBytes)) };
}

/** What the states of a definition are called: some serve several functions, and a sketch serves all quantiles. */
function kindOf({ function: name, approximate }: AggregateDefinition): string {
  if (approximate || name === 'min' || name === 'max') return name;
  return name === 'skew' || name === 'kurtosis' ? 'moments' : 'spread';
}
