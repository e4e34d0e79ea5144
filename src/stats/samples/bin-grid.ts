import { littleEndian } from './double-words.ts';

/** The next larger double of a finite one. */
export function nextUp(value: number): number {
  if (value === 0) return Number.MIN_VALUE;
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  view.setBigInt64(0, view.getBigInt64(0) + (value > 0 ? 1n : -1n));
  return view.getFloat64(0);
}

/** The `q`-quantile of sorted values by linear interpolation between order statistics (type 7 of Hyndman & Fan 1996, the default of R and numpy). */
function quantileSorted(sorted: Float64Array, q: number): number {
  const position = (sorted.length - 1) * q;
  const below = Math.floor(position);
  const a = sorted[below]!;
  const b = sorted[Math.min(below + 1, sorted.length - 1)]!;
  const step = b - a;
  const t = position - below;
  return Number.isFinite(step) ? a + step * t : a * (1 - t) + b * t;
}

/**
 * Edges that cut sorted finite values into `parts` bins of about equal counts, ascending: bin 0 is below the first edge, bin i begins at edge i - 1, which
 * belongs to it. A value that several quantiles fall on gets a bin of its own, so that a pile on it is never mixed with its neighbours.
 */
export function quantileEdges(sorted: Float64Array, parts: number): number[] {
  if (sorted.length === 0) return [];
  const edges: number[] = [];
  // Adding 0 makes -0 the 0 that JSON would make of it.
  const add = (edge: number): void => {
    if (Number.isFinite(edge) && (edges.length === 0 || edge > edges[edges.length - 1]!)) edges.push(edge + 0);
  };
  let previous = NaN;
  for (let k = 1; k < parts; k++) {
    const edge = quantileSorted(sorted, k / parts);
    add(edge);
    if (edge === previous) add(nextUp(edge));
    previous = edge;
  }
  return edges;
}

/** Adds how many of the values, NaN not among them, fall into each bin to `counts`, which has one more place than there are edges. */
export function countInBins(edges: Float64Array, values: Float64Array, counts: Float64Array): void {
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
