import { ascendingOrder } from '../../stats/samples/ascending-order.ts';
import { positiveFlags, type Label } from '../../stats/metrics/label.ts';
import { probabilityAt } from '../../stats/metrics/probability.ts';
import { wilsonInterval } from '../../stats/tests/wilson-interval.ts';

/** Rows with similar probabilities. */
export interface CalibrationBin {
  readonly n: number;
  /** Mean probability. */
  readonly mean: number;
  /** Share of positive rows. */
  readonly share: number;
  /** The 95 % interval of the share. */
  readonly low: number;
  readonly high: number;
}

const z95 = 1.959963984540054;

/** Bins of equally many rows in the order of their probabilities, as `expectedCalibrationError` has them. Rows with a missing label or a NaN probability are left out. */
export function calibrationBins(labels: ArrayLike<Label>, probabilities: ArrayLike<number>, bins: number, positive: Label | undefined): CalibrationBin[] {
  const flags = positiveFlags('labels', labels, positive);
  const rows = Array.from(flags, (flag, i) => ({ hit: flag, p: probabilityAt('probabilities', probabilities, i) })).filter(({ hit, p }) => hit >= 0 && !Number.isNaN(p));
  const order = ascendingOrder(Float64Array.from(rows, ({ p }) => p));
  const parts = Math.min(bins, rows.length);
  return Array.from({ length: parts }, (_, bin) => {
    const members = Array.from(order.subarray(Math.floor((bin * rows.length) / parts), Math.floor(((bin + 1) * rows.length) / parts)), (i) => rows[i]!);
    const n = members.length;
    const hits = members.reduce((sum, { hit }) => sum + hit, 0);
    return { n, mean: members.reduce((sum, { p }) => sum + p, 0) / n, share: hits / n, ...wilsonInterval(hits, n, z95) };
  });
}
