import type { PipelineRunSummary } from '../../pipelines/history/run-summary.ts';
import type { StepResult } from '../../pipelines/step-result.ts';
import { ganttSpans, type GanttSpan, type GanttSpanKind } from '../layouts/gantt-rows.ts';
import { html, type Html } from '../markup/html.ts';
import { plotOf } from '../svg/axes.ts';
import { band } from '../svg/band-scale.ts';
import { formatCount, formatDuration } from '../svg/format.ts';
import { seriesStyle } from '../svg/palette.ts';
import { linear } from '../svg/scale.ts';
import { px } from '../svg/shapes.ts';
import { signAt } from '../svg/signs.ts';
import { DrawnChart, type Chart } from './chart.ts';
import { signLegend } from './sign-legend.ts';
import { stepLook } from './step-looks.ts';

/** A run whose steps lie in time: what `run` returns, or `getRun`. */
export interface TimedRun extends Pick<PipelineRunSummary, 'pipeline' | 'timings'> {
  /** What became of each step, by name. */
  readonly steps: Readonly<Record<string, StepResult>>;
}

const mostRows = 60;
const rowHeight = 22;
const width = 760;

const units: readonly (readonly [ms: number, name: string])[] = [
  [86_400_000, 'days'],
  [3_600_000, 'hours'],
  [60_000, 'minutes'],
  [1_000, 'seconds'],
  [1, 'milliseconds'],
];

/**
 * What each step of a run did when: attempts, those that failed, pauses between them, waits for a moment or for somebody, and outputs that were taken from earlier runs. Of a run with many steps those are shown that took longest or did not succeed, and the
 * chart says how many it left out.
 *
 * @example
 * ```ts
 * import { MemoryStorage, Pipeline } from 'modelkeep';
 * import { pipelineGantt } from 'modelkeep/report';
 *
 * const pipeline = new Pipeline({ name: 'retrain', storage: new MemoryStorage() });
 * pipeline.step('train', {}, () => 'a model');
 * const chart = pipelineGantt(await pipeline.run());
 * console.log(chart.table.rows[0]?.slice(0, 2)); // [ 'train', 'attempt 1' ]
 * ```
 */
export function pipelineGantt(run: TimedRun): Chart {
  const { startedAt } = run.timings;
  const steps = Object.values(run.steps);
  const until = run.timings.endedAt ?? Math.max(startedAt, ...steps.flatMap((step) => [step.startedAt ?? startedAt, step.endedAt ?? startedAt, ...step.failures.map(({ at }) => at), step.waitingFor?.since ?? startedAt]));
  const timed = steps.map((step) => ({ step, spans: ganttSpans(step, until) }));
  const rows = chosen(timed);
  const [unit, unitName] = units.find(([ms]) => until - startedAt >= 2 * ms) ?? [1, 'milliseconds'];
  const names = rows.map(({ step }) => step.name).reverse();
  const legend = signLegend(meaningsOf(rows.flatMap(({ spans }) => spans)), width);
  const chartHeight = rows.length * rowHeight + 56;
  const plot = plotOf({ width, height: chartHeight, x: { label: `${unitName} since the run began`, scale: linear([0, Math.max(1, until - startedAt) / unit]) }, y: { scale: band(names) } });
  const at = (time: number): number => plot.x.at((time - startedAt) / unit);
  const marks = rows.map(({ step, spans }, i) => {
    const y = plot.y.at(rows.length - 1 - i);
    if (spans.length === 0) return html`<text x="${px(plot.left + 6)}" y="${px(y + 4)}" fill-opacity=".8">${stepLook(step).word}</text>`;
    return spans.map((span) => markOf(span, step.name, at, y));
  });
  const left = rows.length < steps.length ? `The picture shows ${rows.length} of ${steps.length} steps, those that did not succeed and those that took longest.` : undefined;
  return new DrawnChart({
    title: `Time of the steps of ${run.pipeline}`,
    summary: `${summaryOf(run, timed, until)}${left === undefined ? '' : ` ${left}`}`,
    table: {
      columns: ['step', 'what', 'began, ms', 'took, ms'],
      rows: rows.flatMap(({ step, spans }): (string | number | null)[][] => (spans.length === 0 ? [[step.name, stepLook(step).word, null, null]] : spans.map(({ what, from, to }) => [step.name, what, from - startedAt, to - from]))),
      leftOut: left,
    },
    width,
    height: legend.height + chartHeight,
    marks: html`${legend.draw(0)}<g transform="translate(0 ${legend.height})">${plot.axes}${marks}</g>`,
    vegaLite: () => ({
      data: { values: rows.flatMap(({ step, spans }) => spans.map(({ kind, what, from, to }) => ({ step: step.name, kind, what, from: (from - startedAt) / unit, to: (to - startedAt) / unit }))) },
      mark: { type: 'bar', minBandSize: 4 },
      encoding: {
        y: { field: 'step', type: 'nominal', sort: null, title: null },
        x: { field: 'from', type: 'quantitative', title: `${unitName} since the run began` },
        x2: { field: 'to' },
        color: { field: 'kind', type: 'nominal' },
        tooltip: [{ field: 'step' }, { field: 'what' }, { field: 'from' }, { field: 'to' }],
      },
    }),
  });
}

interface TimedStep {
  readonly step: StepResult;
  readonly spans: readonly GanttSpan[];
}

function chosen(timed: readonly TimedStep[]): readonly TimedStep[] {
  if (timed.length <= mostRows) return timed;
  const lengthOf = ({ spans }: TimedStep): number => (spans.at(-1)?.to ?? 0) - (spans[0]?.from ?? 0);
  const told = ({ step }: TimedStep): number => (step.status === 'failed' ? 2 : step.status === 'waiting' || step.status === 'retrying' || step.status === 'cancelled' ? 1 : 0);
  const best = new Set([...timed].sort((a, b) => told(b) - told(a) || lengthOf(b) - lengthOf(a)).slice(0, mostRows));
  return timed.filter((each) => best.has(each));
}

function summaryOf({ timings, pipeline }: TimedRun, timed: readonly TimedStep[], until: number): string {
  const longest = timed.reduce<{ name: string; took: number } | undefined>((best, { step, spans }) => {
    const took = spans.filter(({ kind }) => kind !== 'wait' && kind !== 'pause').reduce((sum, { from, to }) => sum + to - from, 0);
    return took > (best?.took ?? 0) ? { name: step.name, took } : best;
  }, undefined);
  const waited = timed.flatMap(({ spans }) => spans).filter(({ kind }) => kind === 'wait').reduce((sum, { from, to }) => sum + to - from, 0);
  const cached = timed.filter(({ spans }) => spans[0]?.kind === 'cached').length;
  const retried = timed.filter(({ step }) => step.attempts > 1).length;
  return [
    `${pipeline} ${timings.endedAt === undefined ? 'has run for' : 'took'} ${formatDuration(until - timings.startedAt)}.`,
    longest && `The longest work was ${longest.name} (${formatDuration(longest.took)}).`,
    waited > 0 && `Steps waited ${formatDuration(waited)} in all.`,
    retried > 0 && `${formatCount(retried, 'step')} took more than one attempt.`,
    cached > 0 && `${formatCount(cached, 'output')} came from earlier runs.`,
  ]
    .filter((part) => typeof part === 'string')
    .join(' ');
}

function markOf({ kind, from, to, what }: GanttSpan, name: string, at: (time: number) => number, y: number): Html {
  const x = at(from);
  return draw(kind, x, Math.max(2, at(to) - x), y, `${name}: ${what}, ${formatDuration(to - from)}`);
}

/** A stretch, told from the others by its form. */
function draw(kind: GanttSpanKind, x: number, length: number, y: number, tip?: string): Html {
  const title = tip !== undefined && html`<title>${tip}</title>`;
  const { className, color } = seriesStyle(kind === 'failed' || kind === 'failed-between' ? 1 : kind === 'wait' ? 4 : 0);
  const rect = (attributes: Html): Html => html`<rect x="${px(x)}" y="${px(y - 6)}" width="${px(length)}" height="12" rx="2"${attributes}>${title}</rect>`;
  const group = (content: Html): Html => html`<g class="${className}" color="${color}">${content}</g>`;
  switch (kind) {
    case 'attempt':
      return group(rect(html` fill="currentColor"`));
    case 'failed':
      return group(html`${rect(html` fill="currentColor" fill-opacity=".3" stroke="currentColor" stroke-width="1.5"`)}${signAt('cross', x + length / 2, y)}`);
    case 'failed-between':
      return group(html`${rect(html` fill="none" stroke="currentColor" stroke-width="1.5" stroke-dasharray="3 2"`)}${signAt('cross', x + length, y)}`);
    case 'pause':
      return html`<path d="M${px(x)} ${px(y)}h${px(length)}" stroke="#888" stroke-width="2" stroke-dasharray="2 3">${title}</path>`;
    case 'wait':
      return group(rect(html` fill="none" stroke="currentColor" stroke-width="1.5" stroke-dasharray="5 3"`));
    case 'cached':
      return group(html`<g>${signAt('diamond', x, y)}${title}</g>`);
  }
}

const meanings: readonly (readonly [GanttSpanKind, string])[] = [
  ['attempt', 'attempt'],
  ['failed', 'failed attempt'],
  ['failed-between', 'failed attempt whose beginning is not recorded'],
  ['pause', 'pause before the next'],
  ['wait', 'wait for a moment or somebody'],
  ['cached', 'output of an earlier run'],
];

function meaningsOf(spans: readonly GanttSpan[]): { name: string; draw: (x: number, y: number) => Html }[] {
  const kinds = new Set(spans.map(({ kind }) => kind));
  return meanings.filter(([kind]) => kinds.has(kind)).map(([kind, name]) => ({ name, draw: (x, y) => (kind === 'cached' ? draw(kind, x, 0, y) : draw(kind, x - 10, 20, y)) }));
}
