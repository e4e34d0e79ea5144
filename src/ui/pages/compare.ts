import { html, type Html } from '../../report/markup/html.ts';
import { comparisonSection } from '../../report/sections/comparison.ts';
import type { UiCall, UiPage } from '../call.ts';
import { lazyCharts } from '../page/lazy-chart.ts';
import { link, part } from '../page/table.ts';
import { Refusal } from '../refusal.ts';
import { runTitle } from './run-title.ts';

/** Runs that are compared at once. */
const mostRuns = 50;
const mostCurves = 30;

/** Runs beside each other: their curves in common pictures, what differs between them, and what is the same. */
export async function comparePage(call: UiCall): Promise<UiPage> {
  const { store, query, links, signal } = call;
  const ids = query.all('run', mostRuns);
  if (ids.length < 2) throw new Refusal(400, 'Two runs or more are compared.', { advice: 'Go back and choose them in the list of runs.' });
  const comparison = await store.tracker.compareRuns(ids, { signal });
  const { id, title, body } = comparisonSection(comparison);
  const names = comparison.runs.map((run) => html`<li>${link(links.to('run', { id: run.id }), runTitle(run), run.id)}</li>`);
  return {
    title: `Comparison of ${ids.length} runs`,
    trail: [{ title: 'Runs', href: links.to('runs') }],
    body: html`<ul class="tags" aria-label="Runs">${names}</ul>${curvesPart(call, ids, comparison.metrics.map(({ name, values }) => ({ name, runs: values.filter((value) => value !== undefined).length })))}${part(id, title, body)}`,
  };
}

/** The metrics that any of the runs has, those of most of them first; the load of their hosts is beside the point. */
function curvesPart({ links, formats }: UiCall, ids: readonly string[], metrics: readonly { readonly name: string; readonly runs: number }[]): Html {
  const names = metrics.filter(({ name }) => !name.startsWith('system/')).sort((a, b) => b.runs - a.runs || (a.name < b.name ? -1 : 1));
  if (names.length === 0) return html``;
  const shown = names.slice(0, mostCurves);
  const charts = lazyCharts(shown.map(({ name }) => ({ href: links.to('metric', { run: ids, name }), part: links.to('metric-chart', { run: ids, name }), title: name })));
  return part('curves', 'Curves', html`${names.length > shown.length && html`<p class="muted">Showing ${shown.length} of ${formats.count(names.length)} curves, those that most of the runs have.</p>`}${charts}`);
}
