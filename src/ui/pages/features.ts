import { html, type Html } from '../../report/markup/html.ts';
import { formatCount } from '../../report/svg/format.ts';
import type { FeatureView } from '../../features/definitions/feature-view.ts';
import { featureTypeOf } from '../../features/definitions/feature-view.ts';
import type { ViewFreshness } from '../../features/quality/freshness.ts';
import type { UiCall, UiPage } from '../call.ts';
import { facts, link, livePart, nameText, prose, state, table, type Cell } from '../page/table.ts';

const mostFeatures = 1000;

/** The feature views of a store, with how fresh they are, and the saved datasets. */
export async function featuresPage(call: UiCall): Promise<UiPage> {
  const { store, query, links, formats, signal } = call;
  const [{ items, unreadable, next }, datasets] = await Promise.all([
    store.features.freshness({ limit: 50, after: query.text('after'), signal }),
    store.features.listDatasets({ limit: 50, after: query.text('datasetsAfter'), signal }),
  ]);
  const rows = items.map((freshness): Cell[] => [link(links.to('feature-view', { name: freshness.view }), freshness.view), freshnessOf(freshness), formats.time(freshness.newestEvent ?? undefined), formats.time(freshness.newestIngested ?? undefined), formats.time(freshness.newestOnline ?? undefined)]);
  const columns = ['View', 'Freshness', 'Newest event', 'Last ingestion', 'Newest online'].map((head) => ({ head }));
  const datasetRows = datasets.items.map(({ name, version, rowCount, createdAt }) => [nameText(`${name}@${version}`), formats.count(rowCount), formats.time(createdAt)]);
  const body = html`${livePart('views', 'Views', html`${table({ caption: 'Feature views', columns, rows, empty: html`No feature view was applied yet. See <code>new FeatureStore({ storage }).apply([…])</code>.` })}
${next !== undefined && html`<p class="actions"><a rel="next" href="${links.to('features', { after: next })}">Next page</a></p>`}
${unreadable.length > 0 && html`<p class="warning" role="note">${formatCount(unreadable.length, 'view')} cannot be read, and left out. Run <code>npx modelkeep store check</code>.</p>`}`)}
${livePart('datasets', 'Saved datasets', html`${table({ caption: 'Saved datasets', columns: [{ head: 'Dataset' }, { head: 'Rows', numeric: true }, { head: 'Saved' }], rows: datasetRows, empty: 'No dataset was saved.' })}
${datasets.next !== undefined && html`<p class="actions"><a rel="next" href="${links.to('features', { datasetsAfter: datasets.next })}#datasets">Next page</a></p>`}`)}`;
  return { title: 'Features', trail: [], body };
}

/** A feature view: what it is, how fresh it is, and how its rows did in the checks. */
export async function featureViewPage(call: UiCall): Promise<UiPage> {
  const { store, query, links, formats, signal } = call;
  const name = query.required('name');
  const [view, freshness, checks] = await Promise.all([store.features.getView(name, { signal }), store.features.freshness(name, { signal }), store.features.checkResults(name, { limit: 50, signal })]);
  const { entity, timestamp, ttl, description, owner, tags } = view;
  const body = html`${description !== undefined && html`<p dir="auto">${description}</p>`}${facts([
    ['Entity', html`<bdi>${entity.join(', ')}</bdi>`],
    ['Time of an event', html`<bdi>${timestamp}</bdi>`],
    ['Lives for', ttl === undefined ? undefined : formats.duration(ttl)],
    ['Owner', owner && html`<bdi>${owner}</bdi>`],
    ['Tags', tags === undefined || Object.keys(tags).length === 0 ? undefined : Object.entries(tags).map(([tag, value]) => html`<bdi>${tag}: ${value}</bdi> `)],
  ])}
${livePart('freshness', 'Freshness', html`<p>${freshness.maxAge !== null && html`${freshnessOf(freshness)} `}${ageOf(call, freshness)}</p>${facts([
    ['Newest event', formats.time(freshness.newestEvent ?? undefined)],
    ['Last ingestion', formats.time(freshness.newestIngested ?? undefined)],
    ['Newest online', formats.time(freshness.newestOnline ?? undefined)],
    ['Materialized', formats.time(freshness.materializedAt ?? undefined)],
    ['Online behind by', freshness.onlineLag === null ? undefined : formats.duration(freshness.onlineLag)],
  ])}`)}
${livePart('list', 'Features', featuresTable(call, view))}
${livePart('checks', 'Checks', table({ caption: 'Checks of what was ingested', columns: [{ head: 'When' }, { head: 'Result' }], rows: checks.items.map((result) => [formats.time(result.at), html`<code><bdi>${formats.value(result).slice(0, 1000)}</bdi></code>`]), empty: 'Nothing that was ingested was checked.' }))}`;
  return { title: name, trail: [{ title: 'Features', href: links.to('features') }], body };
}

/** How old the newest row is, and how old it may be. */
function ageOf({ formats }: UiCall, { lag, maxAge, newestEvent }: ViewFreshness): Html {
  const age = lag === null || newestEvent === null ? html`There are no rows yet` : html`The newest row is ${formats.duration(lag)} old`;
  return html`${age}${maxAge === null ? html`; nobody says how old it may be.` : html`; it may be ${formats.duration(maxAge)} old.`}`;
}

function freshnessOf({ stale, maxAge, newestEvent }: ViewFreshness): Cell {
  if (newestEvent === null) return 'no rows';
  if (maxAge === null) return 'not held to an age';
  return state(stale ? 'stale' : 'fresh');
}

function featuresTable({ formats }: UiCall, view: FeatureView): Html {
  const all = Object.entries(view.features);
  const rows = all.slice(0, mostFeatures).map(([name, definition]) => [nameText(name), featureTypeOf(view, name), definition.kind, prose(view.about?.[name]?.description ?? '–')]);
  return html`${all.length > rows.length && html`<p class="muted">Showing ${formats.count(rows.length)} of ${formats.count(all.length)} features.</p>`}${table({ caption: 'Features', columns: [{ head: 'Feature' }, { head: 'Type' }, { head: 'Made by' }, { head: 'What it is' }], rows })}`;
}
