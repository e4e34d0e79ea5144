import { html, type Html } from '../../report/markup/html.ts';
import type { ComparedItem } from '../../core/compared-item.ts';
import type { RunComparison } from '../../tracking/comparison/compare-runs.ts';
import type { UiCall, UiPage } from '../call.ts';
import { lazyChart } from '../page/lazy-chart.ts';
import { link, livePart, state, table, type Cell } from '../page/table.ts';
import { Refusal } from '../refusal.ts';
import { runTitle } from './run-title.ts';

/** Runs that are compared at once. */
const mostRuns = 50;
const mostRows = 500;
const mostCurves = 30;

/** Runs beside each other: what differs between them, or all, and their curves in common pictures. */
export async function comparePage(call: UiCall): Promise<UiPage> {
  const { store, query, links, signal } = call;
  const ids = query.all('run', mostRuns);
  if (ids.length < 2) throw new Refusal(400, 'Two runs or more are compared.', { advice: 'Go back and choose them in the list of runs.' });
  const only = query.choice('only', ['differences', 'all']);
  const comparison = await store.tracker.compareRuns(ids, { only, signal });
  const other = only === 'all' ? 'differences' : 'all';
  const body = html`<p class="actions"><a class="button" href="${links.to('compare', { run: ids, only: other })}">${other === 'all' ? 'Show what is the same, too' : 'Show what differs only'}</a></p>
${await curvesPart(call, ids)}
${partsOf(comparison, call.formats.value).map(({ id, title, items, shown }) => itemsPart(call, comparison, { id, title, items, shown }, only))}`;
  return { title: `Comparison of ${ids.length} runs`, trail: [{ title: 'Runs', href: links.to('runs') }], body };
}

interface ComparedPart {
  readonly id: string;
  readonly title: string;
  readonly items: readonly ComparedItem<unknown>[];
  readonly shown: (value: never) => string;
}

function partsOf(comparison: RunComparison, value: (value: unknown) => string): readonly ComparedPart[] {
  const digests = (all: readonly { readonly digest?: string; readonly fingerprint?: string; readonly name: string }[]): string => all.map(({ name, digest, fingerprint }) => `${name} ${(digest ?? fingerprint ?? '').slice(7, 19)}`).join(', ');
  return [
    { id: 'metrics', title: 'Metrics', items: comparison.metrics, shown: (point: { readonly value: number }) => value(point.value) },
    { id: 'params', title: 'Params', items: comparison.params, shown: value },
    { id: 'attributes', title: 'Attributes', items: comparison.attributes, shown: value },
    { id: 'tags', title: 'Tags', items: comparison.tags, shown: value },
    { id: 'datasets', title: 'Datasets', items: comparison.datasets, shown: digests },
    { id: 'code', title: 'Code', items: comparison.code, shown: value },
    { id: 'environment', title: 'Environment', items: comparison.environment, shown: value },
    { id: 'packages', title: 'Packages', items: comparison.packages, shown: value },
    { id: 'models', title: 'Models', items: comparison.models, shown: digests },
    { id: 'artifacts', title: 'Artifacts', items: comparison.artifacts, shown: (artifact: { readonly digest: string }) => artifact.digest.slice(7, 19) },
  ] as readonly ComparedPart[];
}

function itemsPart({ links, formats }: UiCall, { runs }: RunComparison, { id, title, items, shown }: ComparedPart, only: 'differences' | 'all'): Html {
  if (items.length === 0 && id !== 'metrics' && id !== 'params') return html``;
  const cell = (value: unknown): Cell => {
    const text = value === undefined ? '–' : shown(value as never);
    return text.length > 120 ? html`<bdi class="long" title="${text.slice(0, 2000)}">${text.slice(0, 400)}</bdi>` : html`<bdi>${text}</bdi>`;
  };
  const rows = items.slice(0, mostRows).map((item) => [html`<bdi>${item.name}</bdi>`, state(item.verdict), ...item.values.map(cell)]);
  const columns = [{ head: 'Name' }, { head: 'Verdict' }, ...runs.map((run) => ({ head: link(links.to('run', { id: run.id }), runTitle(run), run.id), numeric: id === 'metrics' }))];
  return livePart(id, title, html`${items.length > rows.length && html`<p class="muted">Showing ${formats.count(rows.length)} of ${formats.count(items.length)} names.</p>`}${table({ caption: title, columns, rows, empty: only === 'differences' ? 'Nothing differs.' : 'None of the runs has any.' })}`);
}

/** The metrics that any of the runs has, those of most of them first. */
async function curvesPart({ store, links, formats, signal }: UiCall, ids: readonly string[]): Promise<Html> {
  const counts = new Map<string, number>();
  for (const { metrics } of await Promise.all(ids.map((id) => store.tracker.getRun(id, { signal })))) {
    for (const name of Object.keys(metrics)) if (!name.startsWith('system/')) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const names = [...counts].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1)).map(([name]) => name);
  if (names.length === 0) return html``;
  const shown = names.slice(0, mostCurves);
  return html`<section id="curves" aria-labelledby="curves-heading"><h2 id="curves-heading">Curves</h2>${names.length > shown.length && html`<p class="muted">Showing ${shown.length} of ${formats.count(names.length)} curves, those that most of the runs have.</p>`}
<div class="charts">${shown.map((name) => lazyChart({ href: links.to('metric', { run: ids, name }), part: links.to('metric-chart', { run: ids, name }), title: name }))}</div></section>`;
}
