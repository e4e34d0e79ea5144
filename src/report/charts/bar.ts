import * as z from 'zod/mini';
import { check } from '../../core/schema.ts';
import { html } from '../markup/html.ts';
import { plotOf } from '../svg/axes.ts';
import { band, bandWidth } from '../svg/band-scale.ts';
import { formatCount, formatNumber } from '../svg/format.ts';
import { seriesStyle } from '../svg/palette.ts';
import { extent, linear } from '../svg/scale.ts';
import { px } from '../svg/shapes.ts';
import { shortName } from '../svg/text.ts';
import { widthOption } from './chart-options.ts';
import { DrawnChart, type Chart } from './chart.ts';

/** One bar. */
export interface Bar {
  /** What it is called; any text. */
  readonly name: string;
  /** Its length; what is not finite has no bar and is told. */
  readonly value: number;
}

/** How bars are drawn. */
export interface BarChartOptions {
  /** What the chart is called. */
  readonly title: string;
  /** What the values are. @default 'value' */
  readonly valueLabel?: string | undefined;
  /** At most so many bars, the first ones. @default 40 */
  readonly maxBars?: number | undefined;
  /** Width of the picture, in pixels, from 160. @default 640 */
  readonly width?: number | undefined;
}

const optionsSchema = /* @__PURE__ */ z.strictObject({
  title: /* @__PURE__ */ z.string(),
  valueLabel: /* @__PURE__ */ z.optional(/* @__PURE__ */ z.string()),
  maxBars: /* @__PURE__ */ z.optional(/* @__PURE__ */ z.int().check(/* @__PURE__ */ z.gte(1), /* @__PURE__ */ z.lte(500))),
  width: widthOption,
});

/**
 * Values as bars from 0, each beside its name, in the order given.
 *
 * Throws `ValidationError` for options that are none.
 *
 * @example
 * ```ts
 * import { barChart } from 'modelkeep/report';
 *
 * const chart = barChart([{ name: 'distance', value: 0.6 }, { name: 'carrier', value: 0.1 }], { title: 'Importance', valueLabel: 'strength' });
 * console.log(chart.summary); // 2 bars; the greatest is distance with 0.6, the least carrier with 0.1.
 * ```
 */
export function barChart(bars: readonly Bar[], options: BarChartOptions): Chart {
  const { title, valueLabel = 'value', maxBars = 40, width = 640 } = check(optionsSchema, options, 'options');
  const shown = bars.slice(0, maxBars);
  const left = bars.length - shown.length;
  const leftOut = left > 0 ? `${formatCount(left, 'bar is', 'bars are')} left out.` : undefined;
  const sound = shown.filter(({ value }) => Number.isFinite(value));
  const height = 40 + 22 * Math.max(1, shown.length);
  const [low, high] = extent([sound.map(({ value }) => value)]) ?? [0, 1];
  const domain: [number, number] = [Math.min(0, low), Math.max(0, high)];
  const plot = plotOf({
    width,
    height,
    x: { label: valueLabel, scale: linear(domain[0] === domain[1] ? [0, 1] : domain) },
    y: { scale: ({ range, gap }) => band(shown.map(({ name }) => name))({ range: [range[1], range[0]], gap }) },
  });
  const { className, color } = seriesStyle(0);
  const thick = Math.min(18, bandWidth(plot.y) * 0.7);
  const zero = plot.x.at(0);
  const marks = shown.map(({ name, value }, i) => {
    if (!Number.isFinite(value)) return undefined;
    return html`<path d="M${px(zero)} ${px(plot.y.at(i) - thick / 2)}H${px(plot.x.at(value))}v${px(thick)}H${px(zero)}z"><title>${`${name}: ${formatNumber(value)}`}</title></path>`;
  });
  return new DrawnChart({
    title,
    summary: [describe(sound), sound.length < shown.length && `${formatCount(shown.length - sound.length, 'value is', 'values are')} not finite and ${shown.length - sound.length === 1 ? 'has' : 'have'} no bar.`, leftOut].filter(Boolean).join(' '),
    table: { columns: ['name', valueLabel], rows: shown.map(({ name, value }) => [name, value]), leftOut },
    width,
    height,
    marks: html`${plot.axes}<g data-marks="" class="${className}" color="${color}" fill="currentColor" fill-opacity=".8">${marks}</g>`,
    vegaLite: () => ({
      data: { values: sound.map(({ name, value }) => ({ name, value })) },
      mark: { type: 'bar', tooltip: true },
      encoding: { y: { field: 'name', type: 'nominal', sort: null, title: null }, x: { field: 'value', type: 'quantitative', title: valueLabel } },
    }),
  });
}

function describe(bars: readonly Bar[]): string {
  if (bars.length === 0) return 'There is nothing to draw.';
  const greatest = bars.reduce((a, b) => (b.value > a.value ? b : a));
  const least = bars.reduce((a, b) => (b.value < a.value ? b : a));
  if (greatest.value === least.value) return `${formatCount(bars.length, 'bar')} of ${formatNumber(greatest.value)}.`;
  return `${formatCount(bars.length, 'bar')}; the greatest is ${shortName(greatest.name)} with ${formatNumber(greatest.value)}, the least ${shortName(least.name)} with ${formatNumber(least.value)}.`;
}
