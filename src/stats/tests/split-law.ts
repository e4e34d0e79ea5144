/** What a statistic adds when, after `i` values of the first sample and `j` of the second, a group of equal ones has `a` of the first and `b` of the second: a whole number of at least 0. */
export type GroupCost = (i: number, j: number, a: number, b: number) => number;

/**
 * The exact conditional law of a rank statistic, given the ties: the share of all splits of the pooled values into `n` and `m`, each as likely, whose costs add up
 * to at least `threshold`. `groups` are the sizes of the groups of equal pooled values, ascending.
 *
 * Splits are counted group by group, by how many values of the first sample were met and by the sum so far; sums that can no longer miss the threshold, or no
 * longer reach it, are settled at once. Nothing is subtracted, so a tail keeps its relative precision. `undefined` when that takes more than `limit` additions or
 * more splits than a double can count.
 */
export function splitTail(n: number, m: number, groups: readonly number[], cost: GroupCost, threshold: number, limit: number): number | undefined {
  if (!(threshold > 0)) return 1;
  // The moves between states are looked at several times before anything is counted.
  if ((n + 1) * (n + m + 1) > Math.min(1_000_000, limit / 200)) return undefined;
  const completions = completionsOf(n, groups);
  const splits = completions[0]![0]!;
  if (splits === Infinity) return undefined;
  const lattice = latticeOf(n, m, groups, cost, threshold);
  if (lattice.work > limit) return undefined;
  return Math.min(1, countTail(lattice, cost, completions) / splits);
}

/** A group of equal values between two boundaries. */
interface Step {
  readonly size: number;
  /** Pooled values before this group. */
  readonly before: number;
  readonly n: number;
  readonly m: number;
}

/** Visits every state (i, j) before the group, with every number a of first-sample values that the group may have then. */
function forEachMove({ size, before, n, m }: Step, visit: (i: number, j: number, a: number, b: number) => void): void {
  for (let i = Math.max(0, before - m); i <= Math.min(n, before); i++) {
    const j = before - i;
    for (let a = Math.max(0, size - (m - j)); a <= Math.min(size, n - i); a++) visit(i, j, a, size - a);
  }
}

/**
 * The states, each a boundary between groups and a number i, with the sums that are counted there. Sums are written as `least` + unit·k: what they have above the
 * least sum of their state has a common divisor, which makes the tables small.
 */
interface Lattice {
  readonly steps: readonly Step[];
  readonly unit: number;
  /** The least sum of each state. */
  readonly least: readonly Float64Array[];
  /** The smallest k that may still miss or reach the threshold. */
  readonly low: readonly Float64Array[];
  /** The smallest k that has reached it. */
  readonly settled: readonly Float64Array[];
  /** How many k are kept. */
  readonly size: readonly Float64Array[];
  readonly work: number;
}

function latticeOf(n: number, m: number, groups: readonly number[], cost: GroupCost, threshold: number): Lattice {
  let before = 0;
  const steps = groups.map((size) => ({ size, before: (before += size) - size, n, m }));
  const filled = (value: number): Float64Array[] => Array.from({ length: steps.length + 1 }, () => new Float64Array(n + 1).fill(value));
  const [least, most, rest, low, settled, size] = [filled(Infinity), filled(-Infinity), filled(-Infinity), filled(0), filled(0), filled(0)];
  least[0]![0] = 0;
  most[0]![0] = 0;
  rest[steps.length]![n] = 0;
  for (let g = steps.length - 1; g >= 0; g--) {
    forEachMove(steps[g]!, (i, j, a, b) => {
      rest[g]![i] = Math.max(rest[g]![i]!, rest[g + 1]![i + a]! + cost(i, j, a, b));
    });
  }
  for (const [g, step] of steps.entries()) {
    forEachMove(step, (i, j, a, b) => {
      const added = cost(i, j, a, b);
      least[g + 1]![i + a] = Math.min(least[g + 1]![i + a]!, least[g]![i]! + added);
      most[g + 1]![i + a] = Math.max(most[g + 1]![i + a]!, most[g]![i]! + added);
    });
  }
  let unit = 0;
  for (const [g, step] of steps.entries()) {
    if (unit === 1) break;
    forEachMove(step, (i, j, a, b) => {
      let remainder = least[g]![i]! + cost(i, j, a, b) - least[g + 1]![i + a]!;
      while (remainder !== 0) [unit, remainder] = [remainder, unit % remainder];
    });
  }
  // Where all ways to a state cost the same.
  unit ||= 1;
  let work = 0;
  for (let g = 0; g <= steps.length; g++) {
    for (let i = 0; i <= n; i++) {
      if (least[g]![i] === Infinity || rest[g]![i] === -Infinity) continue;
      const missing = threshold - least[g]![i]!;
      low[g]![i] = Math.max(0, Math.ceil((missing - rest[g]![i]!) / unit));
      settled[g]![i] = Math.ceil(missing / unit);
      size[g]![i] = Math.max(0, Math.min((most[g]![i]! - least[g]![i]!) / unit + 1, settled[g]![i]!) - low[g]![i]!);
    }
    if (g < steps.length) forEachMove(steps[g]!, (i) => (work += size[g]![i]!));
  }
  return { steps, unit, least, low, settled, size, work };
}

/** How many splits reach the threshold. */
function countTail({ steps, unit, least, low, settled, size }: Lattice, cost: GroupCost, completions: readonly Float64Array[]): number {
  if (size[0]![0] === 0) return settled[0]![0]! <= 0 ? completions[0]![0]! : 0;
  let tail = 0;
  let layer: (Float64Array | undefined)[] = [Float64Array.of(1)];
  for (const [g, step] of steps.entries()) {
    const next: (Float64Array | undefined)[] = [];
    const ways = binomialRow(step.size);
    forEachMove(step, (i, j, a, b) => {
      const counts = layer[i];
      if (counts === undefined) return;
      const to = i + a;
      const way = ways[a]!;
      const start = low[g]![i]! + (least[g]![i]! + cost(i, j, a, b) - least[g + 1]![to]!) / unit;
      const end = Math.min(counts.length, Math.max(0, settled[g + 1]![to]! - start));
      let over = 0;
      for (let at = end; at < counts.length; at++) over += counts[at]!;
      tail += over * way * completions[g + 1]![to]!;
      if (size[g + 1]![to] === 0) return;
      const target = (next[to] ??= new Float64Array(size[g + 1]![to]!));
      const shift = start - low[g + 1]![to]!;
      for (let at = Math.max(0, -shift); at < end; at++) target[at + shift]! += counts[at]! * way;
    });
    layer = next;
  }
  return tail;
}

/** For each boundary between groups and each i, in how many ways the remaining values can complete the first sample: Pascal's triangle, upwards. */
function completionsOf(n: number, groups: readonly number[]): Float64Array[] {
  const row = new Float64Array(n + 1);
  row[n] = 1;
  const rows: Float64Array[] = [row.slice()];
  for (let g = groups.length - 1; g >= 0; g--) {
    for (let k = 0; k < groups[g]!; k++) for (let i = 0; i < n; i++) row[i]! += row[i + 1]!;
    rows.push(row.slice());
  }
  return rows.reverse();
}

function binomialRow(size: number): Float64Array {
  const row = new Float64Array(size + 1);
  row[0] = 1;
  for (let a = 1; a <= size; a++) row[a] = (row[a - 1]! * (size - a + 1)) / a;
  return row;
}
