import { columnValues, type Column } from '../../core/column.ts';
import { ValueHasher } from '../../stats/sketches/hash-value.ts';
import { HyperLogLog } from '../../stats/sketches/hyper-log-log.ts';
import { registerRank } from '../../stats/sketches/register-estimate.ts';
import type { ScalarValue } from '../../stats/sketches/scalar-value.ts';
import type { AggregateDefinition } from './aggregate-definition.ts';
import { countedRows, nameOf, type CountedRows } from './counted-rows.ts';
import { Float64Results } from './float64-results.ts';
import { presentValues } from './present-values.ts';
import { RegisterCounts } from './register-counts.ts';
import { manyWindows, sweepWindows } from './sweep-windows.ts';
import type { PartialStates } from './time-tree.ts';
import { treeStates } from './tree-states.ts';
import type { WindowRows } from './window-rows.ts';

const { precision } = new HyperLogLog().options;

/** Numbers of distinct values over windows from HyperLogLog sketches; 0 where a window sees events but no value. A sketch does not depend on how it came to be, so many are made row by row. */
export function approximateDistinctCountsOf(windows: WindowRows, definition: AggregateDefinition): Column {
  const results = new Float64Results(windows.low.length);
  const found = new Float64Array(windows.low.length);
  const column = windows.index.column(definition.column!);
  if (column !== undefined) {
    if (windows.order.length < manyWindows) treeStates(windows, definition, 4200, distinctStates).each((probe, sketch) => (found[probe] = Math.round(sketch.estimate())));
    else sweepRegisters(windows, definition, column, found);
  }
  for (const probe of windows.order) {
    if (windows.high[probe]! - windows.low[probe]! > windows.hidden(probe).length) results.set(probe, found[probe]);
  }
  return results.column();
}

function sweepRegisters(windows: WindowRows, { column: name, where }: AggregateDefinition, column: Column, found: Float64Array): void {
  const { index } = windows;
  const rows = countedRows(index, [name!], where);
  const { places } = index.derived(nameOf('registers', [name!], where), () => registersOf(column, rows));
  const counts = new RegisterCounts(precision);
  const tally = { add: (row: number) => counts.add(places[row]!), remove: (row: number) => counts.remove(places[row]!) };
  sweepWindows(windows, rows, tally, (probe) => (found[probe] = Math.round(counts.estimate())));
}

/** The register of each row, times 64, and its rank there. */
function registersOf(column: Column, rows: CountedRows): { readonly places: Int32Array; readonly byteLength: number } {
  const hasher = new ValueHasher();
  const placeOf = (value: ScalarValue): number => {
    hasher.hash(value);
    return registerRank(hasher, precision);
  };
  const own = rows.take(column);
  if (own.type === 'string') {
    const known = own.dictionary.map(placeOf);
    const places = Int32Array.from(own.values, (code) => known[code]!);
    return { places, byteLength: places.byteLength };
  }
  const places = Int32Array.from(columnValues(own) as ArrayLike<ScalarValue>, placeOf);
  return { places, byteLength: places.byteLength };
}

function distinctStates(column: Column): PartialStates<HyperLogLog> {
  const values = columnValues(column) as ArrayLike<ScalarValue>;
  return {
    blockRows: 256,
    fold: (from, to, hidden) => new HyperLogLog().updateAll(presentValues(values, from, to, hidden)),
    merge: (earlier, later) => HyperLogLog.union(earlier, later),
  };
}
