import type { ArmSummary, MeanArm, MeanSums, ProportionSums, RatioProducts } from '../../stats/experiments/arm-summary.ts';

/** An arm with all that was measured multiplied; what was before stays as it is. Conversions become means. */
export function scaledArm(arm: ArmSummary, factor: number): ArmSummary {
  if (arm.kind === 'quantile') {
    const [low, high] = [arm.low * factor, arm.high * factor];
    return { ...arm, value: arm.value * factor, low: Math.min(low, high), high: Math.max(low, high) };
  }
  if (arm.kind === 'ratio') {
    const before = arm.before && { ...arm.before, withNumerator: scaledProducts(arm.before.withNumerator, factor) };
    return { ...arm, numerator: scaledSums(arm.numerator, factor), sumOfProducts: arm.sumOfProducts * factor, before };
  }
  const before = arm.before && { ...arm.before, sumOfProducts: arm.before.sumOfProducts * factor };
  return { ...scaledSums(arm, factor), n: arm.n, before } satisfies MeanArm;
}

function scaledSums(sums: ProportionSums | MeanSums, factor: number): MeanSums {
  const [sum, sumSquares] = sums.kind === 'mean' ? [sums.sum, sums.sumSquares] : [sums.successes, sums.successes];
  return { kind: 'mean', sum: sum * factor, sumSquares: sumSquares * factor * factor };
}

function scaledProducts({ numerator, denominator }: RatioProducts, factor: number): RatioProducts {
  return { numerator: numerator * factor, denominator: denominator * factor };
}
