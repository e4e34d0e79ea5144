import type { SeededGenerator } from '../seeded-generator.ts';

const mostSingle = 1000;
const groupsAbove = 500;

/**
 * The acceleration of the BCa interval, Σ U³ / (6 (Σ U²)^(3/2)), from the influence U of each value, or each of 500 groups drawn by chance where there are more than 1000,
 * on the statistic when it is left out (Efron 1987; several samples as in Davison & Hinkley 1997, 5.3.2). 0 when nothing has any influence, NaN when a sample is
 * too small to leave anything out.
 */
export function acceleration(
  columns: readonly Float64Array[],
  buffers: readonly Float64Array[],
  together: boolean,
  evaluate: (sizes: readonly number[]) => number,
  generator: SeededGenerator,
): number {
  const full = columns.map((column) => column.length);
  const influences: number[] = [];
  const sides = together ? [columns.map((_, i) => i)] : columns.map((_, i) => [i]);
  for (const side of sides) {
    const n = full[side[0]!]!;
    if (n < 3) return NaN;
    const groups = n > mostSingle ? groupsAbove : n;
    const groupOf = groups === n ? undefined : randomGroups(n, groups, generator);
    columns.forEach((column, i) => buffers[i]!.set(column));
    const values = new Float64Array(groups);
    const members = groupOf === undefined ? undefined : Uint32Array.from({ length: groups }, () => 0);
    groupOf?.forEach((group) => members![group]!++);
    for (let g = 0; g < groups; g++) {
      for (const i of side) leaveOut(columns[i]!, buffers[i]!, groupOf, g);
      const sizes = full.slice();
      for (const i of side) sizes[i] = n - (members?.[g] ?? 1);
      // The statistic may have changed the samples it was given whole.
      if (g > 0) columns.forEach((column, i) => side.includes(i) || buffers[i]!.set(column));
      values[g] = evaluate(sizes);
    }
    const finite = values.filter((value) => Number.isFinite(value));
    const mean = finite.reduce((sum, value) => sum + value, 0) / finite.length;
    for (const value of finite) influences.push(((finite.length - 1) / finite.length) * (mean - value));
  }
  const largest = influences.reduce((most, influence) => Math.max(most, Math.abs(influence)), 0);
  if (!(largest > 0 && largest < Infinity)) return 0;
  let cubes = 0;
  let squares = 0;
  for (const influence of influences) {
    cubes += (influence / largest) ** 3;
    squares += (influence / largest) ** 2;
  }
  return cubes / (6 * squares ** 1.5);
}

function leaveOut(column: Float64Array, buffer: Float64Array, groupOf: Uint32Array | undefined, out: number): void {
  let at = 0;
  for (let i = 0; i < column.length; i++) if ((groupOf === undefined ? i : groupOf[i]) !== out) buffer[at++] = column[i]!;
}

/** Groups of sizes that differ by one at most, by a shuffle. */
function randomGroups(n: number, groups: number, generator: SeededGenerator): Uint32Array {
  const groupOf = Uint32Array.from({ length: n }, (_, i) => i % groups);
  for (let i = n - 1; i > 0; i--) {
    const j = generator.below(i + 1);
    [groupOf[i], groupOf[j]] = [groupOf[j]!, groupOf[i]!];
  }
  return groupOf;
}
