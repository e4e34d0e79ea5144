import { ValidationError } from '../../core/errors.ts';
import { shown } from '../../core/shown.ts';
import { littleEndian } from './double-words.ts';
import { SortedSample, numbersOf, type Sample } from './sorted-sample.ts';

/**
 * How many values of a sample fall into each of the bins that ascending edges make: bin 0 is below the first edge, bin i begins at edge i - 1, which belongs to it, and the last has no end. One count more than there are edges,
 * as {@link psi} and the other distances of counts take them.
 *
 * NaN, and what is no number, is left out; ±Infinity fall into the last and the first bin. Costs one pass whatever the edges are, or O(log n) for each edge where the sample is a {@link SortedSample}.
 *
 * @throws {ValidationError} unless the edges are numbers and each is larger than the one before.
 *
 * @example
 * ```ts
 * import { countInBins } from 'modelkeep/stats';
 *
 * console.log(countInBins([-1, 0, 0.5, 1, 7], [0, 1])); // [1, 2, 2]
 * ```
 */
export function countInBins(sample: Sample, edges: ArrayLike<number>): Float64Array {
  const bounds = numbersOf(edges, 'edges');
  for (let i = 0; i < bounds.length; i++) {
    if (bounds[i] !== bounds[i] || bounds[i]! <= bounds[i - 1]!) throw new ValidationError(`edges[${i}] is ${shown(edges[i])}; edges must be numbers, each larger than the one before.`, { path: 'edges' });
  }
  if (sample instanceof SortedSample) return countSortedInBins(bounds, sample.sorted);
  const numbers = numbersOf(sample);
  let missing = 0;
  for (let i = 0; i < numbers.length; i++) if (numbers[i] !== numbers[i]) missing++;
  const counts = new Float64Array(bounds.length + 1);
  addToBins(bounds, missing === 0 ? numbers : numbers.filter((value) => value === value), counts);
  return counts;
}

/** Adds how many of the values, NaN not among them, fall into each bin to `counts`, which has one more place than there are edges. */
export function addToBins(edges: Float64Array, values: Float64Array, counts: Float64Array): void {
  const table = values.length < fewValues ? undefined : binTable(edges);
  if (table === undefined) {
    for (let i = 0; i < values.length; i++) counts[binOf(edges, values[i]!)]!++;
    return;
  }
  const even = new Uint32Array(counts.length);
  const odd = new Uint32Array(counts.length);
  const distances = new Float64Array(chunkSize);
  const words = new Int32Array(distances.buffer);
  for (let from = 0; from < values.length; from += chunkSize) {
    const part = values.subarray(from, from + chunkSize);
    subtract(part, table.first, distances);
    countChunk(part, words, table, even, odd);
  }
  for (let bin = 0; bin < counts.length; bin++) counts[bin]! += even[bin]! + odd[bin]!;
  if (values.length % 2 === 1) counts[binOf(edges, values[values.length - 1]!)]!++;
}

/** Whether many values are counted without a search for each. */
export function countsQuickly(edges: Float64Array): boolean {
  return binTable(edges) !== undefined;
}

function subtract(values: Float64Array, origin: number, distances: Float64Array): void {
  for (let i = 0; i < values.length; i++) distances[i] = values[i]! - origin;
}

const fewValues = 4096;
const chunkSize = 1024;
const longestScan = 4;

/** Stretches of a table, at most; and powers of two that they go over. */
const mostStretches = 8192;
const mostOctaves = 512;

interface BinTable {
  /** The first edge, from which distances are taken. */
  readonly first: number;
  /** How many bits of the upper word of a distance a stretch is wide. */
  readonly shift: number;
  /** The upper word of the first stretch without those bits. */
  readonly base: number;
  /** For each stretch of distances, the first bin that reaches into it. */
  readonly starts: Uint16Array;
  /** The edges, and one that no number reaches. */
  readonly ends: Float64Array;
  /** How many edges a stretch has at most. */
  readonly scans: number;
}

/**
 * Tells by the first bits of its distance from the first edge which bins a number may be in. An edge's stretch is found as a number's is, so that rounding cannot misplace either. `undefined` when the edges are too crowded for that
 * to be quicker than a search.
 */
function binTable(edges: Float64Array): BinTable | undefined {
  const last = edges.length - 1;
  if (last < 1 || last > 60_000 || !littleEndian()) return undefined;
  const first = edges[0]!;
  const distances = edges.map((edge) => edge - first);
  if (!(distances[last]! < Infinity)) return undefined;
  const words = new Int32Array(distances.buffer);
  // A few powers of two below the nearest edge, what lies under the second edge is no longer mixed with what lies above.
  const octaves = Math.min(mostOctaves, (words[2 * last + 1]! >> 20) - (words[3]! >> 20) + 4);
  const shift = 20 - Math.floor(Math.log2(mostStretches / octaves));
  const top = words[2 * last + 1]! >> shift;
  const base = Math.max(-1, top - (octaves << (20 - shift)));
  const starts = new Uint16Array(top - base + 1);
  let scans = 1;
  for (let stretch = 0, bin = 0; stretch < starts.length; stretch++) {
    starts[stretch] = bin;
    while (bin <= last && stretchOf(words[2 * bin + 1]!, shift, base, starts.length - 1) <= stretch) bin++;
    scans = Math.max(scans, bin - starts[stretch]!);
  }
  if (scans > longestScan) return undefined;
  const ends = new Float64Array(edges.length + 1).fill(NaN);
  ends.set(edges);
  return { first, shift, base, starts, ends, scans };
}

/** The stretch of a distance by its upper word, the first and the last taking what lies beyond; a branch here would be taken by chance. */
function stretchOf(word: number, shift: number, base: number, last: number): number {
  let stretch = (word >> shift) - base;
  stretch &= ~(stretch >> 31);
  const beyond = last - stretch;
  return stretch + (beyond & (beyond >> 31));
}

/** Counts every second value apart: to add to what was only just written takes long. */
function countChunk(values: Float64Array, words: Int32Array, { shift, base, starts, ends, scans }: BinTable, even: Uint32Array, odd: Uint32Array): void {
  const last = starts.length - 1;
  for (let i = 0; i + 1 < values.length; i += 2) {
    let bin = starts[stretchOf(words[2 * i + 1]!, shift, base, last)]!;
    let next = starts[stretchOf(words[2 * i + 3]!, shift, base, last)]!;
    for (let scan = 0; scan < scans; scan++) {
      bin += +(values[i]! >= ends[bin]!);
      next += +(values[i + 1]! >= ends[next]!);
    }
    even[bin]!++;
    odd[next]!++;
  }
}

/** The bin that a number falls into: how many edges are at most as large. */
export function binOf(edges: Float64Array, value: number): number {
  let low = 0;
  let size = edges.length;
  while (size > 0) {
    const half = size >>> 1;
    const right = value >= edges[low + half]!;
    low = right ? low + half + 1 : low;
    size = right ? size - half - 1 : half;
  }
  return low;
}

/** Counts of sorted values without NaN per bin, by looking each edge up. */
export function countSortedInBins(edges: Float64Array, sorted: Float64Array): Float64Array {
  const counts = new Float64Array(edges.length + 1);
  let start = 0;
  for (let e = 0; e < edges.length; e++) {
    const end = firstAtLeast(sorted, edges[e]!, start);
    counts[e] = end - start;
    start = end;
  }
  counts[edges.length] = sorted.length - start;
  return counts;
}

function firstAtLeast(sorted: Float64Array, value: number, from: number): number {
  let low = from;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
