import type { ArmSummary, MeanArm, MeanSums, ProportionArm, RatioArm } from '../../stats/experiments/arm-summary.ts';
import type { MetricArm } from './metric-arms.ts';
import type { UnitSums } from './unit-sums.ts';

/** An arm of sums that are numbers; without a summary where they are beyond what one can be. */
export function finiteArm(sums: UnitSums, armOf: (sums: UnitSums) => ArmSummary): MetricArm {
  const finite = [...sums.sums, ...sums.products.flat()].every(Number.isFinite);
  return finite ? { units: sums.n, summary: armOf(sums), sums } : { units: sums.n };
}

/** Units of which each converted or did not. */
export function proportionArm({ n, sums, products }: UnitSums): ProportionArm {
  const before = sums.length > 1 ? { sums: { kind: 'proportion', successes: sums[1]! } as const, sumOfProducts: products[0]![1]! } : undefined;
  return { kind: 'proportion', n, successes: sums[0]!, before };
}

/** Units of which each has a number, the first column, and perhaps one before. */
export function meanArm(all: UnitSums): MeanArm {
  const before = all.sums.length > 1 ? { sums: meanSums(all, 1), sumOfProducts: all.products[0]![1]! } : undefined;
  return { ...meanSums(all, 0), n: all.n, before };
}

function meanSums({ sums, products }: UnitSums, i: number): MeanSums {
  return { kind: 'mean', sum: sums[i]!, sumSquares: products[i]![i]! };
}

/** Units of which each has two numbers, and perhaps two before. */
export function ratioArm(all: UnitSums): RatioArm {
  const { products } = all;
  const before = all.sums.length > 2
    ? {
        numerator: meanSums(all, 2),
        denominator: meanSums(all, 3),
        sumOfProducts: products[2]![3]!,
        withNumerator: { numerator: products[0]![2]!, denominator: products[0]![3]! },
        withDenominator: { numerator: products[1]![2]!, denominator: products[1]![3]! },
      }
    : undefined;
  return { kind: 'ratio', n: all.n, numerator: meanSums(all, 0), denominator: meanSums(all, 1), sumOfProducts: products[0]![1]!, before };
}
