import type { Column } from '../../core/column.ts';
import { Moments } from '../../stats/sketches/moments.ts';
import type { AggregateDefinition } from './aggregate-definition.ts';
import { Float64Results } from './float64-results.ts';
import { presentValues } from './present-values.ts';
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
    fold: (from, to, hidden) => new Moments().updateAll(presentValues(values, from, to, hidden)),
    merge: (earlier, later) => new Moments().merge(earlier).merge(later),
  };
}
