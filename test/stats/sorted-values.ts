/** The values without NaN, ascending, in an array of their own. */
export function sortedValues(values: ArrayLike<number>): Float64Array {
  return Float64Array.from(values)
    .filter((value) => !Number.isNaN(value))
    .sort();
}
