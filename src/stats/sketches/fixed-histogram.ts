import { ValidationError } from '../../core/errors.ts';
import { shown } from '../../core/shown.ts';
import { demandList } from '../arguments.ts';
import { StateReader } from '../state-reader.ts';
import { demandSketch } from './demand-sketch.ts';

/** A stored {@link FixedHistogram}. */
export interface FixedHistogramState {
  /** What the state is of. */
  readonly kind: 'fixed-histogram';
  /** The version of its layout. */
  readonly version: 1;
  /** The edges, ascending. */
  readonly edges: readonly number[];
  /** The count of each bin. */
  readonly counts: readonly number[];
  /** Values below the first edge. */
  readonly below: number;
  /** Values above the last edge. */
  readonly above: number;
  /** NaN, and things that are no numbers. */
  readonly nan: number;
}

const mostEdges = 1_000_001;
const tableSize = 2048;
const longestScan = 4;

/**
 * Counts of a stream of numbers in bins that are fixed beforehand: bin i holds edge i ≤ x < edge i + 1, and the last one its right edge too (numpy's rule). What lies below the first or
 * above the last edge is counted apart, -Infinity and Infinity with it, and so is NaN; -0 is 0.
 *
 * Histograms with equal edges merge, exactly associatively and commutatively. Cost: O(1) for each value in bins of like widths (a table of 2048 stretches leads to the bin) and
 * O(log bins) in the worst case, O(bins) for a merge. Throws `ValidationError` unless there are at least two edges, all finite and each above the one before it.
 *
 * @example
 * ```ts
 * import { FixedHistogram } from 'modelkeep/stats';
 *
 * const ages = new FixedHistogram([0, 18, 65, 120]).updateAll([17, 18, 42, 130, NaN]);
 * console.log([...ages.counts], ages.below, ages.above, ages.nan); // [ 1, 2, 0 ] 0 1 1
 * ```
 */
export class FixedHistogram {
  /** The edges, ascending; one more than there are bins. */
  readonly edges: readonly number[];
  readonly #edges: Float64Array;
  /** Before the first bin and behind the last one there is a place each for what lies outside. */
  readonly #counts: Float64Array;
  readonly #starts: Uint32Array;
  readonly #scale: number;
  #nan = 0;

  constructor(edges: ArrayLike<number>) {
    this.#edges = checkedEdges(edges);
    this.edges = Object.freeze(Array.from(this.#edges));
    this.#counts = new Float64Array(this.#edges.length + 1);
    const first = this.#edges[0]!;
    const scale = (tableSize - 1) / (this.#edges.at(-1)! - first);
    // Beyond the doubles, all values lie in one stretch and are searched for.
    this.#scale = scale > 0 && scale < Infinity ? scale : 0;
    this.#starts = startsOf(this.#edges, this.#scale);
  }

  /** Takes in one number. */
  update(value: number): this {
    if (typeof value !== 'number' || value !== value) this.#nan++;
    else this.#counts[this.#placeOf(value)]!++;
    return this;
  }

  /** Takes in all numbers of a list. */
  updateAll(values: ArrayLike<number>): this {
    demandList('values', values);
    const counts = this.#counts;
    const edges = this.#edges;
    const starts = this.#starts;
    const scale = this.#scale;
    const first = edges[0]!;
    const last = edges[edges.length - 1]!;
    for (let i = 0; i < values.length; i++) {
      const value = values[i]!;
      if (typeof value === 'number' && value >= first && value < last) {
        const stretch = scale === 0 ? 0 : ((value - first) * scale) | 0;
        let place = starts[stretch]!;
        if (starts[stretch + 1]! - place > longestScan) place = this.#placeOf(value);
        else while (value >= edges[place]!) place++;
        counts[place]!++;
      } else this.update(value);
    }
    return this;
  }

  /** Takes in what another histogram has counted; the other one stays as it is. Throws `ValidationError` where the edges differ. */
  merge(other: FixedHistogram): this {
    demandSketch('FixedHistogram', other instanceof FixedHistogram, other);
    const theirs = other.#edges;
    const own = this.#edges;
    if (own.length !== theirs.length) {
      throw new ValidationError(`A FixedHistogram with ${own.length} edges cannot take in one with ${theirs.length}; make both with the same edges.`, { path: 'edges' });
    }
    const at = own.findIndex((edge, i) => edge !== theirs[i]);
    if (at >= 0) throw new ValidationError(`edges[${at}] is ${own[at]} here and ${theirs[at]} there; histograms merge when their edges are equal.`, { path: `edges[${at}]` });
    for (let i = 0; i < this.#counts.length; i++) this.#counts[i]! += other.#counts[i]!;
    this.#nan += other.#nan;
    return this;
  }

  /** How many numbers it has seen, those outside included and NaN not. */
  get count(): number {
    let total = 0;
    for (let i = 0; i < this.#counts.length; i++) total += this.#counts[i]!;
    return total;
  }

  /** The count of each bin; a copy. */
  get counts(): Float64Array {
    return this.#counts.slice(1, -1);
  }

  /** How many numbers lay below the first edge. */
  get below(): number {
    return this.#counts[0]!;
  }

  /** How many numbers lay above the last edge. */
  get above(): number {
    return this.#counts.at(-1)!;
  }

  /** How many NaN, and things that are no numbers, it has seen. */
  get nan(): number {
    return this.#nan;
  }

  /** The whole state as a plain object that survives JSON. */
  toJSON(): FixedHistogramState {
    return { kind: 'fixed-histogram', version: 1, edges: this.edges, counts: Array.from(this.counts), below: this.below, above: this.above, nan: this.#nan };
  }

  /** Goes on from a stored state as if it had never been stored. Throws `ValidationError` naming the field that is not what `toJSON` gives. */
  static fromJSON(state: unknown): FixedHistogram {
    const reader: StateReader = new StateReader(state, 'fixed-histogram');
    const histogram = new FixedHistogram(reader.list('edges', mostEdges) as readonly number[]);
    histogram.#counts.set(reader.counts('counts', mostEdges, histogram.#edges.length - 1), 1);
    histogram.#counts[0] = reader.whole('below');
    histogram.#counts[histogram.#counts.length - 1] = reader.whole('above');
    histogram.#nan = reader.whole('nan');
    if (!Number.isSafeInteger(histogram.count)) reader.refuse('counts', 'must have a sum below 2^53', null);
    return histogram;
  }

  /** How many edges are at most as large; the last edge belongs to the last bin. */
  #placeOf(value: number): number {
    const edges = this.#edges;
    const last = edges.length - 1;
    if (value < edges[0]!) return 0;
    if (value >= edges[last]!) return value === edges[last]! ? last : last + 1;
    const stretch = this.#scale === 0 ? 0 : ((value - edges[0]!) * this.#scale) | 0;
    let low = this.#starts[stretch]!;
    let high = this.#starts[stretch + 1]!;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (value >= edges[middle]!) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function checkedEdges(edges: ArrayLike<number>): Float64Array {
  demandList('edges', edges);
  if (!(edges.length >= 2 && edges.length <= mostEdges)) {
    throw new ValidationError(`edges must be a list of 2 to ${mostEdges} numbers; it takes two to make a bin.`, { path: 'edges' });
  }
  const checked = new Float64Array(edges.length);
  for (let i = 0; i < checked.length; i++) {
    const edge = edges[i]!;
    if (typeof edge !== 'number' || !Number.isFinite(edge)) throw new ValidationError(`edges[${i}] is ${shown(edge, 60)}; an edge is a finite number.`, { path: `edges[${i}]` });
    if (i > 0 && !(edge > checked[i - 1]!)) throw new ValidationError(`edges[${i}] is ${edge}, not above the one before it; sort the edges and drop repeated ones.`, { path: `edges[${i}]` });
    checked[i] = edge + 0;
  }
  return checked;
}

/** For each stretch how many edges lie in those before it, found by the arithmetic that finds a value's stretch, so that rounding cannot misplace one. */
function startsOf(edges: Float64Array, scale: number): Uint32Array {
  const starts = new Uint32Array(tableSize + 1);
  for (let i = 0; i < edges.length; i++) {
    const stretch = scale === 0 ? 0 : ((edges[i]! - edges[0]!) * scale) | 0;
    starts[stretch + 1]!++;
  }
  for (let stretch = 0; stretch < tableSize; stretch++) starts[stretch + 1]! += starts[stretch]!;
  return starts;
}
