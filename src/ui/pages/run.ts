import { html, type Html } from '../../report/markup/html.ts';
import { formatCount } from '../../report/svg/format.ts';
import type { DatasetRecord } from '../../tracking/run-datasets.ts';
import type { LoggedModel } from '../../tracking/models/logged-model.ts';
import type { ArtifactPage } from '../../tracking/artifacts/list-artifacts.ts';
import type { Reproduction } from '../../tracking/reproduction/reproduction.ts';
import type { RunRecord } from '../../tracking/run-record.ts';
import type { UiCall, UiPage } from '../call.ts';
import { facts, link, liveLead, livePart, nameText, part, state, table } from '../page/table.ts';
import { lazyCharts } from '../page/lazy-chart.ts';
import { runTitle } from './run-title.ts';

/** Curves that a page offers at once; all metrics are in its table. */
const mostCurves = 60;
const mostRows = 1000;

/** All that there is of a run. */
export async function runPage(call: UiCall): Promise<UiPage> {
  const { store, query, links, signal } = call;
  const id = query.required('id');
  const run = await store.tracker.getRun(id, { signal });
  const [artifacts, datasets, models, reproduction] = await Promise.all([
    store.tracker.listArtifacts(id, { limit: 200, after: query.text('artifactsAfter'), signal }),
    store.tracker.datasets(id, { signal }),
    store.tracker.models(id, { signal }),
    store.tracker.reproduction(id, { signal }),
  ]);
  const body = html`${overview(call, run)}${curves(call, run)}
${livePart('metrics', 'Metrics', metricsTable(call, run))}
${livePart('params', 'Params', named(call, run.params, 'Params', 'This run has no params.'))}
${artifactsPart(call, run, artifacts, models)}${datasetsPart(call, datasets)}${reproductionPart(call, reproduction)}`;
  const open = run.status === 'running';
  return {
    title: runTitle(run),
    trail: [{ title: 'Runs', href: links.to('runs') }, { title: run.experiment, href: links.to('runs', { experiment: run.experiment }) }],
    body,
    ...(open && { live: links.to('live', { of: 'run', id }) }),
  };
}

function overview({ links, formats }: UiCall, run: RunRecord): Html {
  const { code, error } = run;
  return liveLead(html`${facts([
    ['Status', html`${state(run.status)}${run.deletedAt !== undefined && html` ${state('deleted')}`}${run.reason !== undefined && html` <bdi>${run.reason}</bdi>`}`],
    ['Id', html`<code>${run.id}</code>`],
    ['Started', formats.time(run.startedAt)],
    ['Ended', run.endedAt === undefined ? undefined : formats.time(run.endedAt)],
    ['Took', run.endedAt === undefined ? undefined : formats.duration(run.endedAt - run.startedAt)],
    ['Part of run', run.parent && link(links.to('run', { id: run.parent }), run.parent)],
    ['Pipeline run', run.pipelineRun && html`<code>${run.pipelineRun}</code>`],
    ['Group', run.group && html`<bdi>${run.group}</bdi>`],
    ['Seed', run.seed === undefined ? undefined : String(run.seed)],
    ['Commit', code?.commit && html`<code>${code.commit.slice(0, 12)}</code>${code.dirty && ' with changes that are not committed'}`],
    ['Points dropped', run.droppedPoints > 0 ? formats.count(run.droppedPoints) : undefined],
  ])}
${error && html`<p class="warning" role="note" dir="auto"><strong>${error.name}:</strong> ${error.message}</p>`}
${run.notes !== undefined && html`<p class="notes" dir="auto">${run.notes}</p>`}
${Object.keys(run.tags).length > 0 && html`<ul class="tags" aria-label="Tags">${Object.entries(run.tags).map(([name, value]) => html`<li><bdi>${name}</bdi>: <bdi>${value}</bdi></li>`)}</ul>`}`);
}

function curves({ links, formats }: UiCall, run: RunRecord): Html {
  const names = Object.keys(run.metrics).sort();
  if (names.length === 0) return html``;
  const shown = names.slice(0, mostCurves);
  return part(
    'curves',
    'Curves',
    html`${names.length > shown.length && html`<p class="muted">Showing ${shown.length} of ${formats.count(names.length)} curves; each of the others has a link in the table below.</p>`}
${lazyCharts(shown.map((name) => ({ href: links.to('metric', { run: run.id, name }), part: links.to('metric-chart', { run: run.id, name }), title: name })))}`,
  );
}

function metricsTable({ links, formats }: UiCall, run: RunRecord): Html {
  const entries = Object.entries(run.metrics).sort(([a], [b]) => (a < b ? -1 : 1));
  const rows = entries.slice(0, mostRows).map(([name, { value, step, timestamp }]) => [link(links.to('metric', { run: run.id, name }), name), formats.number(value), formats.count(step), formats.time(timestamp)]);
  return html`${table({ caption: 'Latest value of each metric', sortable: true, columns: [{ head: 'Metric' }, { head: 'Latest', numeric: true }, { head: 'Step', numeric: true }, { head: 'At' }], rows, empty: 'Nothing was logged yet.' })}
${leftOut(entries.length, 'metrics', formats.count)}`;
}

function named({ formats }: UiCall, values: Readonly<Record<string, unknown>>, caption: string, empty: string): Html {
  const entries = Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1));
  const rows = entries.slice(0, mostRows).map(([name, value]) => [nameText(name), nameText(formats.value(value))]);
  return html`${table({ caption, sortable: true, columns: [{ head: 'Name' }, { head: 'Value' }], rows, empty })}${leftOut(entries.length, 'params', formats.count)}`;
}

function leftOut(all: number, what: string, count: (value: number) => string): Html {
  return all > mostRows ? html`<p class="muted">Showing ${count(mostRows)} of ${count(all)} ${what}.</p>` : html``;
}

function artifactsPart({ links, formats }: UiCall, run: RunRecord, { items, damaged, next }: ArtifactPage, models: readonly LoggedModel[]): Html {
  const rows = items.map(({ name, size, mediaType, loggedAt }) => [link(links.to('artifact', { run: run.id, name }), name), nameText(mediaType), formats.bytes(size), formats.time(loggedAt)]);
  return livePart(
    'artifacts',
    'Artifacts',
    html`${table({ caption: 'Artifacts', columns: [{ head: 'Name' }, { head: 'Type' }, { head: 'Size', numeric: true }, { head: 'Logged' }], rows, empty: 'This run has no artifacts.' })}
${next !== undefined && html`<p class="actions"><a rel="next" href="${links.to('run', { id: run.id, artifactsAfter: next })}#artifacts">Next artifacts</a></p>`}
${damaged.length > 0 && html`<p class="warning" role="note">${formatCount(damaged.length, 'artifact')} cannot be read, and left out. Run <code>npx modelkeep store check</code>.</p>`}
${models.length > 0 && html`<h3>Models</h3>${table({
  caption: 'Models that this run logged',
  columns: [{ head: 'Name' }, { head: 'Form' }, { head: 'Files', numeric: true }, { head: 'Size', numeric: true }, { head: 'Step', numeric: true }],
  rows: models.map(({ name, flavor, files, size, step }) => [nameText(name), flavor ?? '–', formats.count(files.length), formats.bytes(size), step === undefined ? '–' : formats.count(step)]),
})}`}`,
  );
}

function datasetsPart({ formats }: UiCall, datasets: readonly DatasetRecord[]): Html {
  const rows = datasets.map(({ name, role, rowCount, schema, fingerprint, source }) => [
    nameText(name),
    nameText(role),
    formats.count(rowCount),
    formats.count(Object.keys(schema).length),
    html`<code title="${fingerprint}">${fingerprint.slice(7, 19)}</code>`,
    html`<bdi>${source ?? '–'}</bdi>`,
  ]);
  const columns = [{ head: 'Name' }, { head: 'Role' }, { head: 'Rows', numeric: true }, { head: 'Columns', numeric: true }, { head: 'Fingerprint' }, { head: 'Source' }];
  return part('datasets', 'Datasets', table({ caption: 'Datasets', columns, rows, empty: 'This run says of no data that it used it.' }));
}

function reproductionPart({ links }: UiCall, { steps, warnings, parents }: Reproduction): Html {
  return part(
    'reproduction',
    'Run it again',
    html`${steps.length > 0 ? html`<ol class="steps">${steps.map((step) => html`<li dir="auto">${step}</li>`)}</ol>` : html`<p class="muted">Nothing is known of how it was run.</p>`}
${warnings.length > 0 && html`<h3>What is not known, or not fixed</h3><ul>${warnings.map(({ message }) => html`<li dir="auto">${message}</li>`)}</ul>`}
${parents.length > 0 && html`<p>It is part of ${parents.map((id) => html`${link(links.to('run', { id }), id)} `)}</p>`}`,
  );
}
