import { ValidationError } from '../../core/errors.ts';
import { shown } from '../../core/shown.ts';
import { noncentralChiSquaredInterval } from '../../stats/effects/noncentral-chi-squared.ts';
import { spearmanCorrelation } from '../../stats/effects/spearman-correlation.ts';
import { holm } from '../../stats/tests/holm.ts';
import type { RunRecord } from '../run-record.ts';
import { paramColumn, paramNames } from './param-value.ts';
import { rankVariance } from './rank-variance.ts';

/** How far one param explains a metric. */
export interface ParamImportance {
  /** Name of the param. */
  readonly param: string;
  /** `spearman` for a numeric param: its rank correlation. `kruskal-wallis` for categories: how far they divide the ranks of the metric. */
  readonly measure: 'spearman' | 'kruskal-wallis';
  /**
   * What params are sorted by, 0 to 1: the root of the share of the ranks' variance that the param explains beyond what chance gives one with as many levels,
   * √(((n - 1) · share - df) / (n - 1 - df)), with share ρ² and 1 degree of freedom, or η² and one less than the levels.
   */
  readonly strength: number;
  /** Spearman's ρ, -1 to 1, or η of the ranks, 0 to 1, before chance is taken off. */
  readonly coefficient: number;
  /** Lower end of the interval for the coefficient. */
  readonly low: number;
  /** Upper end of the interval. */
  readonly high: number;
  /** Of the hypothesis that the param does not matter, for this param alone. */
  readonly pValue: number;
  /** The same after Holm (1979), among all params judged here. */
  readonly adjustedPValue: number;
  /** Runs that took part: they have the param and a number for the metric. */
  readonly n: number;
  /** Different values of the param in them. */
  readonly levels: number;
  /** Why the figures should not be relied upon; absent where nothing speaks against it. */
  readonly caution?: string | undefined;
}

/** Which params explain a metric. */
export interface MetricImportance {
  /** Name of the metric. */
  readonly metric: string;
  /** Runs with a number for the metric. */
  readonly n: number;
  /** Runs without one: NaN, or never logged. */
  readonly leftOut: number;
  /** The params that could be judged, the strongest first. */
  readonly params: readonly ParamImportance[];
  /** The params that could not be judged, and why. */
  readonly notJudged: readonly UnjudgedParam[];
}

/** A param about which runs say nothing. */
export interface UnjudgedParam {
  /** Name of the param. */
  readonly param: string;
  /** Why it cannot be judged. */
  readonly reason: string;
}

/** How sure the intervals are. */
export interface ParamImportanceOptions {
  /** How often an interval covers the coefficient, above 0 and below 1. @default 0.95 */
  confidence?: number | undefined;
}

const enoughRuns = 10;
const enoughPerLevel = 3;

/**
 * Which params explain the latest values of a metric over runs, one param at a time. Numeric params are judged by Spearman's rank correlation with its interval
 * and test (see `spearmanCorrelation`), categories by the analysis of variance of the metric's ranks: η² = H / (n - 1) with H of Kruskal & Wallis (1952), the test
 * of Conover & Iman (1981), and an interval from the noncentral χ² law of H (as Smithson 2003 has it for tables), rough when η is large. A NaN and a missing value
 * take no part, ±Infinity are the smallest and largest values.
 *
 * It describes the runs there are: a param that was changed together with another takes credit for it, one whose best value lies in the middle shows little, and a
 * search that followed the metric has chosen its runs by it. Fewer than 10 runs, or levels with fewer than 3 on average, are said in `caution`.
 *
 * Throws `ValidationError` for a confidence that is none. Costs O(params · n log n).
 *
 * @example
 * ```ts
 * import { MemoryStorage, paramImportance, Tracker } from 'modelkeep';
 *
 * const tracker = new Tracker({ storage: new MemoryStorage() });
 * const runs = [];
 * for (let i = 0; i < 12; i++) {
 *   const run = await tracker.startRun({ experiment: 'demo', params: { depth: i, optimizer: i % 2 ? 'sgd' : 'adam' } });
 *   run.logMetrics({ loss: 1 / (i + 1) });
 *   runs.push(await run.end());
 * }
 * const [first] = paramImportance(runs, 'loss').params;
 * console.log(first?.param, first?.coefficient, first?.n); // depth -1 12
 * ```
 */
export function paramImportance(runs: readonly RunRecord[], metric: string, options: ParamImportanceOptions = {}): MetricImportance {
  const { confidence = 0.95 } = options;
  if (!(confidence > 0 && confidence < 1)) throw new ValidationError(`confidence is ${shown(confidence, 80)}; give a number above 0 and below 1.`, { path: 'confidence' });
  const taking = runs.filter((run) => Object.hasOwn(run.metrics, metric) && !Number.isNaN(run.metrics[metric]!.value));
  const judged: Omit<ParamImportance, 'adjustedPValue'>[] = [];
  const notJudged: UnjudgedParam[] = [];
  for (const param of paramNames(runs)) {
    const result = judge(taking, param, metric, confidence);
    if ('reason' in result) notJudged.push(result);
    else judged.push(result);
  }
  const adjusted = holm(judged.map(({ pValue }) => pValue));
  const params = judged.map((each, i) => ({ ...each, adjustedPValue: adjusted[i]! }));
  params.sort((a, b) => b.strength - a.strength || a.pValue - b.pValue || (a.param < b.param ? -1 : 1));
  return { metric, n: taking.length, leftOut: runs.length - taking.length, params, notJudged };
}

function judge(runs: readonly RunRecord[], param: string, metric: string, confidence: number): Omit<ParamImportance, 'adjustedPValue'> | UnjudgedParam {
  const having = runs.filter(({ params }) => Object.hasOwn(params, param));
  const column = paramColumn(having, param);
  const rows = having.flatMap((run, i) => (column.kind === 'number' && Number.isNaN(column.values[i]) ? [] : [{ value: column.values[i]!, metric: run.metrics[metric]!.value }]));
  const n = rows.length;
  const levels = new Set(rows.map(({ value }) => value)).size;
  if (n < 3) return { param, reason: `${n} of the runs have both the param and the metric; at least 3 are needed.` };
  if (levels < 2) return { param, reason: `It is the same in all ${n} runs.` };
  if (column.kind === 'category' && levels === n) return { param, reason: 'It is another category in every run, so nothing can be told from it.' };
  const values = Float64Array.from(rows, (row) => row.metric);
  if (values.every((value) => value === values[0])) return { param, reason: `The metric is the same in all ${n} runs.` };
  const shared = { param, n, levels, ...cautionFor(n, column.kind === 'category' ? levels : 1) };
  if (column.kind === 'number') {
    const { statistic, low, high, pValue } = spearmanCorrelation(rows.map(({ value }) => Number(value)), values, { confidence });
    return { ...shared, measure: 'spearman', coefficient: statistic, low, high, pValue, strength: strengthOf(statistic * statistic, 1, n) };
  }
  const { statistic, share, pValue } = rankVariance(values, rows.map(({ value }) => String(value)));
  const interval = noncentralChiSquaredInterval(statistic, levels - 1, confidence);
  const [low, high] = [interval.low, interval.high].map((lambda) => Math.min(1, Math.sqrt(lambda / (n - 1)))) as [number, number];
  return { ...shared, measure: 'kruskal-wallis', coefficient: Math.sqrt(share), low, high, pValue, strength: strengthOf(share, levels - 1, n) };
}

function strengthOf(share: number, df: number, n: number): number {
  const left = n - 1 - df;
  return left <= 0 ? 0 : Math.sqrt(Math.max(0, Math.min(1, ((n - 1) * share - df) / left)));
}

function cautionFor(n: number, levels: number): { caution?: string } {
  if (n < enoughRuns) return { caution: `${n} runs are few: at least ${enoughRuns} are needed to rely on a rank correlation.` };
  if (n < enoughPerLevel * levels) return { caution: `${levels} levels in ${n} runs are many: at least ${enoughPerLevel} runs for each are needed.` };
  return {};
}
