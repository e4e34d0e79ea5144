import { ValidationError } from '../../core/errors.ts';
import { demandOneOf, demandOptions, demandPositive, demandWhole } from '../arguments.ts';
import { SeededGenerator } from '../seeded-generator.ts';
import { selectValue } from '../samples/select-value.ts';
import type { TestResult } from '../tests/test-result.ts';
import { drawRows, finiteRows, rowMajor, type RowMajor, type Rows } from './rows.ts';

/** How {@link mmd} compares. */
export interface MmdOptions {
  /** σ of the kernel exp(-|a - b|² / (2σ²)), in units of the rows' distances, or `median` for the median distance of all pairs (Gretton et al. 2012). @default 'median' */
  bandwidth?: number | 'median' | undefined;
  /** Random reassignments of the rows to the sides for the p-value, at least 1. @default 200 */
  resamples?: number | undefined;
  /** Rows of each side that are compared at most, at least 2; of more rows a random sample is taken. Memory is about 32·maxRows² bytes: 32 MB for 1,000. @default 1000 */
  maxRows?: number | undefined;
  /** The seed of the sample and of the reassignments, a whole number below 2^32. @default 1 */
  seed?: number | undefined;
}

/** What {@link mmd} found. */
export interface MmdResult extends TestResult {
  /** The unbiased estimate of the squared discrepancy: about 0, and so at times below, where both sides distribute alike; at most 2. */
  readonly statistic: number;
  /** (1 + #{reassignments with at least this statistic}) / (1 + resamples). */
  readonly pValue: number;
  readonly method: 'permutation';
  /** The kernel's σ that was used; 0 where there was too little to compare. */
  readonly sigma: number;
  /** Rows of the first side that were compared. */
  readonly n: number;
  /** Rows of the second side that were compared. */
  readonly m: number;
  /** Rows of each side that had only finite numbers, of which at most `maxRows` were compared. */
  readonly available: readonly [number, number];
  /** Rows of each side that were left out because a number in them is NaN, infinite or missing. */
  readonly dropped: readonly [number, number];
}

/**
 * The two-sample test of the maximum mean discrepancy with a Gaussian kernel k(a, b) = exp(-|a - b|² / (2σ²)) on rows of numbers, such as embeddings (Gretton et al.
 * 2012, eq. 3): does any smooth function have different means on the two sides?
 *
 * MMD² = mean k(x, x') + mean k(y, y') - 2 mean k(x, y), without the pairs of a row with itself. Its p-value is by permutation, exact in its level for any sizes.
 *
 * Scale the columns first if their units differ. Rows that are not all finite are left out and counted. Fewer than two rows on a side, or rows that are all equal, give
 * statistic 0 and p 1. Where half of all distances are 0, `median` takes the root mean square distance. O(N²·width + resamples·N²) for the N rows that are compared.
 * Throws `ValidationError` for rows of different widths and options out of range.
 *
 * @example
 * ```ts
 * import { mmd } from 'modelkeep/stats';
 *
 * const before = [[0.1, 1.2], [0.3, 0.9], [0.2, 1.1], [0.0, 1.0]];
 * const after = [[2.1, 0.2], [1.9, 0.1], [2.3, 0.4], [2.2, 0.0]];
 * const { statistic, pValue, sigma } = mmd(before, after);
 * console.log(statistic, sigma, pValue); // pValue is near 2/70, the least that four against four can give
 * ```
 */
export function mmd(x: Rows, y: Rows, options: MmdOptions = {}): MmdResult {
  const { bandwidth = 'median', resamples = 200, maxRows = 1000, seed = 1 } = demandOptions(options);
  if (typeof bandwidth === 'number') demandPositive('bandwidth', bandwidth);
  else demandOneOf('bandwidth', bandwidth, ['median']);
  demandWhole('resamples', resamples, 1);
  demandWhole('maxRows', maxRows, 2, 20_000);
  const generator = new SeededGenerator(seed);
  const first = rowMajor('x', x);
  const second = rowMajor('y', y);
  if (first.count > 0 && second.count > 0 && first.width !== second.width) {
    throw new ValidationError(`x has rows of ${first.width} numbers and y of ${second.width}; compare rows of one width.`, { path: 'y' });
  }
  const available = [finiteRows(first), finiteRows(second)] as const;
  const taken = available.map((rows) => drawRows(rows, maxRows, generator)) as [Uint32Array, Uint32Array];
  const [n, m] = [taken[0].length, taken[1].length];
  const common = {
    method: 'permutation',
    n,
    m,
    available: [available[0].length, available[1].length],
    dropped: [first.count - available[0].length, second.count - available[1].length],
  } as const;
  const nothing = { statistic: 0, pValue: 1, sigma: 0, ...common };
  if (n < 2 || m < 2) return nothing;
  const { rows, unit } = gather(first, taken[0], second, taken[1]);
  const kernel = squaredDistances(rows, n + m, first.width);
  const sigma = bandwidth === 'median' ? medianDistance(kernel, n + m) : bandwidth / unit;
  if (sigma === 0 || !kernel.some((square) => square > 0)) return nothing;
  for (let i = 0; i < kernel.length; i++) kernel[i] = Math.exp(-((Math.sqrt(kernel[i]!) / sigma) ** 2) / 2);
  return { ...permuted(kernel, n, m, resamples, generator), sigma: bandwidth === 'median' ? sigma * unit : bandwidth, ...common };
}

/** Both sides' rows over `unit`, which is 1 unless squares of the numbers would leave the range of doubles. */
function gather(first: RowMajor, ofFirst: Uint32Array, second: RowMajor, ofSecond: Uint32Array): { rows: Float64Array; unit: number } {
  const width = first.width;
  const rows = new Float64Array((ofFirst.length + ofSecond.length) * width);
  let at = 0;
  let largest = 0;
  for (const [side, indices] of [[first, ofFirst] as const, [second, ofSecond] as const]) {
    for (const r of indices) {
      for (let k = 0; k < width; k++, at++) {
        rows[at] = side.values[r * width + k]!;
        largest = Math.max(largest, Math.abs(rows[at]!));
      }
    }
  }
  const unit = largest > 0 && (largest > 1e100 || largest < 1e-100) ? largest : 1;
  if (unit !== 1) for (let i = 0; i < rows.length; i++) rows[i]! /= unit;
  return { rows, unit };
}

/** For every pair i > j of rows, at i(i-1)/2 + j. */
function squaredDistances(rows: Float64Array, count: number, width: number): Float64Array {
  const squares = new Float64Array((count * (count - 1)) / 2);
  let at = 0;
  for (let i = 1; i < count; i++) {
    for (let j = 0; j < i; j++) {
      let sum = 0;
      for (let k = i * width, l = j * width; k < (i + 1) * width; k++, l++) {
        const difference = rows[k]! - rows[l]!;
        sum += difference * difference;
      }
      squares[at++] = sum;
    }
  }
  return squares;
}

function medianDistance(squares: Float64Array, count: number): number {
  const work = squares.slice();
  const half = work.length >> 1;
  const upper = Math.sqrt(selectValue(work, half));
  let lower = upper;
  if (work.length % 2 === 0) {
    lower = 0;
    for (let i = 0; i < half; i++) lower = Math.max(lower, work[i]!);
    lower = Math.sqrt(lower);
  }
  if (lower + upper > 0) return (lower + upper) / 2;
  let sum = 0;
  for (const square of squares) sum += square;
  return Math.sqrt((2 * sum) / (count * (count - 1)));
}

function permuted(kernel: Float64Array, n: number, m: number, resamples: number, generator: SeededGenerator): { statistic: number; pValue: number } {
  const count = n + m;
  const rowSums = new Float64Array(count);
  let total = 0;
  let at = 0;
  for (let i = 1; i < count; i++) {
    for (let j = 0; j < i; j++, at++) {
      rowSums[i]! += kernel[at]!;
      rowSums[j]! += kernel[at]!;
      total += kernel[at]!;
    }
  }
  const members = Uint32Array.from({ length: count }, (_, i) => i);
  const statisticOf = (): number => {
    // Sums over the pairs within the first side give all: what its rows have beside them is with the other side.
    const chosen = members.slice(0, n).sort();
    let within = 0;
    let touching = 0;
    for (let p = 0; p < n; p++) {
      const start = (chosen[p]! * (chosen[p]! - 1)) / 2;
      touching += rowSums[chosen[p]!]!;
      for (let q = 0; q < p; q++) within += kernel[start + chosen[q]!]!;
    }
    const across = touching - 2 * within;
    const others = total - within - across;
    return (2 * within) / (n * (n - 1)) + (2 * others) / (m * (m - 1)) - (2 * across) / (n * m);
  };
  const statistic = statisticOf();
  // The same split can come out a rounding error apart.
  const threshold = statistic - 1e-12;
  let reached = 0;
  for (let resample = 0; resample < resamples; resample++) {
    for (let i = 0; i < n; i++) {
      const other = i + generator.below(count - i);
      const member = members[i]!;
      members[i] = members[other]!;
      members[other] = member;
    }
    if (statisticOf() >= threshold) reached++;
  }
  return { statistic, pValue: (1 + reached) / (1 + resamples) };
}
