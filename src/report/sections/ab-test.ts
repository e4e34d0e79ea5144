import type { AbAnalysis, AnalysisMethod } from '../../experiments/analysis/ab-analysis.ts';
import { effectIntervals } from '../charts/effect-intervals.ts';
import { html, type Html } from '../markup/html.ts';
import type { ReportContext } from '../page/context.ts';
import { figureOf } from '../page/figure.ts';
import type { Section } from '../page/section.ts';
import { tableOf } from '../page/table.ts';
import { formatCount, formatNumber, formatPercent } from '../svg/format.ts';
import { sentence } from '../svg/sentence.ts';
import { badge, facts, type Badge, type Fact } from './badge.ts';

/** What an A/B test came to. */
export interface AbTestPart {
  /** What `test.analyze()` or `analyzeUnits` gave. */
  readonly analysis: AbAnalysis;
  /** Name of the test. @default none is told */
  readonly name?: string | undefined;
}

const mostSegments = 100;
const mostReasons = 20;

/** An A/B test: what to do and why, whether its figures can be trusted, how many units it has, and the effects with their intervals. */
export function abTestSection(part: AbAnalysis | AbTestPart, _context: ReportContext, id: string): Section {
  const { analysis, name } = 'analysis' in part ? part : { analysis: part, name: undefined };
  const { decision, variants, segments } = analysis;
  const shares = variants.map(({ variant, units, expected }) => [variant, units, expected, { shown: expected === 0 ? '' : formatPercent(units / expected - 1), sort: units - expected }] as const);
  const body = html`<p>${badge(decisionBadge(analysis))}</p>${decision.reasons.length > 0 && html`<ul>${decision.reasons.slice(0, mostReasons).map((reason) => html`<li>${sentence(reason)}</li>`)}</ul>`}${decision.reasons.length > mostReasons && html`<p>And ${decision.reasons.length - mostReasons} more reasons.</p>`}${facts(factsOf(analysis))}${trust(analysis)}${figureOf(effectIntervals(analysis), `${id}-effects`)}<h3>Units</h3>${tableOf({ caption: 'Units by variant', columns: ['variant', 'units', 'expected', 'difference'], rows: shares })}${
    decision.standings.length > 1 && html`<h3>Treatments</h3>${tableOf({ caption: 'Where each treatment stands', columns: ['treatment', 'stands'], rows: decision.standings.map(({ variant, standing }) => [variant, standing]) })}`
  }${segments.length > 0 && segmentTable(analysis)}`;
  return { id, title: name === undefined ? 'A/B test' : `A/B test ${name}`, body };
}

function decisionBadge({ decision: { action, variant } }: AbAnalysis): Badge {
  switch (action) {
    case 'ship':
      return { text: `Ship ${variant ?? ''}`, tone: 'good' };
    case 'stop':
      return { text: 'Stop, and stay with the control', tone: 'warn' };
    case 'keep running':
      return { text: 'Keep running', tone: 'plain' };
    case 'invalid':
      return { text: 'Invalid: the test says nothing', tone: 'bad' };
  }
}

function factsOf({ units, control, confidence, correction, look, decision: { remaining } }: AbAnalysis): Fact[] {
  const list: Fact[] = [
    ['units', formatNumber(units)],
    ['control', html`<bdi>${control}</bdi>`],
    ['confidence', `${formatPercent(confidence)}, corrected by ${correction}`],
  ];
  if (look !== undefined) list.push(['planned look', `${look.number}, at ${formatPercent(look.fraction)} of the units planned`]);
  if (remaining !== undefined && remaining.units > 0) list.push(['still to come', `${formatCount(Math.ceil(remaining.units), 'unit')}${remaining.days === undefined ? '' : `, about ${formatCount(Math.ceil(remaining.days), 'day')}`}, as things stand`]);
  return list;
}

const looking: Readonly<Record<AnalysisMethod, string>> = {
  sequential: 'Intervals and p-values are always valid: looking at any time, and stopping when something is clear, is allowed.',
  fixed: 'Intervals and p-values hold for one look that was planned. Looking before and stopping when something is clear makes false findings much likelier.',
  'group-sequential': 'Intervals and p-values hold for the looks that were planned, and for no others.',
};

/** Whether the figures can be trusted: the shares of units, units in several variants, and looks that were not planned. */
function trust({ sampleRatio: { status, pValue }, crossed, unknown, units, method }: AbAnalysis): Html {
  const ratio = { held: { text: 'shares held', tone: 'good' }, mismatch: { text: 'sample ratio mismatch', tone: 'bad' }, insufficient: { text: 'too few units to tell', tone: 'warn' } } as const;
  const why = status === 'mismatch' ? 'Units did not come in the shares that they were assigned by: no figure here is to be trusted until that is repaired.' : status === 'held' ? 'Units came in the shares that they were assigned by.' : 'It cannot be told yet whether units come in the shares that they were assigned by.';
  return html`<ul><li>${badge(ratio[status])} ${why} (p ${pValue < 1e-16 ? 'under 1e-16' : formatNumber(pValue, 2)})</li><li>${badge({ text: method, tone: method === 'sequential' ? 'good' : 'warn' })} ${looking[method]}</li>${
    crossed > 0 && html`<li>${badge({ text: 'crossed', tone: 'warn' })} ${formatCount(crossed, 'unit')} (${formatPercent(crossed / (crossed + units))}) saw several variants and ${crossed === 1 ? 'is' : 'are'} left out.</li>`
  }${unknown > 0 && html`<li>${badge({ text: 'unknown variants', tone: 'warn' })} ${formatCount(unknown, 'exposure')} of variants that the test does not have.</li>`}</ul>`;
}

function segmentTable({ segments }: AbAnalysis): Html {
  const ordered = [...segments].sort((a, b) => a.adjustedPValue - b.adjustedPValue).slice(0, mostSegments);
  const percent = (value: number | undefined): number | null => (value === undefined ? null : 100 * value);
  return html`<h3>Segments</h3><p>Exploratory: nothing is decided by them.${segments.length > mostSegments && ` Showing the ${mostSegments} clearest of ${segments.length}.`}</p>${tableOf({
    caption: 'Effects by segment, the clearest first',
    columns: ['attribute', 'value', 'units', 'metric', 'treatment', 'lift, %', 'low, %', 'high, %', 'p, corrected', 'verdict'],
    rows: ordered.map(({ attribute, value, units, metric, variant, lift, adjustedPValue, verdict, status }) => [attribute, value, units, metric, variant, percent(lift?.effect), percent(lift?.low), percent(lift?.high), adjustedPValue, status === 'compared' ? verdict : status === 'insufficient' ? 'too few units' : 'nothing to compare']),
  })}`;
}
