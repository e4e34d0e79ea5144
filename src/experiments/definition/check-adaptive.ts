import { ValidationError } from '../../core/errors.ts';
import type { AdaptivePlan, MetricOptions, UnitMetricOptions } from '../experiment-definition.ts';
import type { AdaptiveOptions } from './definition-options.ts';
import { positiveMs } from './names.ts';

const shortestMs = 60_000;
const usualFloor = 0.1;

/** The metric that the weights of an adaptive test go by: its first primary one. Throws `ValidationError` where there is none, or none that has a number per unit. */
export function adaptiveMetric(metrics: readonly MetricOptions[]): UnitMetricOptions {
  const metric = metrics.find(({ role }) => role === 'primary');
  const path = 'options.adaptive';
  if (metric === undefined) throw new ValidationError(`${path} has weights that follow from what units come to, and no metric has the role primary to go by.`, { path });
  if (metric.kind === 'ratio' || metric.kind === 'quantile') throw new ValidationError(`${path} goes by the first primary metric, '${metric.name}', which is a ${metric.kind}; make that a proportion, a mean or a count, of which each unit has a number.`, { path });
  return metric;
}

/** Checks how a test changes its weights, and gives it as it is stored. */
export function checkAdaptive(adaptive: boolean | AdaptiveOptions, metrics: readonly MetricOptions[], weights: readonly number[]): boolean | AdaptivePlan {
  if (typeof adaptive === 'boolean') return adaptive;
  const { every, method = 'thompson', floor = Math.min(usualFloor, 0.5 / weights.length) } = adaptive;
  if (positiveMs(every, 'options.adaptive.every') < shortestMs) throw new ValidationError(`options.adaptive.every is ${every}; give a minute or more, for each change of weights is stored and told to all processes.`, { path: 'options.adaptive.every' });
  if (floor > 1 / weights.length) throw new ValidationError(`options.adaptive.floor is ${floor}; each of ${weights.length} variants can have at most 1 / ${weights.length}.`, { path: 'options.adaptive.floor' });
  checkFloor(weights, floor);
  const metric = adaptiveMetric(metrics);
  if (method === 'ucb' && metric.kind !== 'proportion' && rangeOf(metric) === undefined) {
    throw new ValidationError(`options.adaptive.method is 'ucb', which wants values within a known range, and the metric '${metric.name}' has none; give it winsorize: { lower: { value }, upper: { value } }, or take 'thompson'.`, { path: 'options.adaptive.method' });
  }
  return { every, method, floor };
}

/** Refuses weights that give a variant less than the floor of an adaptive test. */
export function checkFloor(weights: readonly number[], floor: number): void {
  const all = weights.reduce((sum, weight) => sum + weight, 0);
  const least = Math.min(...weights) / all;
  // What rounding takes away is not meant.
  if (least < floor * (1 - 1e-9)) throw new ValidationError(`The weights give a variant a share of ${least}, and the floor of this adaptive test is ${floor}.`, { path: 'weights' });
}

/** Between which values those of a metric lie for sure. */
export function rangeOf({ kind, winsorize }: UnitMetricOptions): readonly [low: number, high: number] | undefined {
  if (kind === 'proportion') return [0, 1];
  const { lower, upper } = winsorize ?? {};
  // Nothing happens less than never.
  const low = lower !== undefined && 'value' in lower ? lower.value : kind === 'count' ? 0 : undefined;
  return low !== undefined && upper !== undefined && 'value' in upper && upper.value > low ? [low, upper.value] : undefined;
}
