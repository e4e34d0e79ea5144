import { ValidationError } from '../../core/errors.ts';
import { adjustedVariance, estimateArm } from '../../stats/experiments/arm-estimate.ts';
import type { Baseline } from '../../stats/experiments/experiment-power.ts';
import { readyMetric } from '../analysis/metric-arms.ts';
import type { MetricOptions } from '../experiment-definition.ts';
import type { UnitTable } from '../unit-table.ts';

/**
 * What units do in a metric, for {@link planExperiment}: their mean and the variance of one, of all variants of a table together, such as that of an earlier experiment. Extremes are taken in as the metric says, and where it is known what units did
 * before, the variance is what CUPED leaves.
 *
 * @throws ValidationError for a metric that the table does not have, and for units that do not vary or are too few.
 *
 * @example
 * ```ts
 * import { baselineOf, planExperiment, type UnitTable } from 'modelkeep';
 *
 * const spent = Float64Array.from({ length: 1000 }, (_, i) => i % 10);
 * const table: UnitTable = { units: 1000, variant: new Uint16Array(1000), exposedAt: new Float64Array(1000), metrics: { spent: { kind: 'mean', value: spent } }, segments: {}, crossed: 0, unknown: 0 };
 * const baseline = baselineOf({ name: 'spent', kind: 'mean' }, table);
 * console.log(baseline.mean, planExperiment({ baseline, lift: 0.1, method: 'fixed' }).units > 1000); // 4.5 true
 * ```
 */
export function baselineOf(metric: MetricOptions, table: UnitTable): Baseline {
  const columns = table.metrics[metric.name];
  const path = `table.metrics.${metric.name}`;
  if (columns === undefined || columns.kind !== metric.kind) throw new ValidationError(`${path} ${columns === undefined ? 'is missing' : `is of the kind ${columns.kind}, and the metric of the kind ${metric.kind}`}.`, { path });
  const { summary } = readyMetric(metric, columns).armsBy({ of: new Int32Array(table.units), groups: 1 })[0]!;
  const estimate = summary && estimateArm(summary);
  const theta = estimate && estimate.varianceBefore > 0 ? estimate.covariance / estimate.varianceBefore : 0;
  // What was before a ratio may be no number, such as nothing below the line.
  const variance = estimate && (theta === 0 || !Number.isFinite(theta) ? estimate.variance : adjustedVariance(estimate, theta));
  if (!(variance! > 0 && variance! < Infinity)) throw new ValidationError(`${path} has units that do not vary, or too few of them, to plan by.`, { path });
  return { mean: estimate!.value, variance };
}
