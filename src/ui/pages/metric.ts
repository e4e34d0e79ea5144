import { lineChart } from '../../report/charts/line.ts';
import type { Chart } from '../../report/charts/chart.ts';
import { html, type Html } from '../../report/markup/html.ts';
import { formatNumber } from '../../report/svg/format.ts';
import { figureOf } from '../../report/page/figure.ts';
import type { RunRecord } from '../../tracking/run-record.ts';
import type { MetricSeries } from '../../tracking/series/metric-series.ts';
import type { UiCall, UiPage } from '../call.ts';
import { digestOf } from '../../core/digest.ts';
import { runTitle } from './run-title.ts';

/** How a curve is drawn, as its address has it. */
interface CurveAsked {
  readonly x: 'step' | 'time' | 'relative';
  readonly y: 'linear' | 'log';
  readonly smoothing: number;
}

/** Runs whose curves stand in one picture. */
const mostRuns = 50;

/** The curve of a metric, of one run or of several, with the ways to draw it. */
export async function metricPage(call: UiCall): Promise<UiPage> {
  const { query, links } = call;
  const name = query.required('name');
  const runs = await runsOf(call);
  const asked = askedOf(call);
  const chart = await curveOf(call, name, runs, asked);
  const [first] = runs;
  const trail = [
    { title: 'Runs', href: links.to('runs') },
    { title: first!.experiment, href: links.to('runs', { experiment: first!.experiment }) },
    runs.length === 1 ? { title: runTitle(first!), href: links.to('run', { id: first!.id }) } : { title: 'Comparison', href: links.to('compare', { run: runs.map(({ id }) => id) }) },
  ];
  const body = html`<form class="choices" action="${links.to('metric')}" method="get" aria-label="How the curve is drawn">
${runs.map(({ id }) => html`<input type="hidden" name="run" value="${id}">`)}<input type="hidden" name="name" value="${name}">
${select('Across', 'x', asked.x, [['step', 'step'], ['time', 'time'], ['relative', 'time since the first point']])}
${select('Scale', 'y', asked.y, [['linear', 'linear'], ['log', 'logarithmic']])}
${select('Smoothing', 'smoothing', String(asked.smoothing), [['0', 'none'], ['0.5', 'some'], ['0.9', 'much'], ['0.99', 'very much']])}
<button>Draw</button></form>
<div id="curve" class="live-part">${chart}</div>`;
  const open = runs.length === 1 && first!.status === 'running';
  return { title: name, trail, body, ...(open && { live: links.to('live', { of: 'run', id: first!.id }) }) };
}

/** The curve alone, as a page of a run takes it in when it comes into view. */
export async function metricChart(call: UiCall): Promise<Html> {
  return curveOf(call, call.query.required('name'), await runsOf(call), askedOf(call));
}

async function runsOf({ store, query, signal }: UiCall): Promise<readonly RunRecord[]> {
  query.required('run');
  return Promise.all(query.all('run', mostRuns).map((id) => store.tracker.getRun(id, { signal })));
}

function askedOf({ query }: UiCall): CurveAsked {
  return { x: query.choice('x', ['step', 'time', 'relative']), y: query.choice('y', ['linear', 'log']), smoothing: Number(query.choice('smoothing', ['0', '0.5', '0.9', '0.99'])) };
}

async function curveOf({ store, limits, formats, signal }: UiCall, name: string, runs: readonly RunRecord[], { x, y, smoothing }: CurveAsked): Promise<Html> {
  const maxPoints = Math.max(10, Math.floor((4 * limits.points) / Math.max(4, runs.length)));
  const found = await Promise.all(runs.map(async (run) => ({ run, series: await store.tracker.metricHistory(run.id, name, { maxPoints, signal }) })));
  const drawn = found.filter(({ series }) => series.total > 0);
  // The parts of a page are apart by their ids, and names of metrics are no ids.
  const id = `chart-${digestOf(name).slice(7, 23)}`;
  if (drawn.length === 0) return html`<p class="muted" id="${id}">No point of <bdi>${name}</bdi> was logged yet.</p>`;
  if (!drawn.some(({ series }) => series.values.some(Number.isFinite))) return html`<p class="muted" id="${id}"><bdi>${name}</bdi> has no point that can be drawn: its values are ${formsOf(drawn.flatMap(({ series }) => [...series.values]))}.</p>`;
  const chart: Chart = lineChart(
    drawn.map(({ run, series }) => ({ name: runs.length === 1 ? name : runTitle(run), x: acrossOf(series, x), y: series.values, total: series.total })),
    {
      ...{ title: name, y, timeZone: formats.context.timeZone, maxSeries: mostRuns },
      ...(x === 'time' ? { x: 'time', xLabel: 'time' } : x === 'relative' ? { xLabel: 'seconds since the first point' } : {}),
      ...(smoothing > 0 && { smoothing: { method: 'exponential', weight: smoothing } }),
    },
  );
  return html`${figureOf(chart, id)}${pointsNote(drawn.map(({ series }) => series), formats.count)}`;
}

/** Which of the values that are no numbers to draw there are, such as "NaN and ∞". */
function formsOf(values: readonly number[]): string {
  return [...new Set(values.map((value) => formatNumber(value)))].sort().join(' and ');
}

function pointsNote(all: readonly MetricSeries[], count: (value: number) => string): Html {
  const shown = all.reduce((sum, { steps }) => sum + steps.length, 0);
  const total = all.reduce((sum, series) => sum + series.total, 0);
  return shown < total ? html`<p class="muted">Showing ${count(shown)} of ${count(total)} points, among them the extremes between.</p>` : html``;
}

function acrossOf({ steps, timestamps }: MetricSeries, x: CurveAsked['x']): Float64Array {
  if (x === 'step') return steps;
  // By step, times need not ascend; what came later counts as later.
  const ascending = timestamps.slice();
  for (let i = 1; i < ascending.length; i++) ascending[i] = Math.max(ascending[i]!, ascending[i - 1]!);
  return x === 'time' ? ascending : ascending.map((at) => (at - ascending[0]!) / 1000);
}

function select(label: string, name: string, chosen: string, options: readonly (readonly [value: string, text: string])[]): Html {
  return html`<label>${label} <select name="${name}">${options.map(([value, text]) => html`<option value="${value}"${value === chosen && html` selected`}>${text}</option>`)}</select></label>`;
}
