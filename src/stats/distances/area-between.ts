import { cellEdges, countInCells, valuesOfCells } from '../samples/sample-grid.ts';
import { sortDoubles } from '../samples/sort-doubles.ts';
import type { SortedSample } from '../samples/sorted-sample.ts';

/** From here on values are so large that whole counts times them might overflow. */
const large = 1e280;

/** How much larger than the area what is added and taken off for it may be: three digits less than a double has, at most. */
const mostCancelled = 1000;

/** ∫ |F - G| of two samples in order without infinite values; NaN when one is empty. No branch depends on the order in which the samples take turns, which cannot be foretold. */
export function areaBetweenSorted(x: Float64Array, y: Float64Array): number {
  const n = x.length;
  const m = y.length;
  if (n === 0 || m === 0) return NaN;
  const unit = Math.max(-x[0]!, -y[0]!, x[n - 1]!, y[m - 1]!) < large ? 1 : 1 / (n * m);
  let area = 0;
  let i = 0;
  let j = 0;
  let before = Math.min(x[0]!, y[0]!);
  while (i < n && j < m) {
    const a = x[i]!;
    const b = y[j]!;
    const value = a < b ? a : b;
    area += Math.abs(i * m - j * n) * unit * (value - before);
    before = value;
    i += +(a <= b);
    j += +(b <= a);
  }
  for (; i < n; i++) {
    area += (n - i) * m * unit * (x[i]! - before);
    before = x[i]!;
  }
  for (; j < m; j++) {
    area += (m - j) * n * unit * (y[j]! - before);
    before = y[j]!;
  }
  return unit === 1 ? area / (n * m) : area;
}

/**
 * The same area for a sample that was sorted before and one that was not, without sorting that: where neither function can overtake the other within a cell of the grid, the integral over the cell is one of counts and sums alone;
 * only the values of the other cells are sorted. `undefined` when those are too many to be worth it, when values are infinite, or when so much would cancel that digits were lost.
 */
export function areaOnGrid(reference: SortedSample, values: Float64Array): number | undefined {
  const { grid, sorted } = reference;
  if (grid === undefined) return undefined;
  const { origin, starts } = grid;
  const { cells, counts, dropped } = countInCells(grid, values);
  const n = sorted.length;
  const m = values.length - dropped;
  const last = counts.length - 1;
  const infinite = counts[1]! + counts[last - 1]! + starts[2]! - starts[1]! + starts[last]! - starts[last - 1]!;
  if (m === 0 || infinite > 0) return undefined;
  const open = new Uint8Array(counts.length);
  let gathered = 0;
  for (let cell = 2, ahead = 0; cell < last - 1; cell++) {
    const gain = (starts[cell + 1]! - starts[cell]!) * m;
    const loss = counts[cell]! * n;
    if (ahead - loss < 0 && ahead + gain > 0) {
      open[cell] = 1;
      gathered += counts[cell]!;
    }
    ahead += gain - loss;
  }
  if (gathered > m / 4) return undefined;
  const edges = cellEdges(grid);
  const sums = sumsAboveEdges(values, cells, origin, edges);
  const inOpen = sortDoubles(valuesOfCells(values, cells, open, gathered));
  const heightOf = (i: number, j: number): number => (i * m - j * n) / (n * m);
  let area = 0;
  let moved = 0;
  for (let cell = 2, i = 0, j = 0, next = 0; cell < last - 1; cell++) {
    const from = edges[cell]!;
    const to = edges[cell + 1]!;
    const endOfX = starts[cell + 1]!;
    const endOfY = j + counts[cell]!;
    if (open[cell] === 1) {
      let before = from;
      while (i < endOfX || j < endOfY) {
        const fromX = j >= endOfY || (i < endOfX && sorted[i]! <= inOpen[next]!);
        const distance = (fromX ? sorted[i]! : inOpen[next]!) - origin;
        area += Math.abs(heightOf(i, j)) * (distance - before);
        before = distance;
        if (fromX) {
          i++;
        } else {
          j++;
          next++;
        }
      }
      area += Math.abs(heightOf(i, j)) * (to - before);
    } else if (i !== 0 || j !== 0 || endOfX !== 0 || endOfY !== 0) {
      let sum = 0;
      for (; i < endOfX; i++) sum += sorted[i]! - origin - from;
      j = endOfY;
      const height = heightOf(i, j);
      area += Math.abs(height * (to - from) - sum / n + sums[cell]! / m);
      moved += sum / n + sums[cell]! / m;
    }
    if (i === n && j === m) break;
  }
  return area < Infinity && moved <= mostCancelled * area ? area : undefined;
}

/** For each cell, by how much its values lie above its edge, all in all. */
function sumsAboveEdges(values: Float64Array, cells: Uint16Array, origin: number, edges: Float64Array): Float64Array {
  const sums = new Float64Array(edges.length);
  for (let i = 0; i < values.length; i++) {
    const cell = cells[i]!;
    sums[cell]! += values[i]! - origin - edges[cell]!;
  }
  return sums;
}
