/** Which group each unit belongs to, such as its variant; -1 for none. */
export interface Grouping {
  readonly of: Int32Array;
  readonly groups: number;
}

/** Sums over the units of a group: how many, of each column, and of each product of two columns. */
export interface UnitSums {
  readonly n: number;
  readonly sums: readonly number[];
  /** The sum of column `i` times column `j`, at `[i][j]` for i ≤ j. */
  readonly products: readonly (readonly number[])[];
}

/** Sums up columns by group, of the units that have a number in the first of them. */
export function sumUnits(columns: readonly Float64Array[], { of, groups }: Grouping): readonly UnitSums[] {
  const counts = countUnits(columns[0]!, of, groups);
  const sums = columns.map((column) => sumOf(column, columns[0]!, of, groups));
  const products = columns.map((a, i) => columns.map((b, j) => (i <= j ? productOf(a, b, columns[0]!, of, groups) : undefined)));
  return Array.from({ length: groups }, (_, group) => ({
    n: counts[group]!,
    sums: sums.map((each) => each[group]!),
    products: products.map((row) => row.map((each) => each?.[group] ?? 0)),
  }));
}

function countUnits(known: Float64Array, of: Int32Array, groups: number): Float64Array {
  const counts = new Float64Array(groups + 1);
  for (let i = 0; i < of.length; i++) if (known[i]! === known[i]!) counts[of[i]! + 1]!++;
  return counts.subarray(1);
}

// What belongs to no group is summed up in a place of its own, which costs less than a question.
function sumOf(column: Float64Array, known: Float64Array, of: Int32Array, groups: number): Float64Array {
  const sums = new Float64Array(groups + 1);
  for (let i = 0; i < of.length; i++) if (known[i]! === known[i]!) sums[of[i]! + 1]! += column[i]!;
  return sums.subarray(1);
}

function productOf(a: Float64Array, b: Float64Array, known: Float64Array, of: Int32Array, groups: number): Float64Array {
  const sums = new Float64Array(groups + 1);
  for (let i = 0; i < of.length; i++) if (known[i]! === known[i]!) sums[of[i]! + 1]! += a[i]! * b[i]!;
  return sums.subarray(1);
}
