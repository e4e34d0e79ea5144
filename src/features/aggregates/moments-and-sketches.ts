import { columnValues, type Column } from '../../core/column.ts';
import { HyperLogLog } from '../../stats/sketches/hyper-log-log.ts';
import { KllSketch } from '../../stats/sketches/kll-sketch.ts';
import { Moments } from '../../stats/sketches/moments.ts';
import type { ScalarValue } from '../../stats/sketches/scalar-value.ts';
import type { AggregateDefinition } from './aggregate-definition.ts';
import { Float64Results } from './float64-results.ts';
import type { PartialStates } from './time-tree.ts';
import { treeStates } from './tree-states.ts';
import type { WindowRows } from './window-rows.ts';

/** Variance, standard deviation, skewness and kurtosis over windows. */
export function momentsOf(windows: WindowRows, definition: AggregateDefinition): Column {
  const results = new Float64Results(windows.low.length);
  if (windows.index.column(definition.column!) === undefined) return results.column();
  treeStates(windows, definition, 250, momentStates).each((probe, moments) => results.set(probe, momentOf(moments, definition)));
  return results.column();
}

/** Quantiles over windows from KLL sketches. */
export function approximateQuantilesOf(windows: WindowRows, definition: AggregateDefinition): Column {
  const results = new Float64Results(windows.low.length);
  if (windows.index.column(definition.column!) === undefined) return results.column();
  treeStates(windows, definition, 6000, kllStates).each((probe, sketch) => results.set(probe, sketch.nan > 0 ? NaN : sketch.quantile(definition.q!)));
  return results.column();
}

/** Numbers of distinct values over windows from HyperLogLog sketches; 0 where a window sees events but no value. */
export function approximateDistinctCountsOf(windows: WindowRows, definition: AggregateDefinition): Column {
  const results = new Float64Results(windows.low.length);
  const found = new Float64Array(windows.low.length);
  if (windows.index.column(definition.column!) !== undefined) treeStates(windows, definition, 4200, distinctStates).each((probe, sketch) => (found[probe] = Math.round(sketch.estimate())));
  for (const probe of windows.order) {
    if (windows.high[probe]! - windows.low[probe]! > windows.hidden(probe).length) results.set(probe, found[probe]);
  }
  return results.column();
}

function momentOf(moments: Moments, { function: name, ddof }: AggregateDefinition): number | undefined {
  const n = moments.count;
  if (moments.nan + moments.positiveInfinity + moments.negativeInfinity > 0) return NaN;
  switch (name) {
    case 'skew':
      return n < 3 ? undefined : present(moments.skewness);
    case 'kurtosis':
      return n < 4 ? undefined : present(moments.kurtosis);
    default:
      break;
  }
  if (n <= ddof!) return undefined;
  const variance = n === 1 ? 0 : ddof === 1 ? moments.variance : moments.variance * ((n - 1) / n);
  return name === 'variance' ? variance : Math.sqrt(variance);
}

function present(value: number): number | undefined {
  return Number.isNaN(value) ? undefined : value;
}

function momentStates(column: Column): PartialStates<Moments> {
  const values = column.values as Float64Array;
  return {
    blockRows: 64,
    fold: (from, to, hidden) => new Moments().updateAll(without(values, from, to, hidden)),
    merge: (earlier, later) => new Moments().merge(earlier).merge(later),
  };
}

function kllStates(column: Column): PartialStates<KllSketch> {
  const values = column.values as Float64Array;
  return {
    blockRows: 256,
    fold: (from, to, hidden) => new KllSketch().updateAll(without(values, from, to, hidden)),
    merge: (earlier, later) => new KllSketch().merge(earlier).merge(later),
  };
}

function distinctStates(column: Column): PartialStates<HyperLogLog> {
  const values = columnValues(column) as ArrayLike<ScalarValue>;
  return {
    blockRows: 256,
    fold: (from, to, hidden) => new HyperLogLog().updateAll(without(values, from, to, hidden)),
    merge: (earlier, later) => HyperLogLog.union(earlier, later),
  };
}

/** The values from `from` to `to` but for those at `hidden`; without a copy where they can be. */
function without<T>(values: ArrayLike<T>, from: number, to: number, hidden: readonly number[]): ArrayLike<T> {
  if (hidden.length === 0 && values instanceof Float64Array) return values.subarray(from, to) as ArrayLike<unknown> as ArrayLike<T>;
  const present: T[] = [];
  for (let row = from, h = 0; row < to; row++) {
    if (hidden[h] === row) h++;
    else present.push(values[row]!);
  }
  return present;
}
