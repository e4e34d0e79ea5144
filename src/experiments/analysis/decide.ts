import type { AbDecision, AnalysisLook, GuardrailCheck, MetricAnalysis, MetricComparison, RemainingTime, SampleRatioCheck, VariantCount, VariantStanding } from './ab-analysis.ts';
import type { AnalyzeSettings } from './analyze-options.ts';
import { number, percent, pValue, told } from './words.ts';

/** What is decided by. */
export interface Evidence {
  readonly settings: AnalyzeSettings;
  readonly units: number;
  readonly crossed: number;
  readonly variants: readonly VariantCount[];
  readonly treatments: readonly string[];
  readonly sampleRatio: SampleRatioCheck;
  readonly metrics: readonly MetricAnalysis[];
  /** Units of which the least known primary metric is known. */
  readonly informed: number;
  readonly look?: AnalysisLook | undefined;
  readonly remaining?: RemainingTime | undefined;
}

/**
 * What to do: `invalid` where units cannot be trusted; `ship` the best treatment that is surely better in a primary metric, worse in none, and harms no guardrail (and surely holds those that have a margin); `stop` where all treatments are surely
 * worse, or the plan is at its end; else `keep running`.
 */
export function decide(evidence: Evidence): AbDecision {
  const { metrics, treatments, settings } = evidence;
  const standings = treatments.map((variant): VariantStanding => ({ variant, standing: standingOf(variant, metrics) }));
  const wrong = whyInvalid(evidence);
  if (wrong.length > 0) return { action: 'invalid', reasons: wrong, standings };
  const facts = treatments.flatMap((variant) => factsOf(variant, metrics, settings.confidence));
  const { ended, reason } = planOf(evidence);
  const open: AbDecision = { action: 'keep running', reasons: [...facts, reason], standings, remaining: evidence.remaining };
  if (settings.method === 'fixed' && !ended) return open;
  const better = standings.filter(({ standing }) => standing === 'better').map(({ variant }) => variant);
  if (better.length > 0) {
    const variant = best(better, metrics);
    const choice = better.length > 1 ? [`${variant} has the largest effect of ${better.join(', ')}`] : [];
    return { action: 'ship', variant, reasons: [...factsOf(variant, metrics, settings.confidence), ...choice], standings };
  }
  if (standings.every(({ standing }) => standing === 'worse')) return { action: 'stop', reasons: facts, standings };
  return ended ? { action: 'stop', reasons: [...facts, reason], standings } : open;
}

function whyInvalid({ sampleRatio, variants, crossed, units, settings }: Evidence): readonly string[] {
  const reasons: string[] = [];
  if (sampleRatio.status === 'mismatch') {
    const counts = variants.map(({ variant, units: came, expected }) => `${variant} has ${came} units instead of ${number(Math.round(expected))}`);
    reasons.push(`units did not come in the shares that they were assigned by: ${counts.join(', ')} (${pValue(sampleRatio.pValue)}); something between assignment and recording loses units of one variant`);
  }
  const share = crossed / (crossed + units);
  if (share > settings.maxCrossed) reasons.push(`${crossed} units, ${percent(share)}, were exposed to several variants; at most ${percent(settings.maxCrossed)} may be`);
  return reasons;
}

function comparisonsOf(variant: string, metrics: readonly MetricAnalysis[]): readonly (readonly [MetricAnalysis, MetricComparison])[] {
  return metrics.flatMap((metric) => metric.comparisons.filter((each) => each.variant === variant).map((each) => [metric, each] as const));
}

function standingOf(variant: string, metrics: readonly MetricAnalysis[]): VariantStanding['standing'] {
  const all = comparisonsOf(variant, metrics);
  const primaries = all.filter(([{ role }]) => role === 'primary').map(([, { verdict }]) => verdict);
  const guardrails = all.flatMap(([, { guardrail }]) => guardrail ?? []);
  if (primaries.includes('worse') || guardrails.some(({ status }) => status === 'harmed')) return 'worse';
  if (!primaries.includes('better')) return 'unclear';
  return guardrails.every(({ status, margin }) => status === 'held' || margin === 0) ? 'better' : 'waiting';
}

/** What is to be said of a treatment: its primary metrics, and guardrails that are not simply held. */
function factsOf(variant: string, metrics: readonly MetricAnalysis[], confidence: number): readonly string[] {
  return comparisonsOf(variant, metrics).flatMap(([metric, compared]) => {
    if (metric.role === 'primary') return [`${told(metric, compared, confidence)}: ${verdictOf(compared)}`];
    const { guardrail } = compared;
    if (guardrail === undefined) return [];
    return [`guardrail ${told(metric, compared, confidence)}: ${guardrailWords(guardrail, compared)}`];
  });
}

function guardrailWords({ status, margin, lossAtMost, lossAtLeast }: GuardrailCheck, { reason }: MetricComparison): string {
  const allowed = margin > 0 ? `than the margin of ${percent(margin)} allows` : 'than the control';
  if (status === 'harmed') return `harmed, surely worse by at least ${number(lossAtLeast)} ${allowed}`;
  if (status === 'held') return `held, surely better by at least ${number(-lossAtMost)} ${allowed}`;
  if (reason !== undefined) return `no verdict, ${reason}`;
  return margin > 0 ? `not surely held yet, worse by at most ${number(lossAtMost)} ${allowed}` : 'not harmed as far as is known';
}

function verdictOf({ verdict, reason }: MetricComparison): string {
  if (verdict !== 'unclear') return `surely ${verdict}`;
  return reason === undefined ? 'no difference shown' : `no verdict, ${reason}`;
}

/** Whether the experiment is at its end, and what is to be said of that. */
function planOf({ settings, informed, look, metrics, remaining }: Evidence): { ended: boolean; reason: string } {
  const planned = settings.looks?.units ?? settings.plannedUnits;
  const smallest = metrics.filter(({ role }) => role === 'primary').flatMap(({ metric, comparisons }) => comparisons.flatMap(({ variant, minimumDetectable: least }) => (least === undefined ? [] : [`${metric} of ${variant} ${least.lift === undefined ? number(least.difference) : percent(least.lift)}`])));
  const told = smallest.length === 0 ? '' : ` The least effects that so many units find with a power of ${percent(settings.power)}: ${smallest.join(', ')}.`;
  if (planned === undefined && settings.method === 'fixed') return { ended: true, reason: `The one look that the method fixed is for is taken, at ${informed} units.${told}` };
  if (planned !== undefined && informed >= planned) return { ended: true, reason: `The experiment is at its planned end of ${planned} units, and no treatment may be shipped.${told}` };
  const at = look === undefined ? '' : ` This is look ${look.number}, at ${percent(look.fraction)} of them.`;
  if (planned !== undefined) return { ended: false, reason: `${informed} of ${planned} planned units are there.${at}${inDays(remaining)}` };
  if (!metrics.some(({ role }) => role === 'primary')) return { ended: false, reason: 'No metric has the role primary, so nothing can be shipped.' };
  if (remaining === undefined) return { ended: false, reason: 'How much longer cannot be told yet.' };
  const worthwhile = settings.worthwhile === undefined ? 'the size seen' : percent(settings.worthwhile);
  return { ended: false, reason: `An effect of ${worthwhile} takes about ${number(remaining.units)} more units to be found with a power of ${percent(settings.power)}.${inDays(remaining)}` };
}

function inDays(remaining: RemainingTime | undefined): string {
  return remaining?.days === undefined ? '' : ` At the rate at which units come that is ${number(Math.ceil(remaining.days * 10) / 10)} days more.`;
}

function best(variants: readonly string[], metrics: readonly MetricAnalysis[]): string {
  const primary = metrics.find(({ role, comparisons }) => role === 'primary' && comparisons.some(({ variant, verdict }) => verdict === 'better' && variants.includes(variant)))!;
  const gain = (variant: string): number => (primary.goal === 'increase' ? 1 : -1) * primary.comparisons.find((each) => each.variant === variant)!.difference.effect;
  return variants.reduce((most, variant) => (gain(variant) > gain(most) ? variant : most));
}
