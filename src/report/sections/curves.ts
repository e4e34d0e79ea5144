import * as z from 'zod/mini';
import { check } from '../../core/schema.ts';
import type { MetricSeries } from '../../tracking/series/metric-series.ts';
import { lineChart, type LineSeries } from '../charts/line.ts';
import { smoothingOption } from '../charts/chart-options.ts';
import type { Smoothing } from '../charts/smoothing.ts';
import { html, type Html } from '../markup/html.ts';
import type { ReportContext } from '../page/context.ts';
import { figureOf } from '../page/figure.ts';
import type { Section } from '../page/section.ts';
import { formatCount } from '../svg/format.ts';

/** Metrics over the course of runs. */
export interface CurvesPart {
  /** A chart for each. */
  readonly metrics: readonly CurveMetric[];
  /** What the curves go along: steps, the time since each run's start, or the time of day. @default 'step' */
  readonly x?: 'step' | 'relative' | 'wall' | undefined;
  /** Whether values stand on a logarithmic axis. @default false */
  readonly log?: boolean | undefined;
  /** How curves are smoothed; the raw ones stay, faintly. @default none */
  readonly smoothing?: Smoothing | undefined;
  /** How many runs are drawn in one chart, the first ones; the others are counted. @default 10 */
  readonly maxSeries?: number | undefined;
}

/** One metric of several runs. */
export interface CurveMetric {
  /** Name of the metric. */
  readonly name: string;
  /** Its course in each run. */
  readonly curves: readonly RunCurve[];
}

/** One metric of one run. */
export interface RunCurve {
  /** Name of the run, or its id. */
  readonly run: string;
  /** When the run started, epoch milliseconds; what `relative` counts from. @default the time of the first point */
  readonly startedAt?: number | undefined;
  /** As `tracker.metricHistory` gives it. */
  readonly series: MetricSeries;
}

/** More lines than these can hardly be told apart. */
const mostRuns = 10;

const optionsSchema = z.object({
  x: z.optional(z.enum(['step', 'relative', 'wall'])),
  log: z.optional(z.boolean()),
  smoothing: smoothingOption,
});

/** A chart of curves for each metric. */
export function curvesSection(part: CurvesPart, { timeZone }: ReportContext): Section {
  const { x = 'step', log = false, smoothing } = check(optionsSchema, part, 'parts.curves');
  const charts = part.metrics.map(({ name, curves }): Html => {
    const along = lines(curves, x);
    const chart = lineChart(along.series, {
      title: name,
      x: x === 'wall' ? 'time' : 'linear',
      ...(x === 'wall' ? { timeZone } : { xLabel: along.label }),
      y: log ? 'log' : 'linear',
      yLabel: name,
      smoothing,
      maxSeries: part.maxSeries ?? mostRuns,
    });
    return figureOf(chart, `curves-${idOf(name)}`);
  });
  const body = charts.length === 0 ? html`<p>There are no metrics.</p>` : html`<p>${formatCount(charts.length, 'metric')}${thinned(part)}.</p><div class="figures">${charts}</div>`;
  return { id: 'curves', title: 'Metrics', body };
}

/** A text as part of an id: other texts give other ids. */
function idOf(name: string): string {
  return name.replace(/[^A-Za-z0-9-]/gu, (character) => `_${character.codePointAt(0)!.toString(36)}_`);
}

function thinned({ metrics }: CurvesPart): string {
  const few = metrics.reduce((sum, { curves }) => sum + curves.filter(({ series }) => !series.exact).length, 0);
  return few === 0 ? '' : `; ${formatCount(few, 'curve shows', 'curves show')} only the extremes of more points`;
}

function lines(curves: readonly RunCurve[], x: 'step' | 'relative' | 'wall'): { readonly series: LineSeries[]; readonly label: string } {
  if (x !== 'relative') return { series: curves.map(({ run, series }) => lineOf(run, series, x === 'step' ? series.steps : series.timestamps)), label: 'step' };
  const since = curves.map(({ series: { timestamps }, startedAt = timestamps[0] ?? 0 }) => timestamps.map((time) => time - startedAt));
  const longest = since.reduce((most, times) => times.reduce((a, b) => (b > a ? b : a), most), 0);
  const [unit, name] = longest >= 7_200_000 ? [3_600_000, 'hours'] : longest >= 120_000 ? [60_000, 'minutes'] : [1_000, 'seconds'];
  return { series: curves.map(({ run, series }, i) => lineOf(run, series, since[i]!.map((ms) => ms / unit))), label: `${name} since the start` };
}

/** A series goes on by its steps; along times, points may have to be put in order. */
function lineOf(name: string, { values, total }: MetricSeries, x: Float64Array): LineSeries {
  if (x.every((at, i) => i === 0 || at >= x[i - 1]!)) return { name, x, y: values, total };
  const order = Array.from(x, (_, i) => i).sort((a, b) => x[a]! - x[b]!);
  return { name, x: order.map((i) => x[i]!), y: order.map((i) => values[i]!), total };
}
