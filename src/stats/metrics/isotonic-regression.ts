import { ValidationError } from '../../core/errors.ts';
import { shown } from '../../core/shown.ts';
import { demandFlag, demandList, demandOptions, demandSameLength } from '../arguments.ts';
import { ascendingOrder } from '../samples/ascending-order.ts';
import { StateReader } from '../state-reader.ts';
import { demandWeights, type WeightOptions } from './weights.ts';

/** How {@link isotonicRegression} fits. */
export interface IsotonicRegressionOptions extends WeightOptions {
  /** Whether the fit never falls, or never rises. @default true */
  increasing?: boolean | undefined;
}

/** An {@link IsotonicFit} as plain JSON. */
export interface IsotonicFitState {
  /** Which state this is. */
  readonly kind: 'isotonic-fit';
  /** The version of its layout. */
  readonly version: 1;
  /** Where the knots are, ascending. */
  readonly x: readonly number[];
  /** The value at each knot, ascending or descending. */
  readonly y: readonly number[];
}

/**
 * A monotone function through knots: straight between two of them, constant beyond the first and the last.
 *
 * @example
 * ```ts
 * import { IsotonicFit } from 'modelkeep/stats';
 *
 * const fit = new IsotonicFit([0.2, 0.8], [0.1, 0.7]);
 * console.log(fit.predict(0.5), fit.predict(1)); // 0.4, 0.7
 * ```
 */
export class IsotonicFit {
  /** Where the knots are, ascending; empty when there was nothing to fit. */
  readonly x: readonly number[];
  /** The value at each knot, never falling or never rising. */
  readonly y: readonly number[];

  /** Throws `ValidationError` unless the knots are finite, `x` ascends and `y` is monotone. */
  constructor(x: readonly number[], y: readonly number[]) {
    demandSameLength('x', x, 'y', y);
    const rises = Number.isFinite(y[0]) && Number.isFinite(y[y.length - 1]) && y[y.length - 1]! >= y[0]!;
    for (let i = 0; i < x.length; i++) {
      if (!Number.isFinite(x[i]) || (i > 0 && !(x[i]! > x[i - 1]!))) {
        throw new ValidationError(`x[${i}] is ${shown(x[i], 60)}; knots are finite and ascending.`, { path: `x[${i}]` });
      }
      if (!Number.isFinite(y[i]) || (i > 0 && (rises ? y[i]! < y[i - 1]! : y[i]! > y[i - 1]!))) {
        throw new ValidationError(`y[${i}] is ${shown(y[i], 60)}; values at knots are finite and monotone.`, { path: `y[${i}]` });
      }
    }
    this.x = x;
    this.y = y;
  }

  /** The value at a number; NaN at NaN, or when there is no knot. O(log knots). */
  predict(value: number): number {
    const { x, y } = this;
    if (x.length === 0 || typeof value !== 'number' || Number.isNaN(value)) return NaN;
    let low = 0;
    let high = x.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (x[middle]! <= value) low = middle + 1;
      else high = middle;
    }
    if (low === 0) return y[0]!;
    if (low === x.length) return y[low - 1]!;
    const left = y[low - 1]!;
    const right = y[low]!;
    const gap = x[low]! - x[low - 1]!;
    // Halves only where the gap itself would overflow: they would lose the last bit of the smallest numbers.
    const share = gap < Infinity ? (value - x[low - 1]!) / gap : (value / 2 - x[low - 1]! / 2) / (x[low]! / 2 - x[low - 1]! / 2);
    return Math.min(Math.max(left, right), Math.max(Math.min(left, right), left * (1 - share) + right * share));
  }

  /** The value at each of many numbers. */
  predictAll(values: ArrayLike<number>): Float64Array {
    demandList('values', values);
    return Float64Array.from(values, (value) => this.predict(value));
  }

  /** Plain JSON that {@link IsotonicFit.fromJSON} takes. */
  toJSON(): IsotonicFitState {
    return { kind: 'isotonic-fit', version: 1, x: this.x, y: this.y };
  }

  /** The fit that was stored; throws `ValidationError` when the state is none. */
  static fromJSON(state: unknown): IsotonicFit {
    const reader = new StateReader(state, 'isotonic-fit');
    return new IsotonicFit(reader.numbers('x', 0, Infinity), reader.numbers('y', 0, Infinity));
  }
}

/**
 * The monotone function nearest to the points by (weighted) least squares, found by pooling adjacent violators (Barlow, Bartholomew, Bremner & Brunk 1972).
 * Fitted to a model's scores and the labels as 0 and 1 it calibrates the scores: `predict(score)` is then a probability.
 *
 * Points of equal x are averaged first; between knots the fit is straight, outside it is that of the nearest knot (scikit-learn's `out_of_bounds='clip'`).
 * Inner points of a flat stretch are no knots. Points with a NaN or an infinite coordinate, or of weight 0, are left out; without any point the fit predicts
 * NaN. O(n).
 *
 * Throws `ValidationError` when the lists differ in length or a weight is negative.
 *
 * @example
 * ```ts
 * import { isotonicRegression } from 'modelkeep/stats';
 *
 * const calibration = isotonicRegression([0.1, 0.2, 0.3, 0.4], [0, 1, 0, 1]);
 * console.log(calibration.predict(0.25)); // 0.5
 * const stored = JSON.stringify(calibration);
 * console.log(stored); // {"kind":"isotonic-fit","version":1,"x":[0.1,0.2,0.3,0.4],"y":[0,0.5,0.5,1]}
 * ```
 */
export function isotonicRegression(x: ArrayLike<number>, y: ArrayLike<number>, options: IsotonicRegressionOptions = {}): IsotonicFit {
  const { weights, increasing = true } = demandOptions(options);
  demandFlag('increasing', increasing);
  demandSameLength('x', x, 'y', y);
  demandWeights(weights, 'x', x);
  const points = distinctPoints(x, y, weights, increasing ? 1 : -1);
  const size = points.x.length;
  // Blocks lie on a stack: where each begins, its mean and its weight.
  const starts = new Uint32Array(size);
  const means = new Float64Array(size);
  const masses = new Float64Array(size);
  let blocks = 0;
  for (let i = 0; i < size; i++) {
    let mean = points.y[i]!;
    let mass = points.weight[i]!;
    let start = i;
    while (blocks > 0 && means[blocks - 1]! >= mean) {
      blocks--;
      const all = masses[blocks]! + mass;
      mean = (means[blocks]! * masses[blocks]! + mean * mass) / all;
      mass = all;
      start = starts[blocks]!;
    }
    starts[blocks] = start;
    means[blocks] = mean;
    masses[blocks++] = mass;
  }
  const knots: { x: number[]; y: number[] } = { x: [], y: [] };
  for (let block = 0; block < blocks; block++) {
    const first = starts[block]!;
    const last = (block + 1 < blocks ? starts[block + 1]! : size) - 1;
    for (const at of first === last ? [first] : [first, last]) {
      knots.x.push(points.x[at]!);
      knots.y.push((increasing ? 1 : -1) * means[block]! + 0);
    }
  }
  return new IsotonicFit(knots.x, knots.y);
}

/** The points by ascending x, those of equal x as one of their mean and their weight; y times `sign`. */
function distinctPoints(
  x: ArrayLike<number>,
  y: ArrayLike<number>,
  weights: ArrayLike<number> | undefined,
  sign: number,
): { x: Float64Array; y: Float64Array; weight: Float64Array } {
  const rows = new Uint32Array(x.length);
  let n = 0;
  for (let i = 0; i < x.length; i++) if (Number.isFinite(x[i]) && Number.isFinite(y[i]) && (weights === undefined || weights[i]! > 0)) rows[n++] = i;
  const kept = Float64Array.from(rows.subarray(0, n), (i) => x[i]! + 0);
  const order = ascendingOrder(kept);
  const points = { x: new Float64Array(n), y: new Float64Array(n), weight: new Float64Array(n) };
  let size = 0;
  for (let start = 0; start < n; ) {
    let sum = 0;
    let mass = 0;
    let end = start;
    for (; end < n && kept[order[end]!] === kept[order[start]!]; end++) {
      const row = rows[order[end]!]!;
      const weight = weights === undefined ? 1 : weights[row]!;
      sum += weight * sign * y[row]!;
      mass += weight;
    }
    points.x[size] = kept[order[start]!]!;
    points.y[size] = sum / mass;
    points.weight[size++] = mass;
    start = end;
  }
  return { x: points.x.subarray(0, size), y: points.y.subarray(0, size), weight: points.weight.subarray(0, size) };
}
