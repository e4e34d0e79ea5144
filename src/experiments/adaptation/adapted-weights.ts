import type { MeanArm, ProportionArm } from '../../stats/experiments/arm-summary.ts';
import { banditWeights } from '../../stats/experiments/bandit-weights.ts';
import { upperConfidenceBounds } from '../../stats/experiments/upper-confidence-bounds.ts';
import { alikeArms } from '../analysis/allocation-epochs.ts';
import { readyMetric } from '../analysis/metric-arms.ts';
import { rangeOf } from '../definition/check-adaptive.ts';
import type { AdaptivePlan, UnitMetricOptions } from '../experiment-definition.ts';
import type { UnitTable } from '../unit-table.ts';

/** What the weights of an adaptive test go by. */
export interface AdaptationParts {
  readonly variants: readonly string[];
  readonly metric: UnitMetricOptions;
  readonly plan: AdaptivePlan;
}

/** Weights that follow from what units came to, and what these came to. */
export interface AdaptedWeights {
  readonly weights: readonly number[];
  readonly evidence: AdaptationEvidence;
}

/** What weights were chosen by, as it is kept in the history. */
export interface AdaptationEvidence {
  readonly method: AdaptivePlan['method'];
  readonly metric: string;
  readonly floor: number;
  /** Each variant: its units, the mean that it was judged by, and how probably it is the best (`thompson`) or how good it may well be (`ucb`). */
  readonly arms: readonly { readonly variant: string; readonly units: number; readonly value: number; readonly chanceToBeBest?: number; readonly bound?: number }[];
}

type Arms = readonly (ProportionArm | MeanArm)[];

// With fewer units in an arm nothing is changed.
const minPerArm = 100;

/**
 * The weights that the units of a table speak for, by means in which each of the weights that units came by counts by how many came by them in all arms, so that what is different between times is not taken for a difference between variants. `undefined` while an arm has
 * fewer than 100 units, or does not vary.
 */
export function adaptedWeights({ variants, metric, plan }: AdaptationParts, table: UnitTable): AdaptedWeights | undefined {
  const { method, floor } = plan;
  const arms = readyMetric(metric, table.metrics[metric.name]!, table.allocation).armsBy({ of: Int32Array.from(table.variant), groups: variants.length });
  const alike = alikeArms(arms);
  if (typeof alike === 'string' || arms.some(({ units }) => units < minPerArm)) return undefined;
  const summaries = alike.arms as Arms;
  const lowerIsBetter = metric.goal === 'decrease';
  const told = variants.map((variant, v) => ({ variant, units: arms[v]!.units, value: valueOf(summaries[v]!) }));
  if (method === 'thompson') {
    const { status, weights, chanceToBeBest } = banditWeights(summaries, { floor, lowerIsBetter, topTwo: false, minPerArm: 2 });
    if (status === 'insufficient') return undefined;
    return { weights: weights.map((weight) => Math.max(floor, weight)), evidence: { method, metric: metric.name, floor, arms: told.map((arm, v) => ({ ...arm, chanceToBeBest: chanceToBeBest[v]! })) } };
  }
  const range = rangeOf(metric)!;
  const { next, bounds } = upperConfidenceBounds(summaries.map((arm) => within(arm, range)), { lowerIsBetter, range });
  return { weights: variants.map((_, v) => (v === next ? 1 - (variants.length - 1) * floor : floor)), evidence: { method, metric: metric.name, floor, arms: told.map((arm, v) => ({ ...arm, bound: bounds[v]! })) } };
}

function valueOf(arm: ProportionArm | MeanArm): number {
  return (arm.kind === 'proportion' ? arm.successes : arm.sum) / arm.n;
}

/** An arm whose mean does not lie outside of the range by rounding. */
function within(arm: ProportionArm | MeanArm, [low, high]: readonly [number, number]): ProportionArm | MeanArm {
  return arm.kind === 'proportion' ? arm : { ...arm, sum: Math.min(Math.max(arm.sum, arm.n * low), arm.n * high) };
}
