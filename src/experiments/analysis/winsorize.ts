import { selectValue } from '../../stats/samples/select-value.ts';
import type { Winsorizing } from '../experiment-definition.ts';
import type { WinsorBounds } from './ab-analysis.ts';

/** The bounds of a column: quantiles are those of all variants together, among the values that are not 0, so that the bounds know nothing of who was treated. */
export function winsorBounds(column: Float64Array, { lower, upper }: Winsorizing): WinsorBounds {
  let values: Float64Array | undefined;
  const boundOf = (side: NonNullable<Winsorizing['lower']>): number | undefined => {
    if ('value' in side) return side.value;
    values ??= somethingOf(column);
    if (values.length === 0) return undefined;
    return selectValue(values, Math.min(values.length - 1, Math.max(0, Math.ceil(values.length * side.quantile) - 1)));
  };
  const [low, high] = [lower && boundOf(lower), upper && boundOf(upper)];
  return { ...(low !== undefined && { lower: low }), ...(high !== undefined && { upper: high }) };
}

/** The values that are numbers and not 0. */
function somethingOf(column: Float64Array): Float64Array {
  const values = new Float64Array(column.length);
  let kept = 0;
  for (let i = 0; i < column.length; i++) {
    const value = column[i]!;
    if (value === value && value !== 0) values[kept++] = value;
  }
  return values.subarray(0, kept);
}
