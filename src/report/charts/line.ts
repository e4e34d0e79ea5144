import * as z from 'zod/mini';
import { ValidationError } from '../../core/errors.ts';
import { check } from '../../core/schema.ts';
import { html, type Html } from '../markup/html.ts';
import { plotOf, type Plot } from '../svg/axes.ts';
import { isThinned, visiblePoints } from '../svg/decimate.ts';
import { formatCount, formatNumber } from '../svg/format.ts';
import { legendOf } from '../svg/legend.ts';
import { seriesStyle } from '../svg/palette.ts';
import { extent, linear, logarithmic, type ScaleMaker } from '../svg/scale.ts';
import { linePath, markerAt } from '../svg/shapes.ts';
import { straightened } from '../svg/straighten.ts';
import { shortName } from '../svg/text.ts';
import { temporal } from '../svg/time-scale.ts';
import { formatWallTime, wallClock, type WallClock } from '../svg/wall-time.ts';
import { heightOption, smoothingOption, widthOption } from './chart-options.ts';
import { DrawnChart, type Chart } from './chart.ts';
import { seriesTable, sumUp, type SeriesSums } from './series-sums.ts';
import { smoothed, smoothingName, type Smoothing } from './smoothing.ts';
import { lineSpec } from './line-spec.ts';

/** One line. */
export interface LineSeries {
  /** What it is called; any text. */
  readonly name: string;
  /** Ascending. */
  readonly x: ArrayLike<number>;
  /** As many as x. NaN and ±Infinity leave a gap, which the summary tells. */
  readonly y: ArrayLike<number>;
  /** How many points there were before they were thinned, where they were. @default as many as there are */
  readonly total?: number | undefined;
}

/** How lines are drawn. */
export interface LineChartOptions {
  /** What the chart is called. */
  readonly title: string;
  /** What x is. @default 'step' */
  readonly xLabel?: string | undefined;
  /** What y is. @default none */
  readonly yLabel?: string | undefined;
  /** The scale of x; `time` takes epoch milliseconds. @default 'linear' */
  readonly x?: 'linear' | 'log' | 'time' | undefined;
  /** The scale of y. A logarithmic one leaves out what is not above 0, and says so. @default 'linear' */
  readonly y?: 'linear' | 'log' | undefined;
  /** Draws smoothed lines, and the raw ones faintly behind them. @default none */
  readonly smoothing?: Smoothing | undefined;
  /** Time zone of the ticks of a `time` scale. @default 'UTC' */
  readonly timeZone?: string | undefined;
  /** How many lines are drawn; the others are counted. @default 20 */
  readonly maxSeries?: number | undefined;
  /** Width of the picture, in pixels, from 160. @default 640 */
  readonly width?: number | undefined;
  /** Height of the picture without its legend, in pixels, from 100. @default 300 */
  readonly height?: number | undefined;
}

const optionsSchema = z.strictObject({
  title: z.string(),
  xLabel: z.optional(z.string()),
  yLabel: z.optional(z.string()),
  x: z.optional(z.enum(['linear', 'log', 'time'])),
  y: z.optional(z.enum(['linear', 'log'])),
  smoothing: smoothingOption,
  timeZone: z.optional(z.string()),
  maxSeries: z.optional(z.int().check(z.gte(1), z.lte(280))),
  width: widthOption,
  height: heightOption,
});

/**
 * Lines over steps, times or any numbers. What cannot be seen is not drawn: of each column of pixels the least and the greatest value of a line are, whatever the number of points. O(n).
 *
 * Throws `ValidationError` for options that are none, a series whose x and y differ in length, and a time zone that the host does not know.
 *
 * @example
 * ```ts
 * import { lineChart } from 'modelkeep/report';
 *
 * const chart = lineChart([{ name: 'train', x: [0, 1, 2], y: [0.9, 0.5, 0.4] }], { title: 'loss', y: 'log' });
 * console.log(chart.summary); // train falls from 0.9 to 0.4 over 3 points; its least value is 0.4 at step 2.
 * console.log(chart.toSVG().startsWith('<svg')); // true
 * ```
 */
export function lineChart(series: readonly LineSeries[], options: LineChartOptions): Chart {
  const { title, xLabel, yLabel, x = 'linear', y = 'linear', smoothing, timeZone = 'UTC', maxSeries = 20, width = 640, height = 300 } = check(optionsSchema, options, 'options');
  for (const { name, x: along, y: up } of series) {
    if (along.length !== up.length) throw new ValidationError(`Series '${name}' has ${along.length} x and ${up.length} y; give as many of both.`, { path: 'series' });
  }
  const clock = wallClock(timeZone);
  const drawn = series.slice(0, maxSeries);
  const smooth = drawn.map((one) => (smoothing ? smoothed(one.x, one.y, smoothing) : undefined));
  const xName = xLabel ?? (x === 'time' ? `time (${timeZone})` : 'step');
  const legend = legendOf(
    drawn.map(({ name }, index) => ({ name, index, sign: hasMarkers(drawn) ? 'line and marker' : 'line' })),
    width,
  );
  const plot = plotOf({ width, height, x: { label: xName, scale: scaleOf(x, drawn.map((one) => one.x), clock) }, y: { label: yLabel, scale: scaleOf(y, drawn.map((one) => one.y), clock, true) } });
  // Many lines hide each other's details; what is drawn of each is less.
  const columnWidth = Math.min(6, Math.max(1, Math.ceil(drawn.length / 3)));
  const lines = drawn.map((one, i) => drawLine(one, i, plot, columnWidth, smooth[i], hasMarkers(drawn)));
  const sums = drawn.map((one) => sumUp(one, x === 'log', y === 'log'));
  const describeX = x === 'time' ? (value: number) => formatWallTime(clock, value) : formatNumber;
  return new DrawnChart({
    title,
    summary: summaryOf(sums, series.length - drawn.length, { xName, describeX, log: x === 'log' || y === 'log', smoothing }),
    table: seriesTable(drawn, sums, series.length - drawn.length, xName, describeX),
    width,
    height: height + legend.height,
    readout: plot,
    marks: html`${plot.axes}<g data-marks="">${lines}</g>${legend.draw(height)}`,
    vegaLite: () => lineSpec(drawn, { xName, yName: yLabel ?? 'value', x, y, visible: drawn.map((one) => visibleOf(one, plot, columnWidth)) }),
  });
}

function scaleOf(kind: 'linear' | 'log' | 'time', lists: readonly ArrayLike<number>[], clock: WallClock, nice = false): ScaleMaker {
  const domain = extent(lists, kind === 'log');
  if (kind === 'log') return logarithmic(domain ?? [1, 10]);
  return kind === 'time' ? temporal(domain ?? [0, 86_400_000], clock) : linear(domain ?? [0, 1], nice, !nice && lists.every(isWhole));
}

/** Whether values are counted rather than measured, as steps are: then there is nothing between two of them. */
function isWhole(values: ArrayLike<number>): boolean {
  for (let i = 0; i < values.length; i++) if (values[i]! % 1 !== 0 || Math.abs(values[i]!) > 2 ** 50) return false;
  return true;
}

function hasMarkers(series: readonly LineSeries[]): boolean {
  return series.reduce((sum, { x }) => sum + x.length, 0) <= 120;
}

function visibleOf({ x, y }: LineSeries, plot: Plot, columnWidth: number, values: ArrayLike<number> = y): number[] {
  return visiblePoints(x.length, (i) => plot.x.at(x[i]!), (i) => plot.y.at(values[i]!), columnWidth);
}

function drawLine(series: LineSeries, index: number, plot: Plot, columnWidth: number, smooth: Float64Array | undefined, markers: boolean): Html {
  const { className, color, dash, marker } = seriesStyle(index);
  const dashes = dash !== undefined && html` stroke-dasharray="${dash}"`;
  // A faint line is drawn in whole pixels.
  const raw = pathOf(series, plot, smooth ? 2 * columnWidth : columnWidth, series.y, smooth !== undefined);
  const line = smooth === undefined ? raw : pathOf(series, plot, columnWidth, smooth, false);
  const points = markers ? Array.from({ length: series.x.length }, (_, i) => [plot.x.at(series.x[i]!), plot.y.at(series.y[i]!)] as const).filter(([x, y]) => x === x && y === y) : [];
  return html`<g class="${className}" color="${color}" fill="none" stroke="currentColor" stroke-width="1.8" stroke-linejoin="round" stroke-linecap="round">${
    smooth && html`<path d="${raw}" stroke-width="1" opacity=".3"/>`
  }<path data-series="${series.name}" d="${line}"${dashes}/>${points.length > 0 && html`<g stroke="none">${points.map(([x, y]) => markerAt(marker, x, y))}</g>`}</g>`;
}

function pathOf(series: LineSeries, plot: Plot, columnWidth: number, values: ArrayLike<number>, faint: boolean): string {
  const thinned = isThinned(series.x.length, columnWidth);
  // The points of one column share a place: their lines are upright, which is shorter to write. A line that is to be seen is put to whole pixels, where it goes straight for longer.
  const grid = faint ? columnWidth : 1;
  const points = visibleOf(series, plot, columnWidth, values).map((i): [number, number] => {
    if (i < 0) return [NaN, NaN];
    const [x, y] = [plot.x.at(series.x[i]!), plot.y.at(values[i]!)];
    return [thinned ? Math.round(x / grid) * grid : x, faint ? Math.round(y) : y];
  });
  return linePath(thinned ? straightened(points, unseen) : points);
}

/** So far, in pixels, a line may be from a point that it passes. */
const unseen = 0.75;

interface Describing {
  readonly xName: string;
  readonly describeX: (value: number) => string;
  readonly log: boolean;
  readonly smoothing: Smoothing | undefined;
}

function summaryOf(sums: readonly SeriesSums[], leftOut: number, { xName, describeX, log, smoothing }: Describing): string {
  const seen = sums.filter(({ shown }) => shown > 0);
  const one = seen[0];
  const sentences: string[] = [];
  if (one === undefined) sentences.push(sums.length === 0 ? 'There is nothing to draw.' : `None of the ${formatCount(sums.length, 'series', 'series')} has a point that can be drawn.`);
  else if (seen.length === 1) sentences.push(oneSeries(one, xName, describeX));
  else {
    const least = seen.reduce((a, b) => (b.least < a.least ? b : a));
    const greatest = seen.reduce((a, b) => (b.greatest > a.greatest ? b : a));
    sentences.push(`${seen.length} series; the least value is ${formatNumber(least.least)} (${shortName(least.name)}), the greatest ${formatNumber(greatest.greatest)} (${shortName(greatest.name)}).`);
  }
  const notFinite = sums.reduce((sum, { gaps }) => sum + gaps, 0);
  if (notFinite > 0) sentences.push(`${formatCount(notFinite, 'value is', 'values are')} not finite and ${notFinite === 1 ? 'leaves a gap' : 'leave gaps'}.`);
  const offLog = sums.reduce((sum, { notPositive }) => sum + notPositive, 0);
  if (log && offLog > 0) sentences.push(`${formatCount(offLog, 'point is', 'points are')} not above 0 and left out of the logarithmic axis.`);
  if (leftOut > 0) sentences.push(`${formatCount(leftOut, 'series is', 'series are')} left out.`);
  if (smoothing) sentences.push(`Smoothed: ${smoothingName(smoothing)}; the raw values are the faint lines.`);
  return sentences.join(' ');
}

function oneSeries({ name: whole, total, first, last, least, leastAt, greatest, greatestAt }: SeriesSums, xName: string, describeX: (value: number) => string): string {
  const name = shortName(whole);
  if (total === 1) return `${name} has one point: ${formatNumber(last)} at ${xName} ${describeX(leastAt)}.`;
  if (least === greatest) return `${name} is ${formatNumber(least)} at all of its ${formatCount(total, 'point')}.`;
  const way = last < first ? 'falls' : last > first ? 'rises' : 'goes';
  const extreme = last <= first ? `its least value is ${formatNumber(least)} at ${xName} ${describeX(leastAt)}` : `its greatest value is ${formatNumber(greatest)} at ${xName} ${describeX(greatestAt)}`;
  return `${name} ${way} from ${formatNumber(first)} to ${formatNumber(last)} over ${formatCount(total, 'point')}; ${extreme}.`;
}
