import { demandOneOf, demandOptions, demandSameLength, demandWhole } from '../arguments.ts';
import { ascendingOrder } from '../samples/ascending-order.ts';
import { type Label, positiveFlags } from './label.ts';
import { probabilityAt } from './probability.ts';

/** How {@link expectedCalibrationError} bins. */
export interface CalibrationErrorOptions {
  /** The class that the probabilities are of. @default 1 or true */
  positive?: Label | undefined;
  /** How many bins. @default 10 */
  bins?: number | undefined;
  /** Bins of equally many rows, or of equal width over 0 to 1. @default 'equal-mass' */
  strategy?: 'equal-mass' | 'equal-width' | undefined;
}

/**
 * How far probabilities are from the frequencies that they promise: Σ (rows of the bin / n)·|mean probability - share of positives| over bins of the
 * probabilities, 0 to 1 (Naeini, Cooper & Hauskrecht 2015).
 *
 * Bin b of B has the rows from ⌊b·n/B⌋ to ⌊(b+1)·n/B⌋ in ascending order (`equal-mass`; equal probabilities may be parted and then keep the order they came
 * in), or the probabilities in [b/B, (b+1)/B), 1 in the last (`equal-width`). Biased upwards, by about √(2/(π·n·B))·Σ√(p(1-p)): a perfectly calibrated model
 * has more than 0, so compare at equal n.
 *
 * Rows with a missing label or a NaN probability are left out (filter first to know how many); NaN when none is left. With fewer rows than bins some bins are
 * empty and count nothing. O(n).
 *
 * Throws `ValidationError` when the lists differ in length, a number is no probability (1e-6 outside 0 to 1 is taken for rounding), `bins` is no whole number
 * of at least 1, or the labels are not 0/1, -1/1 or booleans and `positive` does not say what is meant.
 *
 * @example
 * ```ts
 * import { expectedCalibrationError } from 'modelkeep/stats';
 *
 * const labels = [0, 0, 1, 0, 1, 1];
 * const probabilities = [0.1, 0.2, 0.3, 0.6, 0.7, 0.8];
 * console.log(expectedCalibrationError(labels, probabilities, { bins: 2 })); // 0.08333333333333331
 * ```
 */
export function expectedCalibrationError(labels: ArrayLike<Label>, probabilities: ArrayLike<number>, options: CalibrationErrorOptions = {}): number {
  const { positive, bins = 10, strategy = 'equal-mass' } = demandOptions(options);
  demandSameLength('labels', labels, 'probabilities', probabilities);
  demandWhole('bins', bins, 1);
  demandOneOf('strategy', strategy, ['equal-mass', 'equal-width']);
  const flags = positiveFlags('labels', labels, positive);
  const kept = new Float64Array(flags.length);
  const hits = new Uint8Array(flags.length);
  let n = 0;
  for (let i = 0; i < flags.length; i++) {
    const p = probabilityAt('probabilities', probabilities, i);
    if (flags[i]! < 0 || Number.isNaN(p)) continue;
    kept[n] = p;
    hits[n++] = flags[i]!;
  }
  const values = kept.subarray(0, n);
  return (strategy === 'equal-mass' ? excessOfEqualMass(values, hits, bins) : excessOfEqualWidth(values, hits, bins)) / n;
}

function excessOfEqualMass(values: Float64Array, hits: Uint8Array, bins: number): number {
  const n = values.length;
  const order = ascendingOrder(values);
  const parts = Math.min(bins, n);
  let sum = 0;
  for (let bin = 0; bin < parts; bin++) {
    let excess = 0;
    const end = Math.floor(((bin + 1) * n) / parts);
    for (let i = Math.floor((bin * n) / parts); i < end; i++) excess += values[order[i]!]! - hits[order[i]!]!;
    sum += Math.abs(excess);
  }
  return sum;
}

function excessOfEqualWidth(values: Float64Array, hits: Uint8Array, bins: number): number {
  const excess = new Map<number, number>();
  for (let i = 0; i < values.length; i++) {
    let bin = Math.min(bins - 1, Math.floor(values[i]! * bins));
    // The product may be rounded across an edge: 0.29 · 100 is below 29.
    if (bin + 1 < bins && values[i]! >= (bin + 1) / bins) bin++;
    else if (values[i]! < bin / bins) bin--;
    excess.set(bin, (excess.get(bin) ?? 0) + values[i]! - hits[i]!);
  }
  let sum = 0;
  for (const one of excess.values()) sum += Math.abs(one);
  return sum;
}
