import { numbersOf } from './sorted-sample.ts';

/** The finite numbers of a sample, and how many others there were. */
export interface FiniteValues {
  readonly values: Float64Array;
  /** NaN, Infinity, -Infinity and what is no number at all. */
  readonly dropped: number;
}

/** Leaves out what has no place in a mean: NaN, ±Infinity, `null` and everything that is not a number. Makes no copy where all values are finite doubles. */
export function finiteValues(sample: ArrayLike<number>, name = 'sample'): FiniteValues {
  const kept = numbersOf(sample, name);
  let at = 0;
  while (at < kept.length && Number.isFinite(kept[at]!)) at++;
  if (at === kept.length) return { values: kept, dropped: 0 };
  const values = kept.filter((value) => Number.isFinite(value));
  return { values, dropped: kept.length - values.length };
}
