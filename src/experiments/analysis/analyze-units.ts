import { ValidationError } from '../../core/errors.ts';
import type { UnitTable } from '../unit-table.ts';
import type { AbAnalysis, AnalysisLook, MetricAnalysis } from './ab-analysis.ts';
import { analyzeSettings, type AnalyzedDefinition, type AnalyzeOptions, type AnalyzeSettings } from './analyze-options.ts';
import { checkTable } from './check-table.ts';
import { compareMetric, type RawComparison } from './compare-metric.ts';
import { decide } from './decide.ts';
import { judgeOf } from './judge.ts';
import { analyzeMetrics, type Measured } from './metric-analysis.ts';
import { readyMetric } from './metric-arms.ts';
import { remainingOf } from './remaining.ts';
import { checkSampleRatio, countEpochs, countVariants } from './sample-ratio.ts';
import { analyzeSegments } from './segments.ts';

/**
 * Analyses an experiment: what its units say of each metric, and what to do. A pure function of the table, whose result is plain data without NaN; the order of units does not matter.
 *
 * The difference of each treatment from the control decides, by an interval that may be looked at any time unless `method` says otherwise; the lift, the difference as a share of the control's measure, is told beside it with an interval of its own by the delta
 * method. Proportions, means and counts are compared as means of units, ratios by the delta method, quantiles with the dependence of a unit's events in mind (Deng, Knoblich and Lu 2018). Extremes are taken in by bounds that are the same for all variants, and what
 * units did before their exposure is taken out (CUPED, Deng et al. 2013) where it is known. When no treatment differs from the control in any primary metric, the chance that one is called better or worse in any of them is at most what `confidence` misses to 1, over all looks of the
 * method, with any `correction` but `none`; guardrails have that chance of a false alarm apart. All of this takes the mean of each arm for normal: among few units of very skewed values in arms of very different size it is more.
 *
 * Costs a few passes over each column: 1M units with a few metrics take some tenths of a second.
 *
 * @throws ValidationError for options that are unknown or out of range, and for a table that does not belong to the definition.
 *
 * @example
 * ```ts
 * import { analyzeUnits, type UnitTable } from 'modelkeep';
 *
 * const units = 20_000;
 * const table: UnitTable = {
 *   units,
 *   variant: Uint16Array.from({ length: units }, (_, i) => i % 2),
 *   exposedAt: Float64Array.from({ length: units }, (_, i) => i * 60_000),
 *   metrics: { converted: { kind: 'proportion', value: Float64Array.from({ length: units }, (_, i) => ((i >> 1) % 100 < (i % 2 === 0 ? 10 : 13) ? 1 : 0)) } },
 *   segments: {},
 *   crossed: 0,
 *   unknown: 0,
 * };
 * const { decision, metrics } = analyzeUnits({ variants: [{ name: 'A' }, { name: 'B' }], metrics: [{ name: 'converted', kind: 'proportion', role: 'primary' }] }, table);
 * console.log(decision.action, decision.variant, metrics[0]!.comparisons[0]!.lift!.effect.toFixed(2)); // ship B 0.30
 * ```
 */
export function analyzeUnits(definition: AnalyzedDefinition, table: UnitTable, options: AnalyzeOptions = {}): AbAnalysis {
  const settings = analyzeSettings(options);
  const byVariant = checkTable(definition, table);
  const variants = definition.variants.map(({ name }) => name);
  const control = definition.control === undefined ? 0 : variants.indexOf(definition.control);
  const measured = definition.metrics.map((metric): Measured => {
    const ready = readyMetric(metric, table.metrics[metric.name]!, table.allocation);
    return { metric, role: metric.role ?? 'secondary', goal: metric.goal ?? 'increase', ready, arms: ready.armsBy(byVariant) };
  });
  const informed = informedUnits(measured, table);
  const look = settings.looks && lookOf(informed, settings.looks);
  const judge = judgeOf(settings, [...(settings.looks?.earlier ?? []).map((units) => units / settings.looks!.units), ...(look ? [look.fraction] : [])]);
  const raw = measured.map(({ arms }) => arms.map((arm, v) => (v === control ? undefined : compareMetric(arms[control]!, arm, judge, settings))));
  const metrics = analyzeMetrics(measured, raw, { variants, judge, settings });
  const counts = countVariants(definition, countEpochs(definition, byVariant.of, table.allocation, settings));
  const sampleRatio = checkSampleRatio(counts, settings);
  const { decidedAt, primaries } = primariesOf(metrics, raw, settings.confidence);
  const decision = decide({
    settings, units: table.units, crossed: table.crossed, variants: counts, treatments: variants.filter((_, v) => v !== control), sampleRatio, metrics, informed, look,
    remaining: remainingOf(table, informed, primaries, judge, decidedAt, settings),
  });
  const segments = analyzeSegments({ table, byVariant, variants, control, metrics: measured.map(({ metric, goal, ready }) => ({ name: metric.name, goal, ready })), judge, settings });
  const { method, confidence, correction } = settings;
  return { method, confidence, correction, control: variants[control]!, units: table.units, crossed: table.crossed, unknown: table.unknown, variants: counts, sampleRatio, ...(look && { look }), metrics, segments, decision };
}

/** Units of which the least known primary metric is known; of quantiles, and without a primary metric, all. */
function informedUnits(measured: readonly Measured[], table: UnitTable): number {
  const known = measured.filter(({ role, metric }) => role === 'primary' && metric.kind !== 'quantile').map(({ arms }) => arms.reduce((sum, { units }) => sum + units, 0));
  return Math.min(table.units, ...known);
}

/** Which of the planned looks this is; none while nothing is known of a primary metric, such as before the first window has passed: nothing is spent then. */
function lookOf(units: number, { units: planned, earlier = [] }: NonNullable<AnalyzeSettings['looks']>): AnalysisLook | undefined {
  if (units === 0 && earlier.length === 0) return undefined;
  const last = earlier.at(-1) ?? 0;
  if (units <= last) throw new ValidationError(`options.looks.earlier ends with a look at ${last} units, and now there are ${units}; a further look wants more of them.`, { path: 'options.looks.earlier' });
  return { number: earlier.length + 1, units, fraction: Math.min(1, units / planned) };
}

function primariesOf(metrics: readonly MetricAnalysis[], raw: readonly (readonly (RawComparison | undefined)[])[], confidence: number): { decidedAt: number; primaries: readonly RawComparison[] } {
  const primaries = raw.flatMap((row, m) => (metrics[m]!.role === 'primary' ? row.filter((each) => each !== undefined) : []));
  return { decidedAt: metrics.find(({ role }) => role === 'primary')?.comparisons[0]?.adjusted.confidence ?? confidence, primaries };
}
