import { countCategories, type BinnedColumn, type Column, type ColumnKind } from './column.ts';
import type { MethodRules, NannymlMethod } from './comparison-method.ts';
import type { DriftScore } from './drift-score.ts';
import { methodRules, type ScoreColumns } from './method-rules.ts';
import { binnedByReference } from './nannyml-bins.ts';
import { nannyml } from './nannyml.ts';

/** Into how many chunks NannyML cuts a reference where nothing else is said; what does not fill a chunk makes one more. */
const defaultChunks = 10;

/** A metric of NannyML, and the bins that it was counted in. */
interface NannymlMetric {
  readonly distance: (reference: Column, chunk: Column, kind: ColumnKind) => number;
  readonly bins: (reference: Column, chunk: Column, kind: ColumnKind) => BinnedColumn | undefined;
}

const metrics: Readonly<Record<NannymlMethod, ScoreColumns>> = {
  jensen_shannon: /* @__PURE__ */ alertRule({ distance: (reference, chunk, kind) => nannyml.jensenShannon(reference, chunk, { kind }), bins: binnedByReference }),
  hellinger: /* @__PURE__ */ alertRule({ distance: (reference, chunk, kind) => nannyml.hellinger(reference, chunk, { kind }), bins: binnedByReference }),
  l_infinity: /* @__PURE__ */ alertRule({ distance: (reference, chunk) => nannyml.lInfinity(reference, chunk), bins: categoriesOf }),
};

/**
 * The metrics of {@link nannyml} by NannyML's own names, for the option `rules` of `compareData`: `jensen_shannon`, `hellinger` and `l_infinity`. The current side is one chunk, held against the mean and three
 * standard deviations of the same metric over ten chunks of the reference in the order of its rows, at most 1, the upper end alone. There is no threshold where the reference has fewer than ten rows, of which
 * NannyML makes no chunks.
 *
 * @example
 * ```ts
 * import { compareData } from 'modelkeep';
 * import { nannymlRules } from 'modelkeep/stats';
 *
 * const before = { origin: Array.from({ length: 1000 }, (_, i) => 'ABC'[i % 3]) };
 * const after = { origin: before.origin.map((origin) => (origin === 'A' ? 'D' : origin)) };
 * const report = compareData(before, after, { methods: { origin: 'nannyml:jensen_shannon' }, rules: [nannymlRules] });
 * console.log(report.columns[0]?.score?.drift); // true
 * ```
 */
export const nannymlRules: MethodRules = /* @__PURE__ */ methodRules('nannyml', metrics);

function categoriesOf(reference: Column, chunk: Column): BinnedColumn | undefined {
  const counts = countCategories(reference, chunk);
  return counts.n === 0 || counts.m === 0 ? undefined : counts;
}

function alertRule({ distance, bins }: NannymlMetric): ScoreColumns {
  return (reference, chunk, kind): DriftScore => {
    const size = Math.floor(reference.length / defaultChunks);
    const inReference: number[] = [];
    for (let from = 0; size > 0 && from < reference.length; from += size) inReference.push(distance(reference, partOf(reference, from, from + size), kind));
    const threshold = Math.min(1, nannyml.standardDeviationThreshold(inReference).upper);
    const score = distance(reference, chunk, kind);
    const binned = bins(reference, chunk, kind);
    return { score, threshold, drift: nannyml.alert(score, { upper: threshold }), driftIf: '>', ...(binned && { bins: binned.reference.length, binRule: binned.rule }) };
  };
}

function partOf(column: Column, from: number, to: number): Column {
  return column instanceof Float64Array ? column.subarray(from, to) : Array.prototype.slice.call(column, from, to);
}
