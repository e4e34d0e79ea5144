import { demandLevel, demandOptions, demandSameLength, demandCounts, demandWhole } from '../arguments.ts';
import { chiSquareGoodnessOfFit } from '../tests/chi-square-goodness-of-fit.ts';

/** When {@link sampleRatioTest} calls a mismatch. */
export interface SampleRatioOptions {
  /** At which p-value the shares count as wrong. @default 0.001 */
  alpha?: number | undefined;
  /** With fewer units for each arm, on average, nothing is called. @default 8 */
  minPerArm?: number | undefined;
}

/** Whether the arms of an experiment have the shares that they should have. */
export interface SampleRatioResult {
  /** `mismatch`: the experiment is not to be trusted; `insufficient`: too few units to tell, or no arm that has a weight. */
  readonly status: 'held' | 'mismatch' | 'insufficient';
  /** The p-value of Pearson's chi-squared test of the shares. */
  readonly pValue: number;
  /** The statistic. */
  readonly statistic: number;
  /** Units in arms of weight 0, where none should be. */
  readonly unexpected: number;
  /** The arm that is the furthest off, by its place; -1 where no arm has a weight. */
  readonly worst: number;
}

/**
 * Whether units came to the arms of an experiment in the shares that they were assigned by: the sample-ratio check. A mismatch says that something between assignment and counting loses units of one arm (a redirect, a crash, a filter), and then
 * no other figure of the experiment means what it says.
 *
 * Pearson's chi-squared test over the arms of a weight above 0; weights are brought to a sum of 1. Meant to be looked at often, so the default alpha is small; it is no sequential test. Costs O(arms).
 *
 * @throws ValidationError for lists of different lengths, counts or weights that are negative or not finite, and options out of range.
 *
 * @example
 * ```ts
 * import { sampleRatioTest } from 'modelkeep/stats';
 *
 * console.log(sampleRatioTest([50_000, 50_300], [0.5, 0.5]).status); // held
 * console.log(sampleRatioTest([50_000, 51_200], [0.5, 0.5]).status); // mismatch
 * ```
 */
export function sampleRatioTest(counts: ArrayLike<number>, weights: ArrayLike<number>, options: SampleRatioOptions = {}): SampleRatioResult {
  const { alpha = 0.001, minPerArm = 8 } = demandOptions(options);
  demandLevel('alpha', alpha);
  demandWhole('minPerArm', minPerArm);
  demandSameLength('counts', counts, 'weights', weights);
  const all = demandCounts('counts', counts);
  const allWeights = demandCounts('weights', weights);
  const arms = Array.from(counts, (count, i) => ({ i, count, weight: weights[i]! })).filter(({ weight }) => weight > 0);
  const total = arms.reduce((sum, { count }) => sum + count, 0);
  const offBy = ({ count, weight }: { count: number; weight: number }): number => Math.abs(count - (total * weight) / allWeights) / Math.sqrt(Math.max((total * weight) / allWeights, Number.MIN_VALUE));
  const worst = arms.reduce((most, arm) => (most === undefined || offBy(arm) > offBy(most) ? arm : most), arms[0]);
  const found = { unexpected: all - total, worst: worst?.i ?? -1 };
  const { statistic, pValue } = chiSquareGoodnessOfFit(arms.map(({ count }) => count), arms.map(({ weight }) => weight));
  if (arms.length === 0 || total < minPerArm * arms.length) return { status: 'insufficient', pValue, statistic, ...found };
  return { status: pValue < alpha ? 'mismatch' : 'held', pValue, statistic, ...found };
}
