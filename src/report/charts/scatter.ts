import * as z from 'zod/mini';
import { ValidationError } from '../../core/errors.ts';
import { check } from '../../core/schema.ts';
import { html, type Html } from '../markup/html.ts';
import { plotOf, type Plot } from '../svg/axes.ts';
import { formatCount, formatNumber } from '../svg/format.ts';
import { legendOf } from '../svg/legend.ts';
import { seriesStyle } from '../svg/palette.ts';
import { extent, linear, logarithmic, type ScaleMaker } from '../svg/scale.ts';
import { markerAt } from '../svg/shapes.ts';
import { heightOption, widthOption } from './chart-options.ts';
import { DrawnChart, type Chart } from './chart.ts';

/** Points of one kind. */
export interface ScatterSeries {
  /** What they are called; any text. */
  readonly name: string;
  /** Any numbers; what is not finite is left out and told. */
  readonly x: ArrayLike<number>;
  /** As many as x. */
  readonly y: ArrayLike<number>;
  /** What each point is called, such as the name of its run. @default nothing */
  readonly labels?: readonly string[] | undefined;
}

/** How points are drawn. */
export interface ScatterChartOptions {
  /** What the chart is called. */
  readonly title: string;
  /** What x is. @default 'x' */
  readonly xLabel?: string | undefined;
  /** What y is. @default 'y' */
  readonly yLabel?: string | undefined;
  /** The scale of x; a logarithmic one leaves out what is not above 0. @default 'linear' */
  readonly x?: 'linear' | 'log' | undefined;
  /** The scale of y. @default 'linear' */
  readonly y?: 'linear' | 'log' | undefined;
  /** At most so many points are drawn, evenly taken from all. @default 1,000 */
  readonly maxPoints?: number | undefined;
  /** Width of the picture, in pixels, from 160. @default 640 */
  readonly width?: number | undefined;
  /** Height of the picture without its legend, in pixels, from 100. @default 320 */
  readonly height?: number | undefined;
}

const scaleOption = /* @__PURE__ */ z.optional(/* @__PURE__ */ z.enum(['linear', 'log']));
const optionsSchema = /* @__PURE__ */ z.strictObject({
  title: /* @__PURE__ */ z.string(),
  xLabel: /* @__PURE__ */ z.optional(/* @__PURE__ */ z.string()),
  yLabel: /* @__PURE__ */ z.optional(/* @__PURE__ */ z.string()),
  x: scaleOption,
  y: scaleOption,
  maxPoints: /* @__PURE__ */ z.optional(/* @__PURE__ */ z.int().check(/* @__PURE__ */ z.gte(1), /* @__PURE__ */ z.lte(20_000))),
  width: widthOption,
  height: heightOption,
});

interface Point {
  readonly series: string;
  readonly index: number;
  readonly label: string | undefined;
  readonly x: number;
  readonly y: number;
}

/**
 * Points, such as a param against a metric, in a shape and a colour for each series.
 *
 * Throws `ValidationError` for options that are none, and for a series whose x and y differ in length.
 *
 * @example
 * ```ts
 * import { scatterChart } from 'modelkeep/report';
 *
 * const chart = scatterChart([{ name: 'runs', x: [0.001, 0.01, 0.1], y: [0.3, 0.2, 0.4] }], { title: 'lr and loss', xLabel: 'lr', yLabel: 'loss', x: 'log' });
 * console.log(chart.summary); // 3 points; lr from 0.001 to 0.1, loss from 0.2 to 0.4.
 * ```
 */
export function scatterChart(series: readonly ScatterSeries[], options: ScatterChartOptions): Chart {
  const { title, xLabel = 'x', yLabel = 'y', x = 'linear', y = 'linear', maxPoints = 1_000, width = 640, height = 320 } = check(optionsSchema, options, 'options');
  const all = series.flatMap((one, index) => pointsOf(one, index));
  const sound = all.filter((point) => fits(point.x, x) && fits(point.y, y));
  const shown = sound.length <= maxPoints ? sound : Array.from({ length: maxPoints }, (_, i) => sound[Math.floor((i * sound.length) / maxPoints)]!);
  const [xs, ys] = [sound.map((point) => point.x), sound.map((point) => point.y)];
  const plot = plotOf({ width, height, x: { label: xLabel, scale: scaleOf(x, xs) }, y: { label: yLabel, scale: scaleOf(y, ys) } });
  const legend = legendOf(series.length > 1 ? series.map(({ name }, index) => ({ name, index, sign: 'marker' })) : [], width);
  const leftOut = shown.length < sound.length ? `Showing ${formatNumber(shown.length)} of ${formatCount(sound.length, 'point')}.` : undefined;
  const unplaced = all.length - sound.length;
  const sentences = [
    sound.length === 0 ? 'There is nothing to draw.' : `${formatCount(sound.length, 'point')}; ${ranged(xLabel, xs)}, ${ranged(yLabel, ys)}.`,
    unplaced > 0 && `${formatCount(unplaced, 'point has', 'points have')} no place on the axes and ${unplaced === 1 ? 'is' : 'are'} left out.`,
    leftOut,
  ];
  return new DrawnChart({
    title,
    summary: sentences.filter(Boolean).join(' '),
    table: { columns: ['series', 'point', xLabel, yLabel], rows: shown.map((point) => [point.series, point.label ?? null, point.x, point.y]), leftOut },
    width,
    height: height + legend.height,
    marks: html`${plot.axes}<g data-marks="" fill-opacity=".8">${series.map((_, index) => drawPoints(shown.filter((point) => point.index === index), index, plot, xLabel, yLabel))}</g>${legend.draw(height)}`,
    vegaLite: () => ({
      data: { values: shown.map((point) => ({ series: point.series, label: point.label ?? null, x: point.x, y: point.y })) },
      mark: { type: 'point', tooltip: { content: 'data' } },
      encoding: {
        x: { field: 'x', type: 'quantitative', title: xLabel, scale: x === 'log' ? { type: 'log' } : { zero: false } },
        y: { field: 'y', type: 'quantitative', title: yLabel, scale: y === 'log' ? { type: 'log' } : { zero: false } },
        color: { field: 'series', type: 'nominal', title: null },
        shape: { field: 'series', type: 'nominal', title: null },
      },
    }),
  });
}

function pointsOf({ name, x, y, labels }: ScatterSeries, index: number): Point[] {
  if (x.length !== y.length) throw new ValidationError(`Series '${name}' has ${x.length} x and ${y.length} y; give as many of both.`, { path: 'series' });
  return Array.from({ length: x.length }, (_, i) => ({ series: name, index, label: labels?.[i], x: x[i]!, y: y[i]! }));
}

function fits(value: number, scale: 'linear' | 'log'): boolean {
  return Number.isFinite(value) && (scale === 'linear' || value > 0);
}

function scaleOf(kind: 'linear' | 'log', values: readonly number[]): ScaleMaker {
  const domain = extent([values]);
  return kind === 'log' ? logarithmic(domain ?? [1, 10]) : linear(domain ?? [0, 1], true);
}

function ranged(label: string, values: readonly number[]): string {
  const [min, max] = extent([values])!;
  return min === max ? `${label} ${formatNumber(min)}` : `${label} from ${formatNumber(min)} to ${formatNumber(max)}`;
}

function drawPoints(points: readonly Point[], index: number, plot: Plot, xLabel: string, yLabel: string): Html {
  const { className, color, marker } = seriesStyle(index);
  const tip = (point: Point): string => `${point.label ?? point.series}\n${xLabel} ${formatNumber(point.x)}, ${yLabel} ${formatNumber(point.y)}`;
  return html`<g class="${className}" color="${color}">${points.map((point) => markerAt(marker, plot.x.at(point.x), plot.y.at(point.y), tip(point)))}</g>`;
}
