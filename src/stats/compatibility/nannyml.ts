import { demandNotNegative, demandNumber, demandOptions } from '../arguments.ts';
import { hellingerDistance } from '../distances/hellinger-distance.ts';
import { jensenShannonDistance } from '../distances/jensen-shannon-distance.ts';
import { lInfinity } from '../distances/l-infinity.ts';
import { finiteValues } from '../samples/finite-values.ts';
import { safeScale, sampleMoments } from '../samples/sample-moments.ts';
import { countCategories, demandColumns, type Column, type ColumnKind } from './column.ts';
import { binnedByReference } from './nannyml-bins.ts';

/** How a column is read. */
export interface NannymlOptions {
  /** Whether the values are numbers or categories. @default 'num' where all that is there is numbers */
  kind?: ColumnKind | undefined;
}

/** The band that a metric is expected in. */
export interface AlertThreshold {
  /** An alert below this; NaN where there was nothing to take it from. */
  readonly lower: number;
  /** An alert above this; NaN where there was nothing to take it from. */
  readonly upper: number;
}

/** The functions of {@link nannyml}. */
export interface Nannyml {
  /** `jensen_shannon`, its default: the distance in bits, 0 to 1, over NannyML's bins. */
  readonly jensenShannon: (reference: Column, chunk: Column, options?: NannymlOptions) => number;
  /** `hellinger`: the distance, 0 to 1, over NannyML's bins. */
  readonly hellinger: (reference: Column, chunk: Column, options?: NannymlOptions) => number;
  /** `l_infinity`: the largest change of a category's share, 0 to 1. */
  readonly lInfinity: (reference: Column, chunk: Column) => number;
  /**
   * The band of mean ± `multiplier` standard deviations (3 unless told, with n) of a metric over the chunks of the reference. NannyML takes only the upper end for drift. From ten chunks of the reference, which is NannyML's
   * default, it is exceeded by chance in 5 to 6 % of all chunks, not in the 0.13 % of three standard deviations.
   */
  readonly standardDeviationThreshold: (values: ArrayLike<number>, multiplier?: number) => AlertThreshold;
  /** Whether a value is outside of a band, strictly; never for NaN. */
  readonly alert: (value: number, threshold: Partial<AlertThreshold>) => boolean;
}

/**
 * The univariate drift metrics of NannyML as they are published (0.13.1, commit 4c86ee3), with its bins and its thresholds, so that numbers can be compared while a team migrates. For decisions take `compareData` of `modelkeep` or
 * the functions of the same names outside of this object.
 *
 * Bins: numbers in bins of equal width by Doane's rule over the reference, categories by value; what a chunk has outside of the reference's bins or values makes one more. Missing values (`null`, NaN) and ±Infinity are
 * left out. A distance to or from an empty side is NaN. Each costs a pass or two. Left out are its Kolmogorov–Smirnov and Wasserstein metrics (for references of fewer than 10,000 rows they are the statistic of
 * {@link ksTest} and {@link wassersteinDistance}) and χ² ({@link chiSquareTest}).
 *
 * Throws `ValidationError` for an unknown kind and a multiplier that is negative or no number.
 *
 * @example
 * ```ts
 * import { nannyml } from 'modelkeep/stats';
 *
 * const reference = Array.from({ length: 1000 }, (_, i) => (i * 37) % 101);
 * const inReference = [0, 1, 2, 3, 4].map((chunk) => nannyml.jensenShannon(reference, reference.slice(chunk * 200, chunk * 200 + 200)));
 * const { upper } = nannyml.standardDeviationThreshold(inReference, 3);
 * const chunk = reference.slice(0, 200).map((value) => value + 10);
 * console.log(nannyml.alert(nannyml.jensenShannon(reference, chunk), { upper })); // true
 * ```
 */
export const nannyml: Nannyml = {
  jensenShannon(reference, chunk, options = {}) {
    demandOptions(options);
    demandColumns(reference, chunk, 'chunk');
    const bins = binnedByReference(reference, chunk, options.kind);
    return bins === undefined ? NaN : jensenShannonDistance(bins.reference, bins.current, { base: 2 });
  },
  hellinger(reference, chunk, options = {}) {
    demandOptions(options);
    demandColumns(reference, chunk, 'chunk');
    const bins = binnedByReference(reference, chunk, options.kind);
    return bins === undefined ? NaN : hellingerDistance(bins.reference, bins.current);
  },
  lInfinity(reference, chunk) {
    demandColumns(reference, chunk, 'chunk');
    const counts = countCategories(reference, chunk);
    return counts.n === 0 || counts.m === 0 ? NaN : lInfinity(counts.reference, counts.current);
  },
  standardDeviationThreshold,
  alert(value, threshold) {
    const { lower = -Infinity, upper = Infinity } = demandOptions(threshold, 'threshold');
    demandNumber('value', value);
    demandNumber('lower', lower);
    demandNumber('upper', upper);
    return value < lower || value > upper;
  },
};

function standardDeviationThreshold(values: ArrayLike<number>, multiplier = 3): AlertThreshold {
  demandNotNegative('multiplier', multiplier);
  const finite = finiteValues(values, 'values').values;
  const scale = safeScale(finite);
  const { n, mean, squares } = sampleMoments(finite, scale);
  const reach = n === 0 ? NaN : multiplier * Math.sqrt(squares / n);
  return { lower: (mean - reach) / scale, upper: (mean + reach) / scale };
}
