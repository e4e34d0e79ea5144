import type { ArmSummary, MeanArm, MeanSums, ProportionArm, ProportionSums, QuantileArm, RatioArm, RatioSums } from './arm-summary.ts';

/**
 * The measure of an arm as a function of the means of its units. What was measured is adjusted by what was before: the estimate is `value - theta · before`, and all that is asked of it follows from the gradients of
 * both and the covariances of the means (the delta method).
 */
export interface ArmEstimate {
  readonly n: number;
  /** Whether it is a ratio of two means. */
  readonly ratio: boolean;
  readonly value: number;
  readonly before: number;
  /** The variance of one unit, to the first order, of what was measured, of what was before, and their covariance. */
  readonly variance: number;
  readonly varianceBefore: number;
  readonly covariance: number;
}

/** The variance of an arm that is adjusted. */
export function adjustedVariance({ variance, varianceBefore, covariance }: ArmEstimate, theta: number): number {
  return variance + theta * theta * varianceBefore - 2 * theta * covariance;
}

/** What an arm comes to. Its variance is NaN with fewer than two units, or where a ratio or a quantile has none. */
export function estimateArm(arm: ArmSummary): ArmEstimate {
  if (arm.kind === 'quantile') return estimateQuantile(arm);
  return arm.kind === 'ratio' ? estimateRatio(arm) : estimateMean(arm);
}

function estimateMean(arm: ProportionArm | MeanArm): ArmEstimate {
  const { n, before } = arm;
  const own = { n, ratio: false, value: meanOf(arm, n), variance: varianceOf(arm, n) };
  if (before === undefined) return { ...own, before: 0, varianceBefore: 0, covariance: 0 };
  return { ...own, before: meanOf(before.sums, n), varianceBefore: varianceOf(before.sums, n), covariance: covarianceOf(arm, before.sums, before.sumOfProducts, n) };
}

function estimateRatio(arm: RatioArm): ArmEstimate {
  const { n, before } = arm;
  const now = ratioOf(arm, n);
  const own = { n, ratio: true, value: now.value, variance: now.variance };
  if (before === undefined) return { ...own, before: 0, varianceBefore: 0, covariance: 0 };
  const then = ratioOf(before, n);
  const products = { numerator: before.withNumerator, denominator: before.withDenominator };
  let covariance = 0;
  for (const part of ['numerator', 'denominator'] as const) {
    for (const other of ['numerator', 'denominator'] as const) {
      covariance += now.gradient[part] * then.gradient[other] * covarianceOf(arm[part], before[other], products[part][other], n);
    }
  }
  return { ...own, before: then.value, varianceBefore: then.variance, covariance };
}

function ratioOf({ numerator, denominator, sumOfProducts }: RatioSums, n: number): { value: number; variance: number; gradient: { numerator: number; denominator: number } } {
  const [above, below] = [meanOf(numerator, n), meanOf(denominator, n)];
  const gradient = { numerator: 1 / below, denominator: -above / (below * below) };
  const covariance = covarianceOf(numerator, denominator, sumOfProducts, n);
  const variance = gradient.numerator ** 2 * varianceOf(numerator, n) + gradient.denominator ** 2 * varianceOf(denominator, n) + 2 * gradient.numerator * gradient.denominator * covariance;
  return { value: above / below, variance, gradient };
}

// The widths of the intervals are those of a normal law at 95 %.
const widthOf95 = 2 * 1.959_963_984_540_054;
// What is hardly spread at all may still differ between the arms.
const leastVariance = 1e-5;
const manyValues = 100;

function estimateQuantile({ n, probability, value, low, high, sampled = n }: QuantileArm): ArmEstimate {
  const needed = (widthOf95 / 2) ** 2 * Math.max(probability / (1 - probability), (1 - probability) / probability);
  const raw = (sampled / n) * (n - 1) * ((high - low) / widthOf95) ** 2;
  const variance = n <= needed || high === low ? NaN : n >= manyValues ? Math.max(raw, leastVariance) : raw;
  return { n, ratio: false, value, variance, before: 0, varianceBefore: 0, covariance: 0 };
}

function sumOf(sums: ProportionSums | MeanSums): number {
  return sums.kind === 'proportion' ? sums.successes : sums.sum;
}

function meanOf(sums: ProportionSums | MeanSums, n: number): number {
  return sumOf(sums) / n;
}

function varianceOf(sums: ProportionSums | MeanSums, n: number): number {
  if (n < 2) return NaN;
  const mean = meanOf(sums, n);
  return sums.kind === 'proportion' ? mean * (1 - mean) : (sums.sumSquares - sums.sum * mean) / (n - 1);
}

// Zeros and ones have the variance p(1 - p), so their covariance is that of the population as well.
function covarianceOf(a: ProportionSums | MeanSums, b: ProportionSums | MeanSums, sumOfProducts: number, n: number): number {
  if (n < 2) return NaN;
  const product = sumOfProducts - (sumOf(a) * sumOf(b)) / n;
  return product / (a.kind === 'proportion' && b.kind === 'proportion' ? n : n - 1);
}
