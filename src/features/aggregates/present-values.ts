/** The values from `from` to `to` but for those at `hidden`; without a copy where they can be. */
export function presentValues<T>(values: ArrayLike<T>, from: number, to: number, hidden: readonly number[]): ArrayLike<T> {
  if (hidden.length === 0 && values instanceof Float64Array) return values.subarray(from, to) as ArrayLike<unknown> as ArrayLike<T>;
  const present: T[] = [];
  for (let row = from, h = 0; row < to; row++) {
    if (hidden[h] === row) h++;
    else present.push(values[row]!);
  }
  return present;
}
