import type { PipelineRun, StepHistory } from '../../pipelines/history/read-run.ts';
import { layeredGraph } from '../layouts/layered-graph.ts';
import { html } from '../markup/html.ts';
import { formatCount, formatDuration } from '../svg/format.ts';
import { DrawnChart, type Chart, type DataTable } from './chart.ts';
import { drawGraph, type GraphBox } from './drawn-graph.ts';
import { stepLook, stepTook, stepWhy, stepWords } from './step-looks.ts';

const mostSteps = 120;
const mostEdges = 600;

/**
 * The steps of a run as a graph from left to right: a box per step with its state in words and by a sign, a line for what it takes from another step, a dashed line where it only comes after it. Of a run with many steps those that did not
 * succeed come first, and the chart says how many it left out.
 *
 * @example
 * ```ts
 * import { MemoryStorage, Pipeline } from 'modelkeep';
 * import { pipelineGraph } from 'modelkeep/report';
 *
 * const pipeline = new Pipeline({ name: 'retrain', storage: new MemoryStorage() });
 * const rows = pipeline.step('ingest', {}, () => [1, 2, 6]);
 * pipeline.step('train', { needs: { rows } }, ({ inputs }) => inputs.rows.length);
 * const { id } = await pipeline.run();
 * const chart = pipelineGraph(await pipeline.getRun(id));
 * console.log(chart.title, chart.table.rows.map(([step, state]) => `${step} ${state}`)); // Steps of retrain [ 'ingest succeeded', 'train succeeded' ]
 * ```
 */
export function pipelineGraph(run: PipelineRun): Chart {
  const all = Object.values(run.steps);
  const shown = chosen(all);
  const numbers = new Map(shown.map(({ name }, i) => [name, i]));
  const links = linksOf(shown, numbers);
  const layout = layeredGraph({ nodes: shown.length, edges: links.slice(0, mostEdges).map(({ from, to }) => [from, to]) });
  const looks = new Map(links.map(({ from, to, dashed }) => [`${from} ${to}`, { dashed }]));
  const { width, height, marks } = drawGraph(layout, shown.map(boxOf), layout.edges.map(({ from, to }) => looks.get(`${from} ${to}`)!));
  const left = leftOut(all.length, shown.length, links.length);
  return new DrawnChart({
    title: `Steps of ${run.pipeline}`,
    summary: summaryOf(run, all, left),
    table: tableOf(all, left),
    width,
    height,
    marks: shown.length === 0 ? html`<text x="4" y="24">No steps.</text>` : marks,
    keepsSize: true,
    vegaLite: () => ({
      data: { values: shown.map(({ name, status }, i) => ({ step: name, status, layer: layout.nodes[i]!.layer, row: layout.nodes[i]!.row })) },
      mark: { type: 'point', filled: true, size: 150 },
      encoding: {
        x: { field: 'layer', type: 'ordinal', title: 'layer' },
        y: { field: 'row', type: 'quantitative', axis: null, scale: { reverse: true } },
        color: { field: 'status', type: 'nominal' },
        shape: { field: 'status', type: 'nominal' },
        tooltip: [{ field: 'step' }, { field: 'status' }],
      },
    }),
  });
}

/** All steps of a small run; of a large one those that did not succeed, then the first. */
function chosen(all: readonly StepHistory[]): readonly StepHistory[] {
  if (all.length <= mostSteps) return all;
  const wanted = new Set([...all.filter(({ status }) => status !== 'succeeded'), ...all].slice(0, mostSteps).map(({ name }) => name));
  for (const { name } of all) if (wanted.size < mostSteps) wanted.add(name);
  return all.filter(({ name }) => wanted.has(name));
}

interface Link {
  readonly from: number;
  readonly to: number;
  readonly dashed: boolean;
}

function linksOf(steps: readonly StepHistory[], numbers: ReadonlyMap<string, number>): Link[] {
  const links = new Map<string, Link>();
  for (const [to, { needs, after }] of steps.entries()) {
    const upstream = [...after.map((name) => [name, true] as const), ...Object.values(needs).map((name) => [name, false] as const)];
    for (const [name, dashed] of upstream) {
      const from = numbers.get(name);
      // What is needed is said, whatever else is.
      if (from !== undefined) links.set(`${from} ${to}`, { from, to, dashed });
    }
  }
  return [...links.values()];
}

function boxOf(step: StepHistory): GraphBox {
  const { sign, color, border } = stepLook(step);
  const why = stepWhy(step);
  return { name: step.name, detail: stepWords(step), title: `${step.name}: ${stepWords(step)}${why === undefined ? '' : `: ${why}`}`, sign, color, border };
}

/** What came of a run, in words. */
function summaryOf(run: PipelineRun, steps: readonly StepHistory[], left: string | undefined): string {
  const counts = new Map<string, number>();
  for (const step of steps) counts.set(stepLook(step).word, (counts.get(stepLook(step).word) ?? 0) + 1);
  const took = run.timings.durationMs === undefined ? '' : ` after ${formatDuration(run.timings.durationMs)}`;
  const bad = steps.filter(({ status }) => status === 'failed').slice(0, 3).map(({ name, failure }) => `${name}${failure ? ` (${failure.message})` : ''}`);
  const failed = bad.length === 0 ? '' : ` Failed: ${bad.join('; ')}.`;
  return `Run ${run.id} ${run.status}${took}: ${formatCount(steps.length, 'step')}, ${[...counts].map(([word, count]) => `${count} ${word}`).join(', ')}.${failed}${left === undefined ? '' : ` ${left}`}`;
}

function leftOut(steps: number, shown: number, links: number): string | undefined {
  const parts: string[] = [];
  if (shown < steps) parts.push(`The picture shows ${shown} of ${steps} steps, those that did not succeed first.`);
  if (links > mostEdges) parts.push(`It shows ${mostEdges} of ${links} lines.`);
  return parts.length === 0 ? undefined : parts.join(' ');
}

const mostRows = 500;

function tableOf(steps: readonly StepHistory[], left: string | undefined): DataTable {
  const rows = steps.slice(0, mostRows).map((step) => [step.name, stepLook(step).word, step.attempts, stepTook(step) ?? null, [...new Set([...Object.values(step.needs), ...step.after])].join(', '), stepWhy(step) ?? '']);
  const cut = steps.length > mostRows ? `The table shows ${mostRows} of ${steps.length} steps.` : undefined;
  return { columns: ['step', 'state', 'attempts', 'took, ms', 'comes after', 'why'], rows, leftOut: [left, cut].filter((part) => part !== undefined).join(' ') || undefined };
}
