import { escapeSegment } from '../../core/key.ts';
import { html, type Html } from '../../report/markup/html.ts';
import { formatCount } from '../../report/svg/format.ts';
import { Pipeline } from '../../pipelines/pipeline.ts';
import type { PipelineRun } from '../../pipelines/history/read-run.ts';
import type { PipelineRunSummary } from '../../pipelines/history/run-summary.ts';
import { pipelineSection } from '../../report/sections/pipeline.ts';
import { readEachHead } from '../../storage/head-record.ts';
import type { UiCall, UiPage } from '../call.ts';
import { factLine } from '../page/fact-line.ts';
import { facts, link, liveLead, livePart, prose, state, table, type Cell } from '../page/table.ts';
import { Refusal } from '../refusal.ts';
import { eventsTable } from './events.ts';

/** Pipelines among which a run is looked for whose pipeline nobody named. */
const mostPipelines = 1000;
const mostSubRuns = 200;

/** The pipelines that have run, with their last runs. */
export async function pipelinesPage(call: UiCall): Promise<UiPage> {
  const { store, query, links, formats, signal } = call;
  const { items, next } = await Pipeline.list({ storage: store.storage, limit: 25, after: query.text('after'), signal });
  const rows = await Promise.all(
    items.map(async ({ name }): Promise<Cell[]> => {
      const last = await pipelineOf(call, name).searchRuns({ limit: 1, signal });
      const run = last.items[0];
      return [link(links.to('pipeline', { name }), name), run === undefined ? '–' : state(run.status), run === undefined ? '–' : formats.time(run.timings.startedAt), run === undefined ? '–' : formats.duration(run.timings.durationMs)];
    }),
  );
  const columns = ['Pipeline', 'Last run', 'Began', 'Took'].map((head) => ({ head }));
  const body = html`${table({ caption: 'Pipelines', columns, rows, empty: html`No pipeline has run yet. See <code>new Pipeline({ name, storage })</code>.` })}
${next !== undefined && html`<p class="actions"><a rel="next" href="${links.to('pipelines', { after: next })}">Next page</a></p>`}`;
  return { title: 'Pipelines', trail: [], body };
}

/** The runs of a pipeline, the newest first unless another order is asked for. */
export async function pipelinePage(call: UiCall): Promise<UiPage> {
  const { query, links, formats, signal } = call;
  const name = query.required('name');
  const filter = query.text('filter');
  const after = query.text('after');
  const page = await pipelineOf(call, name).searchRuns({ limit: 50, filter, after, signal });
  const rows = page.items.map((run) => [link(links.to('pipeline-run', { pipeline: name, id: run.id }), run.id), state(run.status), formats.time(run.timings.startedAt), formats.duration(run.timings.durationMs), causeOf(run), paramsOf(run, formats.value)]);
  const columns = ['Run', 'Status', 'Began', 'Took', 'Cause', 'Params'].map((head) => ({ head }));
  const body = html`<form class="choices" action="${links.to('pipeline')}" method="get" role="search" aria-label="Which runs are shown"><input type="hidden" name="name" value="${name}">
<label class="wide">Filter <input type="text" name="filter" value="${filter ?? ''}" placeholder="status = 'failed'" spellcheck="false" autocapitalize="off" autocomplete="off"></label><button>Show</button></form>
<div id="pipeline-runs" class="live-part">${table({ caption: `Runs of ${name}`, columns, rows, empty: filter === undefined ? 'It has no runs.' : 'No run is like this.' })}
<p class="actions">${after !== undefined && html`<a href="${links.to('pipeline', { name, filter })}">First page</a>`} ${page.next !== undefined && html`<a rel="next" href="${links.to('pipeline', { name, filter, after: page.next })}">Next page</a>`}</p>
${page.damaged.length > 0 && html`<p class="warning" role="note">${formatCount(page.damaged.length, 'run')} cannot be read, and left out. Run <code>npx modelkeep store check</code>.</p>`}</div>`;
  return { title: name, trail: [{ title: 'Pipelines', href: links.to('pipelines') }], body, ...(after === undefined && { live: links.to('live', { of: 'pipeline', name }) }) };
}

/** A run of a pipeline with its steps. */
export async function pipelineRunPage(call: UiCall): Promise<UiPage> {
  const { query, links, formats, signal } = call;
  const id = query.required('id');
  const name = query.text('pipeline') ?? (await pipelineWith(call, id));
  const pipeline = pipelineOf(call, name);
  const [run, history] = await Promise.all([pipeline.getRun(id, { signal }), pipeline.history(id, { signal })]);
  const { status, owner } = run;
  const body = html`${liveLead(facts([['Worked on by', owner && html`<bdi>${owner}</bdi>`]]))}
${livePart('pipeline-run', 'Run', html`${pipelineSection(run, formats.context, 'steps').body}${subRunsOf(call, run)}`)}
${livePart('history', 'History', eventsTable(call, 'History', history))}`;
  const open = status === 'running' || status === 'waiting';
  return { title: run.timings.startedAt === undefined ? id : `Run of ${formats.context.time(run.timings.startedAt)}`, trail: [{ title: 'Pipelines', href: links.to('pipelines') }, { title: name, href: links.to('pipeline', { name }) }], body, ...(open && { live: links.to('live', { of: 'pipeline-run', pipeline: name, id }) }) };
}

/** Links to the runs of other pipelines that steps are. */
function subRunsOf({ links }: UiCall, { subRuns }: PipelineRun): Html {
  const all = Object.entries(subRuns);
  return html`${all.length > 0 && html`<h3>Runs of other pipelines</h3><ul>${all.slice(0, mostSubRuns).map(([step, { pipeline, run }]) => html`<li><bdi>${step}</bdi>: ${link(links.to('pipeline-run', { pipeline, id: run }), `${pipeline} ${run}`)}</li>`)}</ul>`}`;
}

/** The params of a run in a cell: those that are short, and that there are others. */
function paramsOf({ params }: PipelineRunSummary, value: (value: unknown) => string): Cell {
  if (params === undefined || params === null) return '–';
  if (typeof params !== 'object' || Array.isArray(params)) return prose(value(params).slice(0, 200));
  const { line, others } = factLine(params as Readonly<Record<string, unknown>>, value, { most: 6, longest: 30 });
  return html`<span class="prose">${line}${others.length > 0 && ' …'}</span>`;
}

function causeOf({ triggeredBy }: PipelineRunSummary): Cell {
  if (triggeredBy === undefined) return '–';
  switch (triggeredBy.kind) {
    case 'call':
      return html`<bdi>${triggeredBy.by ?? 'a call'}</bdi>`;
    case 'pipeline':
      return html`pipeline <bdi>${triggeredBy.pipeline}</bdi>`;
    default:
      return html`${triggeredBy.kind} <bdi>${triggeredBy.name}</bdi>`;
  }
}

/** What of a pipeline can be looked at without its steps. */
function pipelineOf({ store }: UiCall, name: string): Pipeline {
  return new Pipeline({ name, storage: store.storage, clock: store.clock });
}

/** The pipeline that a run is of, when only the run is known. */
async function pipelineWith(call: UiCall, id: string): Promise<string> {
  const { store, signal } = call;
  if (!/^[0-9a-f-]{36}$/.test(id)) throw new Refusal(400, "'id' in the address is no id of a run.");
  const { items } = await Pipeline.list({ storage: store.storage, limit: mostPipelines, signal });
  const heads = await readEachHead<{ readonly pipeline: string }>(store.storage, items.map(({ name }) => `pipelines/${escapeSegment(name)}/runs/${id}`), { signal });
  const found = heads.find((head) => head !== undefined && 'state' in head);
  if (found === undefined || !('state' in found)) throw new Refusal(404, `No pipeline has a run ${id}.`);
  return found.state.pipeline;
}
