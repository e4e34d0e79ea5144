import { ValidationError } from '../../core/errors.ts';
import type { ColumnProfile } from '../../stats/profiles/column-profile.ts';
import { pairOfProfiles, type DistributionPair, type PairBin } from '../layouts/distribution-pair.ts';
import { html, type Html } from '../markup/html.ts';
import { formatPercent } from '../svg/format.ts';
import { seriesStyle } from '../svg/palette.ts';
import { px } from '../svg/shapes.ts';
import { textWidth, truncated } from '../svg/text.ts';
import { DrawnChart, type Chart } from './chart.ts';

const width = 220;
const height = 74;
const small = 10;
const plotTop = 6;
const plotBottom = height - 16;

/**
 * Two distributions of a column, one over the other, small and of a fixed width: the reference as an area, what it is compared with as a dashed outline. Numbers, and lengths of texts, stand in bins of equal width, over which the rows of the bins of the profile are spread evenly; of
 * categories the most frequent are shown.
 *
 * Throws `ValidationError` when the profiles are not of one kind in the same bins, or have no values that could be drawn.
 *
 * @example
 * ```ts
 * import { profileData } from 'modelkeep';
 * import { distributionChart } from 'modelkeep/report';
 *
 * const reference = profileData({ delay: Float64Array.from({ length: 500 }, (_, i) => i / 10) });
 * const current = profileData({ delay: Float64Array.from({ length: 500 }, (_, i) => 20 + i / 10) }, { bins: reference });
 * const chart = distributionChart(reference.columns[0]!, current.columns[0]!);
 * console.log(chart.toSVG().startsWith('<svg'), chart.table.columns); // true [ 'bin', 'reference, %', 'current, %' ]
 * ```
 */
export function distributionChart(reference: ColumnProfile, current: ColumnProfile): Chart {
  const pair = pairOfProfiles(reference, current);
  if (pair !== undefined) return drawnPair(current.name, pair);
  throw new ValidationError(`The profiles of column '${reference.name}' have nothing that could be drawn together; make the second with profileData(rows, { bins: reference }), of a column that has values.`, { path: 'current' });
}

/** The same of two distributions that are there already. */
export function drawnPair(column: string, pair: DistributionPair): DrawnChart {
  const { bins, of, leftOut } = pair;
  const most = Math.max(1e-12, ...bins.flatMap(({ reference, current }) => [reference, current]));
  return new DrawnChart({
    title: `Distribution of ${column}`,
    summary: summaryOf(column, pair),
    table: { columns: ['bin', 'reference, %', 'current, %'], rows: bins.map(({ label, reference, current }) => [label, 100 * reference, 100 * current]), leftOut },
    width,
    height,
    marks: html`${outlines(bins, most, pair.scale === 'kind')}<path d="M0 ${plotBottom}H${width}" stroke="#888"/><g font-size="${small}">${ends(pair)}</g>`,
    vegaLite: () => ({
      data: { values: bins.flatMap(({ label, reference, current }) => [{ bin: label, side: 'reference', share: reference }, { bin: label, side: 'current', share: current }]) },
      mark: { type: 'bar' },
      encoding: { x: { field: 'bin', type: 'nominal', sort: null, title: of }, xOffset: { field: 'side' }, y: { field: 'share', type: 'quantitative', title: 'share of rows', axis: { format: '%' } }, color: { field: 'side', type: 'nominal' } },
    }),
  });
}

/** How the two sides look, for a legend: around a point. */
export const sideSigns: readonly { readonly name: string; readonly draw: (x: number, y: number) => Html }[] = [
  { name: 'reference', draw: (x, y) => side(0, html`<path d="M${px(x - 11)} ${px(y + 6)}v-11h22v11z" fill="currentColor" fill-opacity=".35" stroke="none"/>`) },
  { name: 'current', draw: (x, y) => side(1, html`<path d="M${px(x - 12)} ${px(y + 6)}v-12h24v12" fill="none" stroke="currentColor" stroke-width="1.8" stroke-dasharray="5 2"/>`) },
];

function side(index: number, content: Html): Html {
  const { className, color } = seriesStyle(index);
  return html`<g class="${className}" color="${color}">${content}</g>`;
}

/** Steps along a scale; of kinds, which have no neighbours, a pair of bars each. In whole pixels, which are shorter to write. */
function outlines(bins: readonly PairBin[], most: number, apart: boolean): Html {
  const size = width / Math.max(1, bins.length);
  const gap = apart ? Math.min(3, size / 6) : 0;
  const place = (i: number): number => Math.round(i * size);
  const heightOf = (share: number): number => Math.round((plotBottom - plotTop) * (share / most));
  const bar = (share: number, i: number): string => {
    const [start, end] = [Math.round(i * size + gap), Math.round((i + 1) * size - gap)];
    return `M${start} ${plotBottom}v-${heightOf(share)}h${end - start}v${heightOf(share)}`;
  };
  const stair = (shares: readonly number[]): string => {
    const steps = shares.map((share, i) => `v${heightOf(shares[i - 1] ?? 0) - heightOf(share)}h${place(i + 1) - place(i)}`);
    // Steps of one height are one.
    return `M0 ${plotBottom}${steps.join('')}V${plotBottom}`.replace(/(?:h\d+v0)+h\d+/g, (level) => `h${level.split('v0').reduce((sum, each) => sum + Number(each.slice(1)), 0)}`);
  };
  const step = (of: 'reference' | 'current'): string => (apart ? bins.map((bin, i) => bar(bin[of], i)).join('') : stair(bins.map((bin) => bin[of])));
  return html`${side(0, html`<path d="${step('reference')}z" fill="currentColor" fill-opacity=".35"/>`)}${side(1, html`<path d="${step('current')}" fill="none" stroke="currentColor" stroke-width="1.8" stroke-dasharray="5 2"/>`)}`;
}

/** What stands at both ends of a scale, or below kinds where there is room. */
function ends({ scale, edges, bins }: DistributionPair): Html[] {
  const y = height - 4;
  if (scale === 'size') {
    const label = (value: number): string => String(Number(value.toPrecision(3)));
    const [low, high] = [edges[0]!, edges.at(-1)!];
    return [html`<text x="0" y="${y}">${label(low)}</text>`, ...(high > low ? [html`<text x="${width}" y="${y}" text-anchor="end">${label(high)}</text>`] : [])];
  }
  const size = width / Math.max(1, bins.length);
  let free = 0;
  return bins.flatMap(({ label }, i) => {
    const text = truncated(label, Math.max(size, 34) - 4, small);
    const half = textWidth(text, small) / 2;
    const at = Math.min(Math.max((i + 0.5) * size, half), width - half);
    if (at - half < free) return [];
    free = at + half + 4;
    return [html`<text x="${px(at)}" y="${y}" text-anchor="middle">${text}</text>`];
  });
}

function summaryOf(column: string, { of, bins }: DistributionPair): string {
  const moved = bins.reduce<PairBin | undefined>((best, bin) => (best === undefined || Math.abs(bin.current - bin.reference) > Math.abs(best.current - best.reference) ? bin : best), undefined);
  if (moved === undefined) return `There is nothing to draw of ${column}.`;
  return `${column}, ${of}: the largest change is ${moved.label}, from ${formatPercent(moved.reference)} to ${formatPercent(moved.current)} of rows.`;
}
