import * as z from 'zod/mini';
import { ValidationError } from '../../core/errors.ts';
import { check } from '../../core/schema.ts';
import { html } from '../markup/html.ts';
import { plotOf, type Plot } from '../svg/axes.ts';
import { formatCount, formatNumber } from '../svg/format.ts';
import { legendOf } from '../svg/legend.ts';
import type { Scale } from '../svg/scale.ts';
import { shortName } from '../svg/text.ts';
import { formatWallTime, wallClock, type WallClock } from '../svg/wall-time.ts';
import { heightOption, smoothingOption, widthOption } from './chart-options.ts';
import { DrawnChart, type Chart } from './chart.ts';
import { lineMarks, linesGroup } from './line-marks.ts';
import { pathOf, visibleOf } from './line-paths.ts';
import { areWhole, lineScale } from './line-scale.ts';
import { lineSpec } from './line-spec.ts';
import { waysOf, type Alternative } from './line-ways.ts';
import { seriesTable, sumUp, type SeriesSums } from './series-sums.ts';
import { smoothed, smoothingName, type Smoothing } from './smoothing.ts';

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
  return lineChartAlong(series, [], options);
}

/** The same, of lines that a page may put along something else. */
export function lineChartAlong(series: readonly LineSeries[], alternatives: readonly Alternative[], options: LineChartOptions): DrawnChart {
  const { title, xLabel, yLabel, x = 'linear', y = 'linear', smoothing, timeZone = 'UTC', maxSeries = 20, width = 640, height = 300 } = check(optionsSchema, options, 'options');
  for (const { name, x: along, y: up } of series) {
    if (along.length !== up.length) throw new ValidationError(`Series '${name}' has ${along.length} x and ${up.length} y; give as many of both.`, { path: 'series' });
  }
  const clock = wallClock(timeZone);
  const drawn = series.slice(0, maxSeries);
  const xName = xLabel ?? (x === 'time' ? `time (${timeZone})` : 'step');
  const legend = legendOf(
    drawn.map(({ name }, index) => ({ name, index, sign: hasMarkers(drawn) ? 'line and marker' : 'line' })),
    width,
  );
  const xs = drawn.map((one) => one.x);
  const ys = drawn.map((one) => one.y);
  const plot = plotOf({ width, height, x: { label: xName, scale: lineScale(x, xs, clock, { whole: areWhole(xs) }) }, y: { label: yLabel, scale: lineScale(y, ys, clock, { up: true }) } });
  const sums = drawn.map((one) => sumUp(one, x === 'log', y === 'log'));
  const other = otherScale(y, ys, sums, plot, clock);
  // Many lines hide each other's details; what is drawn of each is less.
  const columnWidth = Math.min(6, Math.max(1, Math.ceil(drawn.length / 3)));
  const draw = (one: LineSeries, values: ArrayLike<number>, faint = false): string => pathOf(one.x, values, { plot, other, columnWidth: faint ? 2 * columnWidth : columnWidth, faint });
  const marked = hasMarkers(drawn);
  const lines = drawn.map((one, i) => {
    const smooth = smoothing && smoothed(one.x, one.y, smoothing);
    const markers = marked ? Array.from({ length: one.x.length }, (_, at) => [plot.x.at(one.x[at]!), plot.y.at(one.y[at]!)] as const).filter(([left, top]) => left === left && top === top) : [];
    return lineMarks({ name: one.name, path: draw(one, smooth ?? one.y), faint: smooth && draw(one, one.y, true), markers }, i);
  });
  const describeX = x === 'time' ? (value: number) => formatWallTime(clock, value) : formatNumber;
  return new DrawnChart({
    title,
    summary: summaryOf(sums, series.length - drawn.length, { xName, describeX, log: x === 'log' || y === 'log', smoothing }),
    table: seriesTable(drawn, sums, series.length - drawn.length, xName, describeX),
    width,
    height: height + legend.height,
    readout: plot,
    redraw: () => ({
      height,
      y: { kind: y, label: yLabel, both: other !== undefined },
      ...waysOf(drawn, { kind: x, label: xName }, alternatives, plot.x),
      ranges: sums.map(({ shown, least, greatest }) => (shown > 0 ? [least, greatest].map((value) => Number(value.toPrecision(6))) : [])),
      isSmoothed: smoothing !== undefined,
      smooth: smoothing === undefined && !marked ? drawn.map((one) => draw(one, smoothed(one.x, one.y, usualSmoothing))) : undefined,
    }),
    marks: html`${plot.axes}${linesGroup(lines)}${legend.draw(height)}`,
    vegaLite: () => lineSpec(drawn, { xName, yName: yLabel ?? 'value', x, y, visible: drawn.map((one) => visibleOf(one.x, one.y, plot, columnWidth)) }),
  });
}

/** What a page smooths by where nothing else was chosen. */
const usualSmoothing: Smoothing = { method: 'exponential', weight: 0.6 };

/** The scale of values that a page may change to; none where points are missing that it would have to show, or where it would have none. */
function otherScale(y: 'linear' | 'log', ys: readonly ArrayLike<number>[], sums: readonly SeriesSums[], plot: Plot, clock: WallClock): Scale | undefined {
  const isOffered = y === 'log' ? sums.every(({ notPositive }) => notPositive === 0) : sums.some(({ greatest }) => greatest > 0);
  return isOffered ? lineScale(y === 'log' ? 'linear' : 'log', ys, clock, { up: true })({ range: plot.y.range, gap: 34 }) : undefined;
}

function hasMarkers(series: readonly LineSeries[]): boolean {
  return series.reduce((sum, { x }) => sum + x.length, 0) <= 120;
}

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
