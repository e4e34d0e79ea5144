import { html, type Html } from '../../report/markup/html.ts';
import { formatCount } from '../../report/svg/format.ts';
import type { RunAttribute } from '../../tracking/search/run-attributes.ts';
import type { RunOrder } from '../../tracking/search/run-order.ts';
import type { RunPage } from '../../tracking/run-list.ts';
import type { RunRecord } from '../../tracking/run-record.ts';
import type { UiCall, UiPage } from '../call.ts';
import type { LinkQuery } from '../links.ts';
import { followedRuns } from '../live/live-topics.ts';
import { link, state, table, type TableColumn } from '../page/table.ts';
import { seen } from '../page/seen.ts';
import { Refusal } from '../refusal.ts';
import { runTitle } from './run-title.ts';
import { cellOf, columnsOf, columnText, usualColumns, type RunColumn } from './run-columns.ts';

/** What a list of runs asks for, as its address has it. */
interface RunsAsked {
  readonly experiment: string | undefined;
  readonly filter: string | undefined;
  readonly by: string | undefined;
  readonly direction: 'asc' | 'desc';
  readonly columns: readonly string[];
  readonly after: string | undefined;
  readonly limit: number;
  readonly deleted: 'exclude' | 'include' | 'only';
}

/** Experiments that can be chosen; more are found by the filter. */
const mostExperiments = 500;
const mostColumns = 40;

/** The runs of a store, a page of them at a time. */
export async function runsPage(call: UiCall): Promise<UiPage> {
  const { links, query } = call;
  const asked: RunsAsked = {
    experiment: query.text('experiment'),
    filter: query.text('filter'),
    by: query.text('by'),
    direction: query.choice('direction', ['desc', 'asc']),
    columns: query.all('column', mostColumns),
    after: query.text('after'),
    limit: query.count('limit', 50, 200),
    deleted: query.choice('deleted', ['exclude', 'include', 'only']),
  };
  const [runs, experiments] = await Promise.all([readRuns(call, asked), experimentNames(call)]);
  const running = runs.items.filter(({ status }) => status === 'running').slice(0, followedRuns);
  const body = html`${choices(call, asked, experiments)}${runsTable(call, asked, runs)}`;
  // Only what begins with the newest has what is new.
  const live = asked.after === undefined ? links.to('live', { of: 'runs', run: running.map(({ id }) => id) }) : undefined;
  return { title: asked.experiment ?? 'Runs', trail: asked.experiment === undefined ? [] : [{ title: 'Runs', href: links.to('runs') }], body, ...(live !== undefined && { live }) };
}

/** Without a filter and an order only the page is read; with them, all runs are looked at in memory. */
async function readRuns({ store, signal }: UiCall, { experiment, filter, by, direction, after, limit, deleted }: RunsAsked): Promise<RunPage> {
  const scope = { ...(experiment !== undefined && { experiments: [experiment] }), deleted, limit, after, signal };
  if (filter === undefined && by === undefined) return store.tracker.listRuns(scope);
  return store.tracker.searchRuns({ ...scope, filter, ...(by !== undefined && { orderBy: [{ ...subjectOf(by), direction }] }) });
}

async function experimentNames({ store, signal }: UiCall): Promise<{ names: string[]; more: boolean }> {
  const names: string[] = [];
  for await (const { name } of store.tracker.experiments({ signal })) {
    if (names.length >= mostExperiments) return { names, more: true };
    names.push(name);
  }
  return { names, more: false };
}

function subjectOf(by: string): RunOrder {
  const column = columnsOf([by])[0];
  if (column !== undefined) return { [column.kind]: column.name } as RunOrder;
  if (by.includes('.')) throw new Refusal(400, "'by' in the address must be a column such as metrics.loss, or an attribute such as startedAt.");
  return { attribute: by as RunAttribute };
}

function addressOf({ experiment, filter, by, direction, columns, limit, deleted }: RunsAsked, changes: LinkQuery): LinkQuery {
  const address = { experiment, filter, by, direction: by === undefined ? undefined : direction, column: columns, limit: limit === 50 ? undefined : limit, deleted: deleted === 'exclude' ? undefined : deleted };
  return { ...address, ...changes };
}

function choices({ links }: UiCall, asked: RunsAsked, { names, more }: { names: readonly string[]; more: boolean }): Html {
  const { experiment, filter, by, direction, columns, limit, deleted } = asked;
  const listed = experiment === undefined || names.includes(experiment) ? names : [experiment, ...names];
  return html`<form class="choices" action="${links.to('runs')}" method="get" role="search" aria-label="Which runs are shown">
<label>Experiment <select name="experiment"><option value="">all</option>${listed.map((name) => html`<option value="${name}"${name === experiment && html` selected`}>${name}</option>`)}</select></label>
<label class="wide">Filter <input type="text" name="filter" value="${filter ?? ''}" placeholder="metrics.loss &lt; 0.1" spellcheck="false" autocapitalize="off" autocomplete="off"></label>
<label>Deleted <select name="deleted">${(['exclude', 'include', 'only'] as const).map((word) => html`<option value="${word}"${word === deleted && html` selected`}>${word}</option>`)}</select></label>
${by !== undefined && html`<input type="hidden" name="by" value="${by}"><input type="hidden" name="direction" value="${direction}">`}
${columns.map((column) => html`<input type="hidden" name="column" value="${column}">`)}
${limit !== 50 && html`<input type="hidden" name="limit" value="${limit}">`}
<button>Show</button>
</form>
${more && html`<p class="muted">The first ${names.length} experiments can be chosen; of others, filter by <code>attributes.experiment = '…'</code>.</p>`}`;
}

function runsTable(call: UiCall, asked: RunsAsked, { items, damaged, next }: RunPage): Html {
  const { links, formats, exported } = call;
  const chosen = asked.columns.length > 0 ? columnsOf(asked.columns) : usualColumns(items);
  const columns: TableColumn[] = [
    ...(exported ? [] : [{ head: html`<span class="hidden">Compare</span>` }]),
    sortable(call, asked, 'name', 'Run'),
    sortable(call, asked, 'status', 'Status'),
    ...(asked.experiment === undefined ? [sortable(call, asked, 'experiment', 'Experiment')] : []),
    sortable(call, asked, 'startedAt', 'Started'),
    sortable(call, asked, 'duration', 'Took'),
    ...chosen.map((column) => sortable(call, asked, columnText(column), column.name, column.kind)),
  ];
  const rows = items.map((run) => [
    ...(exported ? [] : [html`<input type="checkbox" name="run" value="${run.id}" aria-label="Compare ${runTitle(run)}">`]),
    link(links.to('run', { id: run.id }), runTitle(run), run.id),
    html`${state(run.status)}${run.deletedAt !== undefined && html` ${state('deleted')}`}`,
    ...(asked.experiment === undefined ? [link(links.to('runs', { experiment: run.experiment }), run.experiment)] : []),
    formats.time(run.startedAt),
    run.endedAt === undefined ? '–' : formats.duration(run.endedAt - run.startedAt),
    ...chosen.map((column) => cellOf(run, column, formats)),
  ]);
  const ordered = asked.by === undefined ? 'newest first' : `by ${asked.by}, ${asked.direction === 'asc' ? 'ascending' : 'descending'}`;
  return html`<div id="runs-list" class="live-part">
<p class="muted">${items.length === 0 ? '' : `Showing ${formatCount(items.length, 'run')}, ${ordered}${next === undefined ? (asked.after === undefined ? '; these are all' : '; these are the last') : '; more follow'}.`}</p>
<form id="runs-form" action="${links.to('compare')}" method="get">
${table({ caption: `Runs, ${ordered}`, columns, rows, empty: emptyText(call, asked) })}
<p class="actions">${items.length > 1 && html`<button>Compare the chosen</button>`}
${asked.after !== undefined && html`<a href="${links.to('runs', addressOf(asked, {}))}">First page</a>`}
${next !== undefined && html`<a rel="next" href="${links.to('runs', addressOf(asked, { after: next }))}">Next page</a>`}</p>
</form>
${damaged.length > 0 && html`<div class="warning" role="note"><p>${formatCount(damaged.length, 'run')} cannot be read, and left out. Run <code>npx modelkeep store check</code> to see all that is damaged.</p><ul>${damaged.slice(0, 20).map(({ id }) => html`<li><code>${id}</code></li>`)}</ul></div>`}
${columnChoice(call, asked, items, chosen)}</div>`;
}

function emptyText({ links }: UiCall, { filter, experiment, after }: RunsAsked): Html {
  if (filter !== undefined || experiment !== undefined || after !== undefined) return html`No run is like this. <a href="${links.to('runs')}">Show all</a>`;
  return html`No runs yet. A first one: <code>await new Tracker({ storage }).withRun({ experiment: 'demo' }, (run) =&gt; run.logMetrics({ loss: 1 }))</code>`;
}

function sortable({ links }: UiCall, asked: RunsAsked, by: string, text: string, kind?: RunColumn['kind']): TableColumn {
  const current = asked.by === by;
  // What is newest, or most, is looked for first.
  const direction = current && asked.direction === 'desc' ? 'asc' : 'desc';
  const head = html`${kind !== undefined && html`<span class="kind">${kind}</span>`}<a class="sort" href="${links.to('runs', addressOf(asked, { by, direction }))}"><bdi>${seen(text)}</bdi></a>`;
  return { head, numeric: kind === 'metric' || by === 'duration', ...(current && { sorted: asked.direction === 'asc' ? 'ascending' : 'descending' }) };
}

function columnChoice({ links, formats }: UiCall, asked: RunsAsked, items: readonly RunRecord[], chosen: readonly RunColumn[]): Html {
  const known = new Set(chosen.map(columnText));
  const others = new Set<string>();
  for (const { params, metrics, tags } of items) {
    for (const [kind, values] of [['metrics', metrics], ['params', params], ['tags', tags]] as const) {
      for (const name of Object.keys(values)) if (!known.has(`${kind}.${name}`)) others.add(`${kind}.${name}`);
    }
  }
  const offered = [...others].sort().slice(0, 200);
  if (known.size + offered.length === 0) return html``;
  const box = (name: string, checked: boolean): Html => html`<label><input type="checkbox" name="column" value="${name}"${checked && html` checked`}> <bdi>${name}</bdi></label>`;
  const { experiment, filter, by, direction, deleted } = asked;
  return html`<details id="columns"><summary>Columns</summary><form action="${links.to('runs')}" method="get">
${Object.entries({ experiment, filter, by, direction: by && direction, deleted }).map(([name, value]) => value !== undefined && html`<input type="hidden" name="${name}" value="${value}">`)}
<fieldset class="boxes"><legend>Shown beside name and state, of the runs on this page</legend>${[...known].map((name) => box(name, true))}${offered.map((name) => box(name, false))}</fieldset>
${others.size > offered.length && html`<p class="muted">Showing ${offered.length} of ${formats.count(others.size)} further names.</p>`}
<button>Show these columns</button></form></details>`;
}
