import * as z from 'zod/mini';
import { check } from '../../core/schema.ts';
import type { MetricSeries } from '../../tracking/series/metric-series.ts';
import { lineChartAlong, type LineSeries } from '../charts/line.ts';
import type { Alternative } from '../charts/line-ways.ts';
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
    const ordered = curves.slice(0, part.maxSeries ?? mostRuns).map((curve) => inOrder(curve, x));
    const unit = unitOf(ordered);
    const ways = { step: { name: 'Steps', label: 'step', kind: 'linear' }, relative: { name: 'Time since the start', label: `${unit.name} since the start`, kind: 'linear' }, wall: { name: 'Time of day', label: `time (${timeZone})`, kind: 'time' } } as const;
    const along = { step: ordered.map(({ steps }) => steps), relative: ordered.map(({ since }) => since.map((ms) => ms / unit.ms)), wall: ordered.map(({ times }) => times) };
    const alternatives = (['step', 'relative', 'wall'] as const).map((way): Alternative => ({ ...ways[way], x: way === x ? undefined : along[way] }));
    // Lines that are left out are counted, not read.
    const lines = curves.map(({ run, series }, i): LineSeries => (i < ordered.length ? { name: run, x: along[x][i]!, y: ordered[i]!.values, total: series.total } : { name: run, x: [], y: [] }));
    const chart = lineChartAlong(lines, alternatives, {
      title: name,
      x: x === 'wall' ? 'time' : 'linear',
      ...(x === 'wall' ? { timeZone } : { xLabel: ways[x].label }),
      y: log ? 'log' : 'linear',
      yLabel: name,
      smoothing,
      maxSeries: part.maxSeries ?? mostRuns,
    });
    return figureOf(chart, `curves-${idOf(name)}`, { redrawn: true });
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

/** The points of a curve in the order in which they are drawn. */
interface OrderedCurve {
  readonly steps: Float64Array;
  readonly times: Float64Array;
  /** Milliseconds since the start of the run. */
  readonly since: Float64Array;
  readonly values: Float64Array;
}

/** A series goes on by its steps; along times, points may have to be put in order. */
function inOrder({ series: { steps, timestamps, values }, startedAt = timestamps[0] ?? 0 }: RunCurve, x: 'step' | 'relative' | 'wall'): OrderedCurve {
  const key = x === 'step' ? steps : timestamps;
  const order = key.every((at, i) => i === 0 || at >= key[i - 1]!) ? undefined : Array.from(key, (_, i) => i).sort((a, b) => key[a]! - key[b]!);
  const sorted = (list: Float64Array): Float64Array => (order === undefined ? list : Float64Array.from(order, (i) => list[i]!));
  const times = sorted(timestamps);
  return { steps: sorted(steps), times, since: times.map((time) => time - startedAt), values: sorted(values) };
}

function unitOf(curves: readonly OrderedCurve[]): { readonly ms: number; readonly name: string } {
  const longest = curves.reduce((most, { since }) => since.reduce((a, b) => (b > a ? b : a), most), 0);
  return longest >= 7_200_000 ? { ms: 3_600_000, name: 'hours' } : longest >= 120_000 ? { ms: 60_000, name: 'minutes' } : { ms: 1_000, name: 'seconds' };
}
