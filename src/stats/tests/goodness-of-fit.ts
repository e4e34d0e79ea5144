import { ValidationError } from '../../core/errors.ts';
import { demandCounts, demandFlag, demandOptions, demandSameLength, demandWhole } from '../arguments.ts';
import { demandTotal } from './contingency-table.ts';
import type { TestResult } from './test-result.ts';

/** How a test of goodness of fit takes what is expected. */
export interface GoodnessOfFitOptions {
  /**
   * Whether `expected` says only in which proportions: shares, weights or counts of a reference of any size, which are brought to the total observed. With `false`
   * they are the expected counts themselves, and their sum must be the total observed, to 1e-8 of it. @default true
   */
  rescale?: boolean | undefined;
  /** How many parameters of the expected distribution were estimated from `observed`; each takes one degree of freedom more. @default 0 */
  ddof?: number | undefined;
}

/** What a test of goodness of fit found. */
export interface GoodnessOfFitResult extends TestResult {
  /** Degrees of freedom: categories that are expected or observed, less one, less `ddof`; 0 when there was too little to compare. */
  readonly df: number;
  /** The smallest expected count; under 5 the law of the statistic is unreliable. */
  readonly smallestExpected: number;
}

const nothing = { statistic: 0, df: 0, smallestExpected: 0 };

/** Sums over the categories that are expected or observed; `Infinity` when one was observed that is not expected at all. */
export function sumOfFit(
  observed: ArrayLike<number>,
  expected: ArrayLike<number> | undefined,
  options: GoodnessOfFitOptions,
  part: (observed: number, expected: number) => number,
): { statistic: number; df: number; smallestExpected: number } {
  const { rescale = true, ddof = 0 } = demandOptions(options);
  demandFlag('rescale', rescale);
  demandWhole('ddof', ddof);
  const total = demandCounts('observed', observed);
  if (expected !== undefined) demandSameLength('observed', observed, 'expected', expected);
  const expectedTotal = expected ? demandCounts('expected', expected) : observed.length;
  demandTotal('observed', total);
  demandTotal('expected', expectedTotal);
  if (expected && !rescale && !(Math.abs(expectedTotal - total) <= 1e-8 * total)) {
    throw new ValidationError(
      `The expected counts sum to ${expectedTotal} and the observed ones to ${total}; give counts with the same sum, or leave out rescale: false.`,
      { path: 'expected' },
    );
  }
  if (total === 0 || expectedTotal === 0) return nothing;
  let categories = 0;
  let statistic = 0;
  let smallestExpected = Infinity;
  for (let i = 0; i < observed.length; i++) {
    const count = observed[i]!;
    const weight = expected ? expected[i]! : 1;
    if (weight === 0 && count === 0) continue;
    categories++;
    const mean = expected && !rescale ? weight : (weight * total) / expectedTotal;
    smallestExpected = Math.min(smallestExpected, mean);
    statistic += mean === 0 ? Infinity : part(count, mean);
  }
  const df = categories - 1 - ddof;
  return df < 1 ? nothing : { statistic, df, smallestExpected };
}
