import { ValidationError } from '../../core/errors.ts';
import { shown } from '../../core/shown.ts';
import type { BestMetrics } from '../extreme-metric.ts';
import type { MetricPoint } from '../latest-metric.ts';
import type { RunRecord } from '../run-record.ts';
import type { MetricDirection } from './metric-direction.ts';

/** The run that is best by one metric. */
export interface BestRun {
  /** The run. */
  readonly run: RunRecord;
  /** The point that it is best by. */
  readonly point: MetricPoint;
  /** How many runs had a number to compare. */
  readonly compared: number;
  /** How many runs were left out because the metric is NaN there or was never logged. */
  readonly leftOut: number;
}

/** By which value of the metric runs are compared. */
export interface BestRunOptions {
  /** The extremes of each run's metrics by the id of the run; each run then counts by its best value, not by its latest. @default the latest values count */
  best?: ReadonlyMap<string, BestMetrics> | undefined;
}

/**
 * The run with the least or the greatest value of a metric; `undefined` when none has a number. NaN and missing values are never best, ±Infinity are values like
 * others. Of runs that are equally good, the one that started first is taken, then the one with the lesser id.
 *
 * Throws `ValidationError` for a direction that is none.
 *
 * @example
 * ```ts
 * import { bestRun, MemoryStorage, Tracker } from 'modelkeep';
 *
 * const tracker = new Tracker({ storage: new MemoryStorage() });
 * const runs = [];
 * for (const [name, loss] of [['a', 0.3], ['b', 0.2], ['c', NaN]] as const) {
 *   const run = await tracker.startRun({ experiment: 'demo', name });
 *   run.logMetrics({ loss });
 *   runs.push(await run.end());
 * }
 * const best = bestRun(runs, 'loss', 'min');
 * console.log(best?.run.name, best?.point.value, best?.leftOut); // b 0.2 1
 * ```
 */
export function bestRun(runs: Iterable<RunRecord>, metric: string, direction: MetricDirection, options: BestRunOptions = {}): BestRun | undefined {
  if (direction !== 'min' && direction !== 'max') throw new ValidationError(`direction is ${shown(direction, 80)}; give 'min' or 'max'.`, { path: 'direction' });
  let best: { run: RunRecord; point: MetricPoint } | undefined;
  let compared = 0;
  let leftOut = 0;
  for (const run of runs) {
    const extremes = options.best?.get(run.id);
    const point = options.best ? (extremes && Object.hasOwn(extremes, metric) ? extremes[metric]?.[direction] : undefined) : latestOf(run, metric);
    if (point === undefined || Number.isNaN(point.value)) {
      leftOut++;
      continue;
    }
    compared++;
    if (best === undefined || isBetter(run, point.value, best, direction)) best = { run, point };
  }
  return best && { ...best, compared, leftOut };
}

function latestOf({ metrics }: RunRecord, metric: string): MetricPoint | undefined {
  return Object.hasOwn(metrics, metric) ? metrics[metric] : undefined;
}

function isBetter(run: RunRecord, value: number, best: { run: RunRecord; point: MetricPoint }, direction: MetricDirection): boolean {
  if (value !== best.point.value) return direction === 'min' ? value < best.point.value : value > best.point.value;
  if (run.startedAt !== best.run.startedAt) return run.startedAt < best.run.startedAt;
  return run.id < best.run.id;
}
