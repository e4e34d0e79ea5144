import * as z from 'zod/mini';
import { ValidationError } from '../../core/errors.ts';
import { check } from '../../core/schema.ts';
import type { Histogram } from '../../stats/samples/histogram.ts';
import { html, type Html } from '../markup/html.ts';
import { plotOf, type Plot } from '../svg/axes.ts';
import { formatCount, formatNumber, formatPercent } from '../svg/format.ts';
import { legendOf } from '../svg/legend.ts';
import { seriesStyle } from '../svg/palette.ts';
import { linear } from '../svg/scale.ts';
import { linePath, px } from '../svg/shapes.ts';
import { shortName } from '../svg/text.ts';
import { heightOption, widthOption } from './chart-options.ts';
import { DrawnChart, type Chart } from './chart.ts';

/** Counts in bins, as `histogram` of `modelkeep/stats` gives them, with a name. */
export interface NamedHistogram extends Histogram {
  /** What it is called; any text. */
  readonly name: string;
}

/** How histograms are drawn. */
export interface HistogramChartOptions {
  /** What the chart is called. */
  readonly title: string;
  /** What the values are. @default 'value' */
  readonly xLabel?: string | undefined;
  /** Whether each histogram is drawn by its counts, or by the share of its own values, which compares samples of different sizes. @default 'count' for one, 'share' for several */
  readonly as?: 'count' | 'share' | undefined;
  /** Width of the picture, in pixels, from 160. @default 480 */
  readonly width?: number | undefined;
  /** Height of the picture without its legend, in pixels, from 100. @default 240 */
  readonly height?: number | undefined;
}

const optionsSchema = /* @__PURE__ */ z.strictObject({
  title: /* @__PURE__ */ z.string(),
  xLabel: /* @__PURE__ */ z.optional(/* @__PURE__ */ z.string()),
  as: /* @__PURE__ */ z.optional(/* @__PURE__ */ z.enum(['count', 'share'])),
  width: widthOption,
  height: heightOption,
});

/**
 * Histograms over one another: bars, and outlines in dashes that tell them apart. The height of a bar is what is in its bin, whatever the width of the bin.
 *
 * Throws `ValidationError` for options that are none, and for a histogram that has not one edge more than counts, in ascending order.
 *
 * @example
 * ```ts
 * import { histogramChart } from 'modelkeep/report';
 * import { histogram } from 'modelkeep/stats';
 *
 * const chart = histogramChart([{ name: 'delay', ...histogram([1, 2, 2, 3, 9]) }], { title: 'delay', xLabel: 'minutes' });
 * console.log(chart.summary); // delay: 5 values from 1 to 9, the fullest bin (3) from 1 to 3.
 * ```
 */
export function histogramChart(histograms: readonly NamedHistogram[], options: HistogramChartOptions): Chart {
  const { title, xLabel = 'value', as = histograms.length > 1 ? 'share' : 'count', width = 480, height = 240 } = check(optionsSchema, options, 'options');
  const bins = histograms.map((one) => binsOf(one, as));
  const drawn = bins.filter(({ edges }) => edges.length > 1);
  const low = Math.min(...drawn.map(({ edges }) => edges[0]!));
  const high = Math.max(...drawn.map(({ edges }) => edges[edges.length - 1]!));
  const top = Math.max(0, ...drawn.flatMap(({ heights }) => heights));
  const plot = plotOf({
    width,
    height,
    x: { label: xLabel, scale: linear(drawn.length > 0 ? [low, high] : [0, 1]) },
    y: { label: as === 'share' ? 'share' : 'count', scale: linear([0, top > 0 ? top : 1], true) },
  });
  const legend = legendOf(histograms.length > 1 ? bins.map(({ name }, index) => ({ name, index, sign: 'area' })) : [], width);
  const tell = as === 'share' ? formatPercent : formatNumber;
  return new DrawnChart({
    title,
    summary: bins.length === 0 ? 'There is nothing to draw.' : bins.map((one) => describe(one, as)).join(' '),
    table: {
      columns: ['series', 'from', 'to', 'count', 'share'],
      rows: bins.flatMap(({ name, edges, counts, total }) => Array.from(counts, (count, i) => [name, edges[i]!, edges[i + 1]!, count, total > 0 ? formatPercent(count / total) : null])),
    },
    width,
    height: height + legend.height,
    marks: html`${plot.axes}<g data-marks="">${bins.map((one, i) => drawBins(one, i, plot, tell))}</g>${legend.draw(height)}`,
    vegaLite: () => ({
      data: { values: bins.flatMap(({ name, edges, heights }) => heights.map((value, i) => ({ series: name, from: edges[i]!, to: edges[i + 1]!, value }))) },
      mark: { type: 'bar', tooltip: true, opacity: bins.length > 1 ? 0.6 : 1 },
      encoding: {
        x: { field: 'from', type: 'quantitative', title: xLabel, bin: { binned: true } },
        x2: { field: 'to' },
        y: { field: 'value', type: 'quantitative', title: as, stack: null },
        color: { field: 'series', type: 'nominal', title: null },
      },
    }),
  });
}

interface Bins extends NamedHistogram {
  readonly heights: readonly number[];
  readonly total: number;
}

function binsOf({ name, edges, counts }: NamedHistogram, as: 'count' | 'share'): Bins {
  if (edges.length !== counts.length + 1 && counts.length > 0) throw new ValidationError(`Histogram '${name}' has ${edges.length} edges and ${counts.length} counts; give one edge more than counts.`, { path: 'histograms' });
  if (edges.some((edge, i) => !Number.isFinite(edge) || (i > 0 && edge < edges[i - 1]!))) throw new ValidationError(`The edges of histogram '${name}' are not finite and ascending.`, { path: 'histograms' });
  const total = counts.reduce((sum, count) => sum + count, 0);
  return { name, edges, counts, total, heights: Array.from(counts, (count) => (as === 'count' ? count : total > 0 ? count / total : 0)) };
}

function describe({ name, edges, counts, total }: Bins, as: 'count' | 'share'): string {
  if (total === 0) return `${shortName(name)} has no values.`;
  const most = counts.indexOf(Math.max(...counts));
  const share = as === 'share' ? formatPercent(counts[most]! / total) : formatNumber(counts[most]!);
  return `${shortName(name)}: ${formatCount(total, 'value')} from ${formatNumber(edges[0]!)} to ${formatNumber(edges[edges.length - 1]!)}, the fullest bin (${share}) from ${formatNumber(edges[most]!)} to ${formatNumber(edges[most + 1]!)}.`;
}

function drawBins({ name, edges, heights }: Bins, index: number, plot: Plot, tell: (value: number) => string): Html {
  const { className, color, dash } = seriesStyle(index);
  const base = plot.y.at(0);
  const bars = heights.map((value, i) => {
    if (value === 0) return undefined;
    const left = plot.x.at(edges[i]!);
    // Neighbours keep a hair between them where there is room.
    const wide = plot.x.at(edges[i + 1]!) - left;
    return html`<path d="M${px(left)} ${px(base)}V${px(plot.y.at(value))}h${px(Math.max(0.5, wide - (wide > 4 ? 1 : 0)))}V${px(base)}z"><title>${`${name}\n${formatNumber(edges[i]!)} to ${formatNumber(edges[i + 1]!)}: ${tell(value)}`}</title></path>`;
  });
  const outline = linePath(heights.flatMap((value, i) => [[plot.x.at(edges[i]!), plot.y.at(value)] as const, [plot.x.at(edges[i + 1]!), plot.y.at(value)] as const]));
  return html`<g class="${className}" color="${color}"><g fill="currentColor" fill-opacity="${index === 0 ? '.45' : '.25'}">${bars}</g><path d="${outline}" fill="none" stroke="currentColor" stroke-width="1.6"${dash !== undefined && html` stroke-dasharray="${dash}"`}/></g>`;
}
