import type { MetricOptions, MetricRole } from '../experiment-definition.ts';
import type { ArmAnalysis, MetricAnalysis, MetricComparison } from './ab-analysis.ts';
import type { AnalyzeSettings } from './analyze-options.ts';
import { beliefOf, detectableOf, type RawComparison } from './compare-metric.ts';
import { correct } from './correct.ts';
import { checkGuardrail } from './guardrail.ts';
import type { Judge } from './judge.ts';
import type { MetricArm, ReadyMetric } from './metric-arms.ts';

/** A metric with its arms and what they come to, before comparisons are corrected. */
export interface Measured {
  readonly metric: MetricOptions;
  readonly role: MetricRole;
  readonly goal: 'increase' | 'decrease';
  readonly ready: ReadyMetric;
  readonly arms: readonly MetricArm[];
}

/** What metrics are analysed with. */
export interface MetricParts {
  readonly variants: readonly string[];
  readonly judge: Judge;
  readonly settings: AnalyzeSettings;
}

/** Corrects the comparisons of the metrics of each role for how many there are. */
export function analyzeMetrics(measured: readonly Measured[], raw: readonly (readonly (RawComparison | undefined)[])[], { variants, judge, settings }: MetricParts): readonly MetricAnalysis[] {
  const adjusted = new Map<RawComparison, { readonly pValue: number; readonly confidence: number }>();
  for (const role of ['primary', 'guardrail', 'secondary'] as const) {
    const family = raw.flatMap((row, m) => (measured[m]!.role === role ? row.filter((each) => each !== undefined) : []));
    const { pValues, confidence } = correct(family.map(({ pValue }) => pValue), settings.correction, settings.confidence);
    family.forEach((each, i) => adjusted.set(each, { pValue: pValues[i]!, confidence }));
  }
  const checks = raw.reduce((sum, row, m) => sum + (measured[m]!.role === 'guardrail' ? row.filter((each) => each !== undefined).length : 0), 0);
  return measured.map(({ metric, role, goal, ready, arms }, m): MetricAnalysis => {
    const comparisons = raw[m]!.flatMap((each, v): readonly MetricComparison[] => {
      if (each === undefined) return [];
      const { pValue, confidence } = adjusted.get(each)!;
      const { low, high } = each.arms === undefined ? each.difference : judge.compare(...each.arms, { effect: 'absolute', confidence, seen: each.seen });
      const { status, reason, difference, standardError, lift, enough, cuped } = each;
      const significant = enough && pValue <= 1 - settings.confidence;
      return [{
        variant: variants[v]!,
        status,
        ...(reason !== undefined && { reason }),
        difference,
        standardError,
        ...(lift && { lift }),
        pValue: each.pValue,
        adjusted: { pValue, confidence, low: Number.isFinite(low) ? low : difference.low, high: Number.isFinite(high) ? high : difference.high },
        verdict: !significant ? 'unclear' : difference.effect > 0 === (goal === 'increase') ? 'better' : 'worse',
        ...(cuped && { cuped }),
        ...optional('belief', beliefOf(each, goal, settings)),
        ...optional('minimumDetectable', detectableOf(each, judge, confidence, settings.power)),
        ...(role === 'guardrail' && { guardrail: checkGuardrail(each, { goal, margin: metric.margin ?? 0, checks }, judge, settings) }),
      }];
    });
    return { metric: metric.name, kind: metric.kind, role, goal, ...optional('winsorized', ready.winsorized), arms: arms.map((arm, v) => armOf(arm, variants[v]!)), comparisons };
  });
}

function optional<K extends string, V>(name: K, value: V | undefined): { readonly [key in K]?: V } {
  return value === undefined ? {} : ({ [name]: value } as { readonly [key in K]?: V });
}

function armOf({ units, summary }: MetricArm, variant: string): ArmAnalysis {
  if (summary === undefined) return { variant, units, value: 0 };
  const value = summary.kind === 'quantile' ? summary.value : summary.kind === 'proportion' ? summary.successes / summary.n : summary.kind === 'mean' ? summary.sum / summary.n : ratioOf(summary.numerator, summary.denominator);
  return { variant, units, value: Number.isFinite(value) ? value : 0 };
}

function ratioOf(above: { readonly kind: string; readonly sum?: number; readonly successes?: number }, below: typeof above): number {
  return (above.sum ?? above.successes ?? 0) / (below.sum ?? below.successes ?? 0);
}
