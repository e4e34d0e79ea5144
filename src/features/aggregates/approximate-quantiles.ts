import type { Column } from '../../core/column.ts';
import { selectValue } from '../../stats/samples/select-value.ts';
import { KllSketch } from '../../stats/sketches/kll-sketch.ts';
import type { AggregateDefinition } from './aggregate-definition.ts';
import { Float64Results } from './float64-results.ts';
import { presentValues } from './present-values.ts';
import type { PartialStates } from './time-tree.ts';
import { treeStates } from './tree-states.ts';
import type { WindowRows } from './window-rows.ts';

/** Numbers of which a sketch would still have every one, or a sketch of more. */
type Numbers = ArrayLike<number> | KllSketch;

/** Quantiles over windows from KLL sketches. */
export function approximateQuantilesOf(windows: WindowRows, definition: AggregateDefinition): Column {
  const results = new Float64Results(windows.low.length);
  if (windows.index.column(definition.column!) === undefined) return results.column();
  treeStates(windows, definition, 6000, kllStates).each((probe, numbers) => results.set(probe, numbers instanceof KllSketch ? quantileOf(numbers, definition.q!) : quantileOfFew(numbers, definition.q!)));
  return results.column();
}

function quantileOf(sketch: KllSketch, q: number): number {
  return sketch.nan > 0 ? NaN : sketch.quantile(q);
}

/** What a sketch of the same numbers gives. */
function quantileOfFew(numbers: ArrayLike<number>, q: number): number {
  const own = new Float64Array(numbers.length);
  for (let i = 0; i < own.length; i++) {
    const value = numbers[i]!;
    if (value !== value) return NaN;
    own[i] = value + 0;
  }
  return selectValue(own, Math.max(0, Math.ceil(q * own.length) - 1));
}

function kllStates(column: Column): PartialStates<Numbers> {
  const values = column.values as Float64Array;
  const { k } = new KllSketch().options;
  const sketchOf = (numbers: Numbers): KllSketch => (numbers instanceof KllSketch ? numbers : new KllSketch().updateAll(numbers));
  return {
    blockRows: 256,
    fold(from, to, hidden) {
      const present = presentValues(values, from, to, hidden);
      return present.length < k ? present : sketchOf(present);
    },
    merge: (earlier, later) => KllSketch.union(sketchOf(earlier), sketchOf(later)),
  };
}
