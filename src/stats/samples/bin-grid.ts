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
  const table = values.length < 2 * tableSize ? undefined : lookupTable(edges);
  if (table === undefined) {
    for (let i = 0; i < values.length; i++) counts[binOf(edges, values[i]!)]!++;
    return;
  }
  const { starts, scale } = table;
  const own = new Uint32Array(counts.length);
  const first = edges[0]!;
  const last = edges[edges.length - 1]!;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    let bin: number;
    if (value < first) {
      bin = 0;
    } else if (value >= last) {
      bin = edges.length;
    } else {
      bin = starts[((value - first) * scale) | 0]!;
      while (value >= edges[bin]!) bin++;
    }
    own[bin]!++;
  }
  for (let bin = 0; bin < own.length; bin++) counts[bin]! += own[bin]!;
}

const tableSize = 2048;
const longestScan = 4;

/**
 * For each of many equal stretches between the first and the last edge, the first bin that reaches into it. A number's stretch is found by the same monotone
 * arithmetic as an edge's, so rounding cannot misplace it. `undefined` when the edges are too crowded for that to be quicker than a search.
 */
function lookupTable(edges: Float64Array): { starts: Uint16Array; scale: number } | undefined {
  if (edges.length < 2 || edges.length > 60_000) return undefined;
  const first = edges[0]!;
  const scale = (tableSize - 1) / (edges[edges.length - 1]! - first);
  if (!(scale > 0 && scale < Infinity)) return undefined;
  const starts = new Uint16Array(tableSize);
  let bin = 0;
  for (let stretch = 0; stretch < tableSize; stretch++) {
    starts[stretch] = bin;
    const before = bin;
    while (bin < edges.length && (((edges[bin]! - first) * scale) | 0) <= stretch) bin++;
    if (bin - before > longestScan) return undefined;
  }
  return { starts, scale };
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
