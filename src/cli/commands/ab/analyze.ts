import type { AbAnalysis, AnalysisLook, AnalysisMethod, AnalyzeTestOptions, EffectInterval, MetricComparison, PlannedLooks } from '../../../index.ts';
import { defineCommand, type Command } from '../../command.ts';
import { exitCodes } from '../../exit-code.ts';
import { library } from '../../library.ts';
import { numberText } from '../../output/formats.ts';
import type { TextPage } from '../../output/page.ts';
import { printable } from '../../output/printable.ts';
import { titled } from '../../output/sections.ts';
import { table } from '../../output/table.ts';
import { UsageError } from '../../usage-error.ts';
import { chance, wholeNumber } from '../../value-rules.ts';

export const abAnalyze: Command = defineCommand({
  path: ['ab', 'analyze'],
  summary: 'Analyze an A/B test: effects with their intervals, the sample ratio, and what to do; exit 3 when the test is invalid or a guardrail is harmed.',
  options: {
    method: { type: 'text', value: 'METHOD', choices: ['sequential', 'fixed', 'group-sequential'], description: 'Whether intervals hold at every look, at one that was planned, or at a few that were.', otherwise: 'sequential' },
    'planned-units': { type: 'number', value: 'N', rule: wholeNumber(1), path: 'options.plannedUnits', description: 'The units, of all variants, at which the test ends as planned; group-sequential needs it.', otherwise: 'without end' },
    earlier: { type: 'texts', value: 'N', rule: wholeNumber(1), path: 'options.looks.earlier', description: 'Of group-sequential: the units at a look before this one, as it told them.' },
    spending: { type: 'text', value: 'HOW', choices: ['obrien-fleming', 'pocock'], description: 'Of group-sequential: how chances of a false call are spent over the looks, most at the end or evenly.', otherwise: 'obrien-fleming' },
    confidence: { type: 'number', value: 'P', rule: chance, description: 'The confidence of the intervals.', otherwise: '0.95' },
    segment: { type: 'texts', value: 'ATTRIBUTE', path: 'options.segments', description: 'Also by the values of this attribute.' },
  },
  positionals: [{ name: 'TEST', description: 'The name of a test.' }],
  examples: [
    { command: 'ab analyze delay-model', does: 'What is known by now, and what to do.' },
    { command: 'ab analyze delay-model --method group-sequential --planned-units 1000 --earlier 200', does: 'The second look of a plan that ends at 1,000 units; the first was at 200.' },
  ],
  async run({ options, positionals: [name = ''], storage, out, signal }) {
    const plan = planOf(options);
    const { ABTest } = await library();
    await using test = await ABTest.open({ storage: await storage(), name, signal });
    const analysis = await test.analyze({ ...plan, confidence: options.confidence, segments: options.segment.length === 0 ? undefined : options.segment, signal });
    await out.result(analysis, (page) => analysisText(analysis, page));
    const harmed = analysis.metrics.some(({ comparisons }) => comparisons.some(({ guardrail }) => guardrail?.status === 'harmed'));
    return harmed || analysis.decision.action === 'invalid' ? exitCodes.gate : exitCodes.done;
  },
});

interface PlanOptions {
  readonly method: string | undefined;
  readonly 'planned-units': number | undefined;
  readonly earlier: readonly string[];
  readonly spending: string | undefined;
}

/** How it is judged, and the looks that were planned. Throws `UsageError` for options that are of another method. */
function planOf({ method, 'planned-units': units, earlier, spending }: PlanOptions): Pick<AnalyzeTestOptions, 'method' | 'plannedUnits' | 'looks'> {
  if (method !== 'group-sequential') {
    const strange = earlier.length > 0 ? '--earlier' : spending === undefined ? undefined : '--spending';
    if (strange !== undefined) throw new UsageError(`${strange} is for --method group-sequential.`);
    return { method: method as AnalysisMethod | undefined, plannedUnits: units };
  }
  if (units === undefined) throw new UsageError('--method group-sequential needs --planned-units N, the units at which the plan ends.');
  return { method, looks: { units, earlier: earlier.map(Number), spending: spending as PlannedLooks['spending'] } };
}

function lookText({ number, units, fraction }: AnalysisLook): string {
  return `Look ${number} of the plan, at ${units.toLocaleString('en')} units (${numberText(Number((100 * fraction).toPrecision(3)))!} %).${fraction < 1 ? ` For the next one, add --earlier ${units}.` : ''}`;
}

function analysisText({ look, units, variants, sampleRatio, metrics, decision, control, segments }: AbAnalysis, page: TextPage): string {
  const lines = metrics.flatMap((metric) => metric.comparisons.map((comparison) => ({ metric, comparison })));
  const action = printable(`${decision.action}${decision.variant === undefined ? '' : ` ${decision.variant}`}`);
  return [
    [page.style(decision.action === 'ship' ? 'good' : decision.action === 'keep running' ? 'doubtful' : 'bad', action), ...decision.reasons.map((reason) => `  ${printable(reason)}`)].join('\n'),
    `${units.toLocaleString('en')} units: ${variants.map(({ variant, units: some }) => `${printable(variant)} ${some.toLocaleString('en')}`).join(', ')}. Sample ratio ${sampleRatio.status} (p ${numberText(Number(sampleRatio.pValue.toPrecision(3)))!}). Control is ${printable(control)}.`,
    ...(look === undefined ? [] : [lookText(look)]),
    titled('Metrics', table(lines, [
      { head: 'METRIC', text: ({ metric }) => metric.metric },
      { head: 'ROLE', text: ({ metric }) => metric.role, whole: true },
      { head: 'VARIANT', text: ({ comparison }) => comparison.variant },
      { head: 'LIFT', text: ({ comparison }) => lift(comparison.lift), align: 'right' },
      { head: 'DIFFERENCE', text: ({ comparison }) => (comparison.status === 'undefined' ? undefined : interval(comparison.difference)), align: 'right', spare: true },
      { head: 'P', text: ({ comparison }) => small(comparison.adjusted.pValue), align: 'right' },
      { head: 'VERDICT', text: ({ comparison }) => verdict(comparison), style: ({ comparison }) => (comparison.verdict === 'better' ? 'good' : comparison.verdict === 'worse' ? 'bad' : undefined) },
    ], page), page),
    titled('Segments', segments.length === 0 ? '' : table(segments, [
      { head: 'SEGMENT', text: ({ attribute, value }) => `${attribute} = ${value}` },
      { head: 'METRIC', text: ({ metric }) => metric },
      { head: 'VARIANT', text: ({ variant }) => variant },
      { head: 'UNITS', text: (segment) => segment.units.toLocaleString('en'), align: 'right' },
      { head: 'DIFFERENCE', text: ({ difference, status }) => (status === 'compared' ? interval(difference) : undefined), align: 'right' },
      { head: 'P', text: ({ adjustedPValue }) => small(adjustedPValue), align: 'right' },
      { head: 'VERDICT', text: (segment) => (segment.status === 'compared' ? segment.verdict : segment.status) },
    ], page), page),
  ].filter((part) => part !== '').join('\n\n');
}

function verdict({ status, reason, verdict: word, guardrail }: MetricComparison): string {
  if (status === 'undefined') return reason ?? status;
  return guardrail === undefined ? word : `guardrail ${guardrail.status}`;
}

function lift(effect: EffectInterval | undefined): string | undefined {
  const percent = (value: number): string => `${value > 0 ? '+' : ''}${(100 * value).toFixed(1)}`;
  return effect === undefined ? undefined : `${percent(effect.effect)} % (${percent(effect.low)} to ${percent(effect.high)})`;
}

function interval({ effect, low, high }: EffectInterval): string {
  const text = (value: number): string => numberText(Number(value.toPrecision(3)))!;
  return `${text(effect)} (${text(low)} to ${text(high)})`;
}

function small(value: number): string {
  return value < 0.001 && value > 0 ? value.toExponential(1) : numberText(Number(value.toPrecision(3)))!;
}
