/** Which group each unit belongs to, such as its variant; -1 for none. */
export interface Grouping {
  readonly of: Int32Array;
  readonly groups: number;
  /** How many groups in a row are compared with each other, such as the variants; all unless told. */
  readonly family?: number | undefined;
}

/** A column as it is summed up: what lies beyond its bounds counts as they do; NaN stays. */
export interface BoundedColumn {
  readonly values: Float64Array;
  readonly lower: number;
  readonly upper: number;
}

/** Sums over the units of a group: how many, of each column, and of each product of two columns. */
export interface UnitSums {
  readonly n: number;
  readonly sums: readonly number[];
  /** The sum of column `i` times column `j`, at `[i][j]` for i ≤ j. */
  readonly products: readonly (readonly number[])[];
}

/**
 * Sums up columns by group, of the units that have a number in the first of them, in one pass. A group's sums lie side by side: of 1, of each column, and of the products in the order of their rows; what belongs to no group has a place of its own,
 * which costs less than a question.
 */
export function sumUnits(columns: readonly BoundedColumn[], grouping: Grouping): readonly UnitSums[] {
  const width = columns.length;
  const stride = 1 + width + (width * (width + 1)) / 2;
  const totals = new Float64Array((grouping.groups + 1) * stride);
  if (width === 1) addOne(totals, columns[0]!, grouping);
  else if (width === 2) addTwo(totals, columns[0]!, columns[1]!, grouping);
  else addAll(totals, columns, stride, grouping);
  return Array.from({ length: grouping.groups }, (_, group) => sumsAt(totals.subarray((group + 1) * stride, (group + 2) * stride), width));
}

function sumsAt(totals: Float64Array, width: number): UnitSums {
  let at = 1 + width;
  const products = Array.from({ length: width }, (_, i) => Array.from({ length: width }, (_, j) => (j < i ? 0 : totals[at++]!)));
  return { n: totals[0]!, sums: [...totals.subarray(1, 1 + width)], products };
}

function addOne(totals: Float64Array, { values, lower, upper }: BoundedColumn, { of }: Grouping): void {
  for (let i = 0; i < of.length; i++) {
    const given = values[i]!;
    if (given !== given) continue;
    const value = given < lower ? lower : given > upper ? upper : given;
    const at = 3 * (of[i]! + 1);
    totals[at]!++;
    totals[at + 1]! += value;
    totals[at + 2]! += value * value;
  }
}

function addTwo(totals: Float64Array, a: BoundedColumn, b: BoundedColumn, { of }: Grouping): void {
  const [values, others] = [a.values, b.values];
  const { lower, upper } = a;
  const [otherLower, otherUpper] = [b.lower, b.upper];
  for (let i = 0; i < of.length; i++) {
    const given = values[i]!;
    if (given !== given) continue;
    const value = given < lower ? lower : given > upper ? upper : given;
    const otherGiven = others[i]!;
    const other = otherGiven < otherLower ? otherLower : otherGiven > otherUpper ? otherUpper : otherGiven;
    const at = 6 * (of[i]! + 1);
    totals[at]!++;
    totals[at + 1]! += value;
    totals[at + 2]! += other;
    totals[at + 3]! += value * value;
    totals[at + 4]! += value * other;
    totals[at + 5]! += other * other;
  }
}

function addAll(totals: Float64Array, columns: readonly BoundedColumn[], stride: number, { of }: Grouping): void {
  const width = columns.length;
  const values = columns.map((column) => column.values);
  const [lower, upper] = [Float64Array.from(columns, (column) => column.lower), Float64Array.from(columns, (column) => column.upper)];
  const unit = new Float64Array(width);
  for (let i = 0; i < of.length; i++) {
    if (values[0]![i]! !== values[0]![i]!) continue;
    let at = stride * (of[i]! + 1);
    totals[at++]!++;
    for (let c = 0; c < width; c++) {
      const given = values[c]![i]!;
      unit[c] = given < lower[c]! ? lower[c]! : given > upper[c]! ? upper[c]! : given;
      totals[at++]! += unit[c]!;
    }
    for (let c = 0; c < width; c++) for (let d = c; d < width; d++) totals[at++]! += unit[c]! * unit[d]!;
  }
}
