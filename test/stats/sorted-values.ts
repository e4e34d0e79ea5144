import { ksTestSorted, type KsOptions, type KsResult } from '../../src/stats/ks-test.ts';

/** The values without NaN, ascending, in an array of their own. */
export function sortedValues(values: ArrayLike<number>): Float64Array {
  return Float64Array.from(values)
    .filter((value) => !Number.isNaN(value))
    .sort();
}

/** The Kolmogorov–Smirnov test of samples in any order. */
export function ksTest(x: ArrayLike<number>, y: ArrayLike<number>, options: KsOptions = {}): KsResult {
  return ksTestSorted(sortedValues(x), sortedValues(y), options);
}
