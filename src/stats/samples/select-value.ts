import { partition } from './sort-range.ts';

/** The value at `rank` in ascending order, counted from 0 (Hoare's selection); smaller ones lie before it then. There must be no NaN. */
export function selectValue(values: Float64Array, rank: number): number {
  let low = 0;
  let high = values.length - 1;
  while (low < high) {
    const middle = partition(values, low, high, values[(low + high) >>> 1]!);
    if (rank < middle) high = middle - 1;
    else low = middle;
  }
  return values[rank]!;
}
