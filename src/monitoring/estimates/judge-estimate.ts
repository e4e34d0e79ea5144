import type { ConfidenceEstimate } from '../../stats/estimation/confidence-estimator.ts';
import type { DirectLossEstimate } from '../../stats/estimation/direct-loss-estimator.ts';
import type { EstimatedMetric } from '../../stats/estimation/estimated-metric.ts';
import type { EstimateWarning } from '../../stats/estimation/estimate-warnings.ts';
import { cellsByVersion, mostVersions } from '../../stats/estimation/version-cells.ts';
import type { JudgedWindow } from '../judging/judge-window.ts';
import type { WindowJudge } from '../judging/judgement.ts';
import type { EstimatedMetricName, EstimateSettings } from './estimate-options.ts';

/** The performance that rows should have, by what the model's inputs and scores tell. */
export interface RowsEstimate {
  /** `violated` when the whole interval is outside the bounds, `held` when it is not, `insufficient` with too few rows or where the metric is not defined. */
  readonly status: 'held' | 'violated' | 'insufficient';
  /** The metric as it is expected; `null` where nothing is known. */
  readonly value: number | null;
  /** The lower end of the interval that should cover what labels would show, as often as the estimator's `confidence` says; `null` where nothing is known. */
  readonly low: number | null;
  /** The upper end of that interval. */
  readonly high: number | null;
  /** Rows that took part. */
  readonly n: number;
  /** Rows that were left out because of a missing score or prediction. */
  readonly dropped: number;
  /** The share of rows unlike all of those that the estimator learnt from, 0 to 1. */
  readonly outside: number;
  /** Why the estimate is to be doubted; none when nothing speaks against it. */
  readonly warnings: readonly EstimateWarning[];
}

/** The performance that a model should have had in a window, without labels. */
export interface EstimateReport extends RowsEstimate {
  /** What is estimated. */
  readonly metric: EstimatedMetricName;
  /** The same for each version of the model, for rows that named one; for the ten that most rows named. */
  readonly versions: Readonly<Record<string, RowsEstimate>>;
}

/** Makes what judges a model by estimates. */
export function estimateJudge(settings: EstimateSettings): WindowJudge<EstimateReport> {
  return {
    judge: (window) => judgeEstimate(window, settings),
    findings({ metric, status, value, low, high, n, warnings }) {
      const figures = `${metric} ${shortly(value)} (${shortly(low)} to ${shortly(high)}, ${n} rows)`;
      const doubt = warnings.length > 0 ? `, to be doubted for ${warnings.join(' and ')},` : '';
      return [{ kind: 'estimate', judged: status !== 'insufficient', found: status === 'violated', columns: [], what: `the estimated performance is out of bounds, ${figures}${doubt}` }];
    },
  };
}

function judgeEstimate({ counts }: JudgedWindow, settings: EstimateSettings): EstimateReport {
  const { metric, estimator, sums } = settings;
  const byVersion = cellsByVersion(counts?.sums[sums] ?? [], estimator.cells);
  const all = new Float64Array(estimator.cells);
  for (const cells of byVersion.values()) cells.forEach((count, cell) => (all[cell]! += count));
  const whole = estimateRows(all, settings);
  const rowsOf = (cells: Float64Array): number => cells.reduce((sum, count) => sum + count, 0);
  const named = [...byVersion].flatMap(([version, cells]) => (version === undefined ? [] : [[version, cells] as const]));
  const shownOnes = named.sort(([, a], [, b]) => rowsOf(b) - rowsOf(a)).slice(0, mostVersions).sort(([a], [b]) => (a < b ? -1 : 1));
  const versions = shownOnes.map(([version, cells]) => [version, byVersion.size === 1 ? whole : estimateRows(cells, settings)] as const);
  return { metric, ...whole, versions: Object.fromEntries(versions) };
}

function estimateRows(cells: Float64Array, { metric, estimator, min, max, place }: EstimateSettings): RowsEstimate {
  const estimate = estimator.estimateCounts(cells);
  const { value, low, high } = metricOf(estimate, metric, place);
  const { n, dropped, outside, warnings } = estimate;
  const status = low === null || high === null ? 'insufficient' : high < min || low > max ? 'violated' : 'held';
  return { status, value, low, high, n, dropped, outside, warnings };
}

const unknown: EstimatedMetric = { value: null, low: null, high: null };

function metricOf(estimate: ConfidenceEstimate | DirectLossEstimate, metric: EstimatedMetricName, place: number | undefined): EstimatedMetric {
  const of = 'classes' in estimate && place !== undefined ? estimate.classes[place] : estimate;
  const name = metric === 'auc' ? 'rocAuc' : metric;
  return (of as unknown as Partial<Record<string, EstimatedMetric>> | undefined)?.[name] ?? unknown;
}

function shortly(value: number | null): string {
  return value === null ? '–' : String(Number(value.toPrecision(4)));
}
