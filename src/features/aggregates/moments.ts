import type { Column } from '../../core/column.ts';
import { Moments } from '../../stats/sketches/moments.ts';
import type { AggregateDefinition } from './aggregate-definition.ts';
import { Float64Results } from './float64-results.ts';
import { presentValues } from './present-values.ts';
import { isOrdinary, spreadStates, type Spread } from './spread.ts';
import type { PartialStates } from './time-tree.ts';
import { treeStates } from './tree-states.ts';
import type { WindowRows } from './window-rows.ts';

/** Variance, standard deviation, skewness and kurtosis over windows. */
export function momentsOf(windows: WindowRows, definition: AggregateDefinition): Column {
  const results = new Float64Results(windows.low.length);
  if (windows.index.column(definition.column!) === undefined) return results.column();
  const { function: name, ddof } = definition;
  if (name === 'variance' || name === 'std') {
    treeStates(windows, definition, 100, spreadOrMoments).each((probe, state) => {
      const variance = state instanceof Moments ? varianceOfAny(state, ddof!) : varianceOf(state.count, state.count === 1 ? 0 : state.m2 / (state.count - 1), ddof!);
      results.set(probe, name === 'std' && variance !== undefined ? Math.sqrt(variance) : variance);
    });
  } else treeStates(windows, definition, 250, momentStates).each((probe, moments) => results.set(probe, shapeOf(moments, name === 'skew')));
  return results.column();
}

function shapeOf(moments: Moments, isSkewness: boolean): number | undefined {
  if (hasNonFinite(moments)) return NaN;
  if (moments.count < (isSkewness ? 3 : 4)) return undefined;
  const shape = isSkewness ? moments.skewness : moments.kurtosis;
  return Number.isNaN(shape) ? undefined : shape;
}

function varianceOfAny(moments: Moments, ddof: number): number | undefined {
  if (hasNonFinite(moments)) return NaN;
  return varianceOf(moments.count, moments.count === 1 ? 0 : moments.variance, ddof);
}

function varianceOf(n: number, unbiased: number, ddof: number): number | undefined {
  if (n <= ddof) return undefined;
  return ddof === 1 ? unbiased : unbiased * ((n - 1) / n);
}

function hasNonFinite({ nan, positiveInfinity, negativeInfinity }: Moments): boolean {
  return nan + positiveInfinity + negativeInfinity > 0;
}

/** States for the variance: what little it needs where numbers are ordinary, which is the same to the last bit. */
function spreadOrMoments(column: Column): PartialStates<Spread | Moments> {
  const states: PartialStates<Spread> | PartialStates<Moments> = isOrdinary(column.values as Float64Array) ? spreadStates(column.values as Float64Array) : momentStates(column);
  return states;
}

function momentStates(column: Column): PartialStates<Moments> {
  const values = column.values as Float64Array;
  return {
    blockRows: 64,
    fold: (from, to, hidden) => new Moments().updateAll(presentValues(values, from, to, hidden)),
    merge: (earlier, later) => new Moments().merge(earlier).merge(later),
  };
}
