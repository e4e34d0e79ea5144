import type { PipelineRun, StepHistory } from '../../pipelines/history/read-run.ts';
import type { RunCause } from '../../pipelines/launching/run-cause.ts';
import type { PipelineResult } from '../../pipelines/run-result.ts';
import type { StepResult } from '../../pipelines/step-result.ts';
import { pipelineGantt } from '../charts/pipeline-gantt.ts';
import { pipelineGraph } from '../charts/pipeline-graph.ts';
import { stepLook, stepTook, stepWhy } from '../charts/step-looks.ts';
import { html } from '../markup/html.ts';
import type { ReportContext } from '../page/context.ts';
import { figureOf } from '../page/figure.ts';
import type { Section } from '../page/section.ts';
import { tableOf } from '../page/table.ts';
import { formatCount, formatDuration } from '../svg/format.ts';
import { sentence } from '../svg/sentence.ts';
import { badge, facts, prose, type Badge, type Fact } from './badge.ts';

const mostSteps = 200;

/** A run of a pipeline: how it ended and why, its steps as a graph and in time, and a table of them. The graph is of what `getRun` gives, for what `run` returns does not tell which steps need which. */
export function pipelineSection(run: PipelineRun | PipelineResult, context: ReportContext, id: string): Section {
  const steps = Object.values(run.steps);
  const shown = [...steps].sort((a, b) => urgency(b) - urgency(a)).slice(0, mostSteps);
  const body = html`<p>${badge(statusBadge(run.status))} ${whyOf(run, steps)}</p>${facts(factsOf(run, context))}${hasGraph(run) && figureOf(pipelineGraph(run), `${id}-graph`)}${figureOf(pipelineGantt(run), `${id}-time`)}<h3>Steps</h3>${steps.length > shown.length && html`<p>Showing ${shown.length} of ${steps.length} steps, those that did not succeed first.</p>`}${tableOf({
    caption: 'Steps of the run',
    columns: ['step', 'state', 'began', 'took', 'attempts', 'why'],
    rows: shown.map((step) => [
      step.name,
      badge({ text: stepLook(step).word, tone: toneOf(step) }),
      step.startedAt === undefined ? null : { shown: context.timeElement(step.startedAt), sort: step.startedAt },
      stepTook(step) === undefined ? null : { shown: formatDuration(stepTook(step)!), sort: stepTook(step)! },
      step.attempts,
      prose(step.cache === undefined ? (stepWhy(step) ?? '') : `taken from run ${step.cache.run}`),
    ]),
    interactive: shown.length > 10,
  })}`;
  return { id, title: `Pipeline ${run.pipeline}`, body };
}

function hasGraph(run: PipelineRun | PipelineResult): run is PipelineRun {
  return Object.values(run.steps).every((step): step is StepHistory => 'needs' in step);
}

function urgency({ status }: StepResult): number {
  return status === 'failed' ? 3 : status === 'succeeded' ? 0 : status === 'skipped' ? 1 : 2;
}

function toneOf({ status }: StepResult): Badge['tone'] {
  if (status === 'succeeded') return 'good';
  if (status === 'failed' || status === 'upstream_failed') return 'bad';
  return status === 'waiting' || status === 'retrying' || status === 'cancelled' ? 'warn' : 'plain';
}

function statusBadge(status: PipelineRun['status']): Badge {
  if (status === 'succeeded') return { text: 'succeeded', tone: 'good' };
  if (status === 'failed') return { text: 'failed', tone: 'bad' };
  return { text: status, tone: status === 'running' ? 'plain' : 'warn' };
}

function whyOf({ failure, cancellation }: PipelineRun | PipelineResult, steps: readonly StepResult[]): string {
  if (failure !== undefined) return sentence(failure.message);
  if (cancellation !== undefined) return sentence(`Cancelled${cancellation.by === undefined ? '' : ` by ${cancellation.by}`}${cancellation.reason === undefined ? '' : `: ${cancellation.reason}`}`);
  const failed = steps.filter(({ status }) => status === 'failed');
  const first = failed[0];
  return first === undefined ? '' : sentence(`${formatCount(failed.length, 'step')} failed; ${first.name}: ${first.failure?.message ?? 'no reason is recorded'}`);
}

function factsOf(run: PipelineRun | PipelineResult, { timeElement }: ReportContext): Fact[] {
  const { startedAt, endedAt, durationMs } = run.timings;
  const list: Fact[] = [
    ['run', html`<code>${run.id}</code>`],
    ['began', timeElement(startedAt)],
  ];
  if (endedAt !== undefined && durationMs !== undefined) list.push(['ended', html`${timeElement(endedAt)}, after ${formatDuration(durationMs)}`]);
  if ('triggeredBy' in run && run.triggeredBy !== undefined) list.push(['started by', html`<bdi>${causeText(run.triggeredBy)}</bdi>`]);
  if ('params' in run && run.params !== undefined) list.push(['params', html`<code>${JSON.stringify(run.params)?.slice(0, 500)}</code>`]);
  return list;
}

function causeText(cause: RunCause): string {
  switch (cause.kind) {
    case 'call':
      return `a call${cause.by === undefined ? '' : ` by ${cause.by}`}${cause.reason === undefined ? '' : ` (${cause.reason})`}`;
    case 'schedule':
    case 'backfill':
      return `${cause.kind} ${cause.name}`;
    case 'trigger':
      return `trigger ${cause.name}, by ${cause.ref.kind} ${cause.ref.id}`;
    case 'pipeline':
      return `step ${cause.step} of pipeline ${cause.pipeline}`;
  }
}
