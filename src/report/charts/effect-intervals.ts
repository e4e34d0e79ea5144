import type { AbAnalysis, EffectInterval, MetricAnalysis, MetricComparison } from '../../experiments/analysis/ab-analysis.ts';
import { tellingLift } from '../../experiments/analysis/words.ts';
import { html, type Html } from '../markup/html.ts';
import { fontSize } from '../svg/axes.ts';
import { formatCount, formatNumber, formatPercent } from '../svg/format.ts';
import { seriesStyle } from '../svg/palette.ts';
import { linear, type Scale } from '../svg/scale.ts';
import { px } from '../svg/shapes.ts';
import { signAt, type Sign } from '../svg/signs.ts';
import { textWidth, truncated } from '../svg/text.ts';
import { DrawnChart, type Chart } from './chart.ts';
import { signLegend } from './sign-legend.ts';

const width = 760;
const rowHeight = 34;
const mostRows = 60;

/** What is compared in a row. */
interface EffectRow {
  readonly metric: MetricAnalysis;
  readonly comparison: MetricComparison;
}

/**
 * The effects of an experiment with their intervals, a row per metric and treatment: how many per cent the treatment lies above or below the control, what that means for the goal of the metric in words and by a sign, and what loss a guardrail allows. A metric whose
 * control is 0, or may be for all that is known, has no such share: its difference is told in words, in the unit of the metric.
 *
 * @example
 * ```ts
 * import { analyzeUnits } from 'modelkeep';
 * import { effectIntervals } from 'modelkeep/report';
 *
 * const units = 400;
 * const spent = Float64Array.from({ length: units }, (_, i) => 10 + (i % 7) + (i % 2));
 * const table = { units, variant: Uint16Array.from({ length: units }, (_, i) => i % 2), exposedAt: new Float64Array(units), metrics: { spent: { kind: 'mean' as const, value: spent } }, segments: {}, crossed: 0, unknown: 0 };
 * const analysis = analyzeUnits({ variants: [{ name: 'A' }, { name: 'B' }], metrics: [{ name: 'spent', kind: 'mean', role: 'primary' }] }, table);
 * console.log(effectIntervals(analysis).table.rows[0]?.[10]); // better
 * ```
 */
export function effectIntervals(analysis: AbAnalysis): Chart {
  const rows = analysis.metrics.flatMap((metric) => metric.comparisons.map((comparison): EffectRow => ({ metric, comparison })));
  const shown = rows.slice(0, mostRows);
  const left = shown.length < rows.length ? `The picture shows the first ${shown.length} of ${rows.length} comparisons.` : undefined;
  const several = analysis.variants.length > 2;
  const labels = shown.map(({ metric, comparison }) => (several ? `${metric.metric} · ${comparison.variant}` : metric.metric));
  const effects = shown.map(effectText);
  const labelWidth = Math.min(210, Math.max(60, ...labels.map((label) => textWidth(label, fontSize)), ...shown.map(({ metric }) => textWidth(roleText(metric), fontSize - 1))) + 12);
  const textRoom = Math.min(290, Math.max(80, ...effects.map((text) => textWidth(text, fontSize))) + 32);
  const legend = signLegend(meaningsOf(shown), width);
  const top = legend.height + 8;
  const bottom = top + shown.length * rowHeight;
  const scale = linear(domainOf(shown), true)({ range: [labelWidth, width - textRoom], gap: 70 });
  const marks = html`${legend.draw(0)}${axisOf(scale, top, bottom)}${shown.map((row, i) => rowOf(row, { label: labels[i]!, effect: effects[i]!, y: top + (i + 0.5) * rowHeight, scale, labelWidth }))}`;
  return new DrawnChart({
    title: `Effects against ${analysis.control}`,
    summary: `${summaryOf(analysis, rows)}${left === undefined ? '' : ` ${left}`}`,
    table: {
      columns: ['metric', 'role', 'treatment', 'effect', 'low', 'high', 'lift, %', 'low, %', 'high, %', 'p, corrected', 'verdict', 'guardrail'],
      rows: rows.map(tableRow),
    },
    width,
    height: bottom + 42,
    marks,
    vegaLite: () => vegaLite(shown, labels),
  });
}

function rowOf(row: EffectRow, { label, effect, y, scale, labelWidth }: { readonly label: string; readonly effect: string; readonly y: number; readonly scale: Scale; readonly labelWidth: number }): Html {
  const { metric, comparison } = row;
  const { className, color } = seriesStyle(verdicts[verdictOf(comparison)].color);
  const title = html`<title>${metric.metric}, ${comparison.variant}: ${effect}, ${verdictOf(comparison)}</title>`;
  const [, right] = scale.range;
  const name = html`<text x="2" y="${px(y - 1)}">${truncated(label, labelWidth - 8, fontSize)}<title>${label}</title></text><text x="2" y="${px(y + 12)}" font-size="${fontSize - 1}" fill-opacity=".8">${roleText(metric)}</text>`;
  const words = html`<text x="${px(right + 28)}" y="${px(y + 4)}">${truncated(effect, 258, fontSize)}</text>`;
  const sign = html`<g class="${className}" color="${color}">${signAt(verdicts[verdictOf(comparison)].sign, right + 15, y)}</g>`;
  const lift = comparison.status === 'compared' ? tellingLift(comparison) : undefined;
  if (lift === undefined) return html`<g>${title}${name}${sign}${words}</g>`;
  const [low, middle, high] = [lift.low, lift.effect, lift.high].map((value) => scale.at(100 * value));
  const interval = html`<g class="${className}" color="${color}"><path d="M${px(low!)} ${px(y - 5)}v10m0-5H${px(high!)}m0-5v10" fill="none" stroke="currentColor" stroke-width="2.5"/><circle cx="${px(middle!)}" cy="${px(y)}" r="4.5" fill="currentColor"/></g>`;
  return html`<g>${title}${name}${interval}${marginOf(row, scale, y)}${sign}${words}</g>`;
}

/** Where a guardrail's allowed loss ends. */
function marginOf({ metric, comparison }: EffectRow, scale: Scale, y: number): Html | undefined {
  const margin = comparison.guardrail?.margin;
  if (margin === undefined) return undefined;
  const at = scale.at(100 * (metric.goal === 'increase' ? -margin : margin));
  return html`<path d="M${px(at)} ${px(y - 13)}v26" stroke="currentColor" stroke-width="1.5" stroke-dasharray="3 2"><title>loses at most ${formatPercent(margin)}</title></path>`;
}

function axisOf({ at, ticks, range }: Scale, top: number, bottom: number): Html {
  const lines = ticks.map(({ value }) => `M${px(at(value))} ${px(top)}V${px(bottom)}`).join('');
  const labels = ticks.map(({ value, label }) => html`<text x="${px(at(value))}" y="${px(bottom + 16)}" text-anchor="middle">${label}</text>`);
  return html`<path class="grid" d="${lines}" stroke="#8884" fill="none"/><path d="M${px(at(0))} ${px(top - 4)}V${px(bottom + 4)}" stroke="currentColor" stroke-width="1.5"/><g class="ticks">${labels}<text x="${px((range[0] + range[1]) / 2)}" y="${px(bottom + 34)}" text-anchor="middle" class="name">lift, %</text></g>`;
}

/** All intervals, zero, and the margins; one that is far wider than the others does not press them together. */
function domainOf(rows: readonly EffectRow[]): [number, number] {
  const ends = rows.flatMap(({ metric, comparison }) => {
    const lift = comparison.status === 'compared' ? tellingLift(comparison) : undefined;
    const margin = comparison.guardrail?.margin;
    return [...(lift === undefined ? [] : [100 * lift.low, 100 * lift.high]), ...(margin === undefined ? [] : [100 * (metric.goal === 'increase' ? -margin : margin)])];
  });
  return [Math.min(-1e-3, ...ends), Math.max(1e-3, ...ends)];
}

type Verdict = MetricComparison['verdict'] | 'undefined';

const verdicts: Readonly<Record<Verdict, { readonly sign: Sign; readonly color: number; readonly words: string }>> = {
  better: { sign: 'check', color: 2, words: 'better' },
  worse: { sign: 'cross', color: 1, words: 'worse' },
  unclear: { sign: 'ring', color: 6, words: 'unclear' },
  undefined: { sign: 'dash', color: 6, words: 'nothing to compare' },
};

function verdictOf({ status, verdict }: MetricComparison): Verdict {
  return status === 'compared' ? verdict : 'undefined';
}

function meaningsOf(rows: readonly EffectRow[]): { name: string; draw: (x: number, y: number) => Html }[] {
  const seen = new Set(rows.map(({ comparison }) => verdictOf(comparison)));
  const signs = (Object.keys(verdicts) as Verdict[]).filter((verdict) => seen.has(verdict)).map((verdict) => {
    const { sign, color, words } = verdicts[verdict];
    const style = seriesStyle(color);
    return { name: words, draw: (x: number, y: number) => html`<g class="${style.className}" color="${style.color}">${signAt(sign, x, y)}</g>` };
  });
  if (!rows.some(({ comparison }) => comparison.guardrail)) return signs;
  return [...signs, { name: 'loss that a guardrail allows', draw: (x, y) => html`<path d="M${px(x)} ${px(y - 8)}v16" stroke="currentColor" stroke-width="1.5" stroke-dasharray="3 2"/>` }];
}

function roleText({ role, goal }: MetricAnalysis): string {
  return `${role}, ${goal === 'increase' ? 'more' : 'less'} is better`;
}

/** An effect with its interval in words: as a share where there is one, else in the unit of the metric. */
function effectText({ comparison }: EffectRow): string {
  const { status, difference } = comparison;
  if (status === 'undefined') return 'nothing to compare';
  const lift = tellingLift(comparison);
  return lift === undefined ? `${interval(difference, (value) => formatNumber(value, 3))} in its unit` : interval(lift, (value) => formatPercent(value));
}

function interval({ effect, low, high }: EffectInterval, text: (value: number) => string): string {
  return `${signed(text(effect))} (${text(low)} to ${text(high)})`;
}

function signed(text: string): string {
  return text.startsWith('-') ? text : `+${text}`;
}

function summaryOf({ units, method, confidence, control, metrics }: AbAnalysis, rows: readonly EffectRow[]): string {
  if (rows.length === 0) return `${formatCount(units, 'unit')}, and no metric.`;
  const clear = rows.filter(({ comparison }) => comparison.status === 'compared' && comparison.verdict !== 'unclear');
  const told = clear.slice(0, 4).map((row) => `${row.metric.metric} of ${row.comparison.variant} is ${row.comparison.verdict} (${effectText(row)})`);
  const found = told.length === 0 ? 'No difference is clear.' : `${told.join('; ')}${clear.length > 4 ? `; and ${clear.length - 4} more` : ''}.`;
  return `${formatCount(metrics.length, 'metric')} of ${formatCount(units, 'unit')} against ${control}, with ${formatPercent(confidence)} intervals (${methodText[method]}). ${found}`;
}

const methodText = { sequential: 'always valid', fixed: 'for one planned look', 'group-sequential': 'for planned looks' } as const;

function tableRow({ metric, comparison: { variant, status, difference, lift, adjusted, verdict, guardrail } }: EffectRow): (string | number | null)[] {
  if (status === 'undefined') return [metric.metric, metric.role, variant, null, null, null, null, null, null, null, 'nothing to compare', ''];
  const shares = lift === undefined ? [null, null, null] : [lift.effect, lift.low, lift.high].map((value) => 100 * value);
  return [metric.metric, metric.role, variant, difference.effect, difference.low, difference.high, ...shares, adjusted.pValue, verdict, guardrail === undefined ? '' : guardrail.status];
}

function vegaLite(rows: readonly EffectRow[], labels: readonly string[]): Readonly<Record<string, unknown>> {
  const values = rows.flatMap(({ comparison }, i) => {
    const lift = tellingLift(comparison);
    return lift === undefined ? [] : [{ comparison: labels[i], effect: 100 * lift.effect, low: 100 * lift.low, high: 100 * lift.high, verdict: comparison.verdict }];
  });
  const y = { field: 'comparison', type: 'nominal', sort: null, title: null };
  return {
    data: { values },
    layer: [
      { mark: 'rule', encoding: { y, x: { field: 'low', type: 'quantitative', title: 'lift, %' }, x2: { field: 'high' } } },
      { mark: { type: 'point', filled: true }, encoding: { y, x: { field: 'effect', type: 'quantitative' }, shape: { field: 'verdict', type: 'nominal' }, color: { field: 'verdict', type: 'nominal' } } },
      { mark: { type: 'rule', strokeDash: [4, 3] }, encoding: { x: { datum: 0 } } },
    ],
  };
}
