import { SeededGenerator } from '../seeded-generator.ts';
import type { DriftTest } from './drift-evidence.ts';
import type { RowBins } from './row-bins.ts';
import type { RowBlocks } from './row-blocks.ts';

/** The counts of all blocks of both sides, the reference's first. */
interface BlockCounts {
  /** Where the cells of each block begin, and where the last one ends. */
  readonly starts: Uint32Array;
  readonly bins: Uint32Array;
  readonly counts: Float64Array;
  readonly rows: Float64Array;
  /** Rows of each bin, all blocks together. */
  readonly totals: Float64Array;
  /** All rows. */
  readonly all: number;
}

/** How blocks are reassigned. */
export interface BlockDraws {
  readonly resamples: number;
  readonly seed: number;
}

/**
 * Do blocks of rows of both sides come from one distribution? Chi-squared on common bins, held against what it is when whole blocks change sides at random: exact in its level when blocks are exchangeable, however rows depend
 * on each other within one.
 */
export function blockPermutationTest(bins: RowBins, reference: RowBlocks, current: RowBlocks, { resamples, seed }: BlockDraws): DriftTest {
  const table = countBlocks(bins, reference, current);
  const blocks = reference.count + current.count;
  // Either side gives the same chi-squared, and the one of fewer blocks is quicker.
  const taken = Math.min(reference.count, current.count);
  const order = Uint32Array.from({ length: blocks }, (_, i) => (reference.count <= current.count ? i : blocks - 1 - i));
  const side = new Float64Array(table.totals.length);
  const observed = chiSquared(table, order.subarray(0, taken), side);
  const generator = new SeededGenerator(seed);
  let extreme = 0;
  for (let r = 0; r < resamples; r++) {
    for (let i = 0; i < taken; i++) swap(order, i, i + generator.below(blocks - i));
    if (chiSquared(table, order.subarray(0, taken), side) >= observed * (1 - 1e-12)) extreme++;
  }
  return {
    of: 'values',
    method: 'block-permutation',
    statistic: observed,
    pValue: (1 + extreme) / (1 + resamples),
    referenceRows: bins.reference.length,
    currentRows: bins.current.length,
    blocks: { reference: reference.count, current: current.count, designEffect: designEffectOf(table, reference.count) },
  };
}

function swap(order: Uint32Array, i: number, j: number): void {
  const moved = order[i]!;
  order[i] = order[j]!;
  order[j] = moved;
}

/** Pearson's statistic of the blocks that are taken against all others; 0 when that leaves a side without rows. */
function chiSquared({ starts, bins, counts, rows, totals, all }: BlockCounts, taken: Uint32Array, side: Float64Array): number {
  side.fill(0);
  let n = 0;
  for (const block of taken) {
    n += rows[block]!;
    for (let cell = starts[block]!; cell < starts[block + 1]!; cell++) side[bins[cell]!]! += counts[cell]!;
  }
  const m = all - n;
  if (n === 0 || m === 0) return 0;
  let sum = 0;
  for (let bin = 0; bin < totals.length; bin++) {
    const total = totals[bin]!;
    if (total > 0) sum += (side[bin]! - (total * n) / all) ** 2 / total;
  }
  return (sum * all * all) / (n * m);
}

/**
 * How many times the variance of independent rows the shares of a side have, by how its blocks differ from one another (the mean design effect of Rao & Scott 1981), both sides weighed by what they add to the variance of their
 * difference. A difference between the sides has no part in it.
 */
function designEffectOf(table: BlockCounts, referenceBlocks: number): number {
  const sides = [sideEffect(table, 0, referenceBlocks), sideEffect(table, referenceBlocks, table.rows.length)].filter(({ rows }) => rows > 0);
  const weight = sides.reduce((sum, { rows }) => sum + 1 / rows, 0);
  return sides.reduce((sum, { effect, rows }) => sum + effect / rows, 0) / weight;
}

function sideEffect({ starts, bins, counts, rows, totals }: BlockCounts, from: number, to: number): { effect: number; rows: number } {
  const sums = new Float64Array(totals.length);
  let n = 0;
  for (let block = from; block < to; block++) n += rows[block]!;
  for (let cell = starts[from]!; cell < starts[to]!; cell++) sums[bins[cell]!]! += counts[cell]!;
  const filled = sums.filter((sum) => sum > 0).length;
  if (filled < 2 || to - from < 2) return { effect: 1, rows: n };
  let spread = 0;
  for (let block = from; block < to; block++) {
    const size = rows[block]!;
    // A bin that the block has no row in is size · share away; over all bins, (size · share)² / share adds up to size².
    spread += size * size;
    for (let cell = starts[block]!; cell < starts[block + 1]!; cell++) {
      const share = sums[bins[cell]!]! / n;
      spread += (counts[cell]! - size * share) ** 2 / share - size * size * share;
    }
  }
  const blocks = to - from;
  return { effect: (blocks / (blocks - 1)) * (spread / n / (filled - 1)), rows: n };
}

function countBlocks({ reference: before, current: after, count }: RowBins, reference: RowBlocks, current: RowBlocks): BlockCounts {
  const blocks = reference.count + current.count;
  const all = before.length + after.length;
  const blockOf = (i: number): number => (i < before.length ? reference.of[i]! : reference.count + current.of[i - before.length]!);
  const rows = new Float64Array(blocks);
  for (let i = 0; i < all; i++) rows[blockOf(i)]!++;
  // The rows' bins, block by block.
  const next = new Uint32Array(blocks);
  for (let block = 1; block < blocks; block++) next[block] = next[block - 1]! + rows[block - 1]!;
  const ordered = new Uint32Array(all);
  for (let i = 0; i < all; i++) ordered[next[blockOf(i)]!++] = i < before.length ? before[i]! : after[i - before.length]!;
  return { ...cellsOf(ordered, rows, count), rows, all };
}

/** The bins that each block has rows in, and how many. */
function cellsOf(ordered: Uint32Array, rows: Float64Array, count: number): Pick<BlockCounts, 'starts' | 'bins' | 'counts' | 'totals'> {
  const starts = new Uint32Array(rows.length + 1);
  const bins = new Uint32Array(ordered.length);
  const counts = new Float64Array(ordered.length);
  const totals = new Float64Array(count);
  const cellOf = new Uint32Array(count);
  let from = 0;
  let cells = 0;
  rows.forEach((size, block) => {
    const first = cells;
    for (let i = from; i < from + size; i++) {
      const bin = ordered[i]!;
      totals[bin]!++;
      // What an earlier block left there is below its first cell, or names another bin.
      if (cellOf[bin]! < first || cellOf[bin]! >= cells || bins[cellOf[bin]!] !== bin) {
        cellOf[bin] = cells;
        bins[cells++] = bin;
      }
      counts[cellOf[bin]!]!++;
    }
    from += size;
    starts[block + 1] = cells;
  });
  return { starts, bins: bins.slice(0, cells), counts: counts.slice(0, cells), totals };
}
