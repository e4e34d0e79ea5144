import { ValidationError } from '../../core/errors.ts';
import { shown } from '../../core/shown.ts';
import { numbersOf } from './sorted-sample.ts';
import { demandList, demandOptions, demandWhole } from '../arguments.ts';

/** How many bins of equal width a histogram has: by the rule of Sturges or of Doane, or a number. */
export type HistogramRule = 'sturges' | 'doane' | number;

/** How {@link histogram} cuts its bins. */
export interface HistogramOptions {
  /** The rule, or the number of bins. @default 'sturges' */
  rule?: HistogramRule | undefined;
}

/** What {@link histogram} counted. */
export interface Histogram {
  /** The edges, ascending, one more than there are bins. */
  readonly edges: Float64Array;
  /** How many values are in each bin. */
  readonly counts: Float64Array;
}

/**
 * Counts values in bins of equal width over their range, with numpy's edges (`numpy.histogram`), as {@link histogramEdges} and {@link countInHistogram} do.
 *
 * NaN and ±Infinity are not counted. Equal values are widened by 0.5 on both sides; no values give the edges 0 and 1. Costs O(n).
 *
 * @throws {ValidationError} for an unknown rule or a number of bins that is not a whole number of 1 to 10,000,000.
 *
 * @example
 * ```ts
 * import { histogram } from 'modelkeep/stats';
 *
 * const { edges, counts } = histogram([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], { rule: 3 });
 * console.log([...edges], [...counts]); // [1, 4, 7, 10], [3, 3, 4]
 * ```
 */
export function histogram(values: ArrayLike<number>, options: HistogramOptions = {}): Histogram {
  demandOptions(options);
  const edges = histogramEdges(values, options.rule);
  return { edges, counts: countInHistogram(values, edges) };
}

/**
 * The edges of bins of equal width over the range of the finite values, as numpy has them (`numpy.histogram_bin_edges`). With n values of range R, Sturges (1926) takes
 * ⌈R / h⌉ bins with h = R / (1 + log₂ n), Doane (1976) h = R / (1 + log₂ n + log₂(1 + |g₁| / σ)), where g₁ is the skewness and σ² = 6 (n - 2) / ((n + 1)(n + 3)).
 *
 * NaN and ±Infinity are left out. Equal values are widened by 0.5 on both sides; no values give the edges 0 and 1. Costs O(n).
 *
 * @throws {ValidationError} for an unknown rule or a number of bins that is not a whole number of 1 to 10,000,000.
 *
 * @example
 * ```ts
 * import { countInHistogram, histogramEdges } from 'modelkeep/stats';
 *
 * const reference = [1, 2, 3, 4];
 * const current = [3, 4, 5, 6];
 * const edges = histogramEdges([...reference, ...current], 'sturges');
 * console.log([...countInHistogram(reference, edges)]); // [2, 1, 1, 0]
 * ```
 */
export function histogramEdges(values: ArrayLike<number>, rule: HistogramRule = 'sturges'): Float64Array {
  if (typeof rule === 'number') demandWhole('rule', rule, 1, 10_000_000);
  else if (rule !== 'sturges' && rule !== 'doane') {
    throw new ValidationError(`rule is ${shown(rule, 80)}; it must be 'sturges', 'doane' or a number of bins.`, { path: 'rule' });
  }
  demandList('values', values);
  const { n, min, max } = rangeOf(values);
  const first = n === 0 ? 0 : min === max ? min - 0.5 : min;
  const last = n === 0 ? 1 : min === max ? max + 0.5 : max;
  const bins = typeof rule === 'number' ? rule : min < max ? Math.max(1, binsByRule(values, rule, n, min, max)) : 1;
  const edges = new Float64Array(bins + 1);
  const step = (last - first) / bins;
  for (let k = 0; k < bins; k++) edges[k] = step < Infinity ? k * step + first : first * (1 - k / bins) + last * (k / bins);
  edges[bins] = last;
  return edges;
}

function rangeOf(values: ArrayLike<number>): { n: number; min: number; max: number } {
  let n = 0;
  let min = Infinity;
  let max = -Infinity;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (typeof value !== 'number' || value - value !== 0) continue;
    n++;
    if (value < min) min = value;
    if (value > max) max = value;
  }
  return { n, min, max };
}

function binsByRule(values: ArrayLike<number>, rule: 'sturges' | 'doane', n: number, min: number, max: number): number {
  const logs = rule === 'sturges' ? Math.log2(n) + 1 : n > 2 ? 1 + Math.log2(n) + Math.log2(1 + Math.abs(skewness(values, n, min, max)) / Math.sqrt((6 * (n - 2)) / ((n + 1) * (n + 3)))) : 1;
  const range = max - min;
  // The width is rounded as numpy's is, which decides on the last bin where the logarithm is whole.
  const width = range / logs;
  return Math.ceil(range < Infinity && width > 0 ? range / width : logs);
}

function skewness(values: ArrayLike<number>, n: number, min: number, max: number): number {
  const centre = min / 2 + max / 2;
  const unit = 1 / (max / 2 - min / 2);
  const scale = unit < Infinity ? unit : 1 / Number.MIN_VALUE;
  const place = (i: number): number => {
    const value = values[i]!;
    return typeof value === 'number' && value - value === 0 ? (value - centre) * scale : NaN;
  };
  let sum = 0;
  for (let i = 0; i < values.length; i++) {
    const x = place(i);
    if (x === x) sum += x;
  }
  const mean = sum / n;
  let squares = 0;
  let cubes = 0;
  for (let i = 0; i < values.length; i++) {
    const x = place(i) - mean;
    if (x !== x) continue;
    squares += x * x;
    cubes += x * x * x;
  }
  const found = cubes / n / (squares / n) ** 1.5;
  return Number.isFinite(found) ? found : 0;
}

/**
 * How many of the values fall between each two neighbours of the ascending edges: an edge belongs to the bin on its right, the last one to the last bin (`numpy.histogram`). Values outside and NaN are not
 * counted. Costs O(n) for edges at equal distances.
 *
 * @example
 * ```ts
 * import { countInHistogram } from 'modelkeep/stats';
 *
 * console.log([...countInHistogram([0, 1, 1.5, 2, 3, NaN], [0, 1, 2])]); // [1, 3]
 * ```
 */
export function countInHistogram(values: ArrayLike<number>, edges: ArrayLike<number>): Float64Array {
  demandList('values', values);
  const own = numbersOf(edges, 'edges');
  const bins = Math.max(0, own.length - 1);
  const counts = new Float64Array(bins);
  if (bins === 0) return counts;
  const first = own[0]!;
  const last = own[bins]!;
  const scale = bins / (last - first);
  const usable = scale > 0 && scale < Infinity;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (typeof value !== 'number' || !(value >= first && value <= last)) continue;
    let bin = usable ? Math.min(bins - 1, ((value - first) * scale) | 0) : 0;
    while (bin > 0 && value < own[bin]!) bin--;
    while (bin < bins - 1 && value >= own[bin + 1]!) bin++;
    counts[bin]!++;
  }
  return counts;
}
