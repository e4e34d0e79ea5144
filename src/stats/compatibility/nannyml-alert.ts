import { countCategories, type BinnedColumn, type Column, type ColumnKind } from './column.ts';
import type { DriftScore } from './drift-score.ts';
import { binnedByReference } from './nannyml-bins.ts';
import { nannyml } from './nannyml.ts';

/** Into how many chunks NannyML cuts a reference where nothing else is said; what does not fill a chunk makes one more. */
const defaultChunks = 10;

/** A metric of NannyML, and the bins that it was counted in. */
interface NannymlMetric {
  readonly distance: (reference: Column, chunk: Column, kind: ColumnKind) => number;
  readonly bins: (reference: Column, chunk: Column, kind: ColumnKind) => BinnedColumn | undefined;
}

/** The metrics that are reproduced, by NannyML's names. */
export type NannymlMetricName = 'jensen_shannon' | 'hellinger' | 'l_infinity';

const metrics: Readonly<Record<NannymlMetricName, NannymlMetric>> = {
  jensen_shannon: { distance: (reference, chunk, kind) => nannyml.jensenShannon(reference, chunk, { kind }), bins: binnedByReference },
  hellinger: { distance: (reference, chunk, kind) => nannyml.hellinger(reference, chunk, { kind }), bins: binnedByReference },
  l_infinity: { distance: (reference, chunk) => nannyml.lInfinity(reference, chunk), bins: categoriesOf },
};

/** The names of all of them. */
export const nannymlMetricNames: readonly NannymlMetricName[] = Object.keys(metrics) as NannymlMetricName[];

function categoriesOf(reference: Column, chunk: Column): BinnedColumn | undefined {
  const counts = countCategories(reference, chunk);
  return counts.n === 0 || counts.m === 0 ? undefined : counts;
}

/**
 * NannyML's verdict on one chunk with its defaults: the metric against the reference, held against the mean and three standard deviations of the same metric over ten chunks of the reference in the
 * order of its rows, at most 1, the upper end alone. The threshold is NaN, and there is no drift, where the reference has fewer than ten rows, of which NannyML makes no chunks.
 */
export function nannymlAlert(name: NannymlMetricName, reference: Column, chunk: Column, kind: ColumnKind): DriftScore {
  const { distance, bins } = metrics[name];
  const size = Math.floor(reference.length / defaultChunks);
  const inReference: number[] = [];
  for (let from = 0; size > 0 && from < reference.length; from += size) inReference.push(distance(reference, partOf(reference, from, from + size), kind));
  const threshold = Math.min(1, nannyml.standardDeviationThreshold(inReference).upper);
  const score = distance(reference, chunk, kind);
  const binned = bins(reference, chunk, kind);
  return { score, threshold, drift: nannyml.alert(score, { upper: threshold }), driftIf: '>', ...(binned && { bins: binned.reference.length, binRule: binned.rule }) };
}

function partOf(column: Column, from: number, to: number): Column {
  return column instanceof Float64Array ? column.subarray(from, to) : Array.prototype.slice.call(column, from, to);
}
