import { escapeSegment } from '../../core/key.ts';
import { html } from '../../report/markup/html.ts';
import { formatCount } from '../../report/svg/format.ts';
import type { ModelInfo } from '../../registry/model-info.ts';
import type { ModelVersion } from '../../registry/model-version.ts';
import type { UiCall, UiPage } from '../call.ts';
import { factLine } from '../page/fact-line.ts';
import { facts, link, liveLead, livePart, nameText, prose, state, table, type Cell } from '../page/table.ts';
import { rollbackForm } from './change-forms.ts';
import { eventsPage, mostEvents } from './events.ts';

/** The models of the registry, a page of them at a time. */
export async function modelsPage(call: UiCall): Promise<UiPage> {
  const { store, query, links, formats, signal } = call;
  const { items, damaged, next } = await store.registry.listModels({ limit: 100, after: query.text('after'), signal });
  const rows = items.map((model) => {
    const { name, description, owner, production, staging, latest, createdAt } = model;
    return [link(links.to('model', { name }), name), versionCell(call, name, production), versionCell(call, name, staging), versionCell(call, name, latest === 0 ? undefined : latest), nameText(owner ?? '–'), description === undefined ? '–' : prose(description), formats.time(createdAt)];
  });
  const columns = ['Model', 'Production', 'Staging', 'Newest', 'Owner', 'What it tells', 'Created'].map((head) => ({ head }));
  const body = html`<div id="models-list" class="live-part">${table({ caption: 'Models', columns, rows, empty: html`No models yet. A first one: <code>await new Registry({ storage }).createModel('demo')</code>` })}
${next !== undefined && html`<p class="actions"><a rel="next" href="${links.to('models', { after: next })}">Next page</a></p>`}
${damaged.length > 0 && html`<p class="warning" role="note">${formatCount(damaged.length, 'model')} cannot be read, and left out. Run <code>npx modelkeep store check</code>.</p>`}</div>`;
  return { title: 'Models', trail: [], body, live: links.to('live', { of: 'models' }) };
}

/** A model: its versions, its policy and all that happened to it. */
export async function modelPage(call: UiCall): Promise<UiPage> {
  const { store, query, links, formats, signal } = call;
  const name = query.required('name');
  const model = await store.registry.getModel(name, { signal });
  const [after, before] = [query.text('after'), query.number('before')];
  const [versions, history] = await Promise.all([store.registry.listVersions(name, { limit: 50, after, signal }), store.histories.of(`registry/models/${escapeSegment(name)}`).page({ limit: mostEvents, before, signal })]);
  const metrics = metricNames(versions.items);
  const rows = versions.items.map((version) => [
    link(links.to('version', { model: name, version: version.version }), `@${version.version}`),
    html`${state(version.retired ? 'retired' : version.stage)}${version.aliases.map((alias) => html` <span class="badge">${alias}</span>`)}`,
    ...metrics.map((metric) => (Object.hasOwn(version.metrics, metric) ? formats.number(version.metrics[metric]!) : '–')),
    version.run === undefined ? '–' : link(links.to('run', { id: version.run }), `…${version.run.slice(-12)}`),
    nameText(version.createdBy ?? '–'),
    formats.bytes(version.size),
    formats.time(version.createdAt),
  ]);
  const columns = [{ head: 'Version' }, { head: 'Stage' }, ...metrics.map((head) => ({ head: html`<bdi>${head}</bdi>`, numeric: true })), { head: 'Run' }, { head: 'By' }, { head: 'Size', numeric: true }, { head: 'Registered' }];
  const body = html`${overview(call, model)}
${livePart('versions', 'Versions', html`${table({ caption: 'Versions', columns, rows, empty: 'No version was registered yet.' })}
${versions.next !== undefined && html`<p class="actions"><a rel="next" href="${links.to('model', { name, after: versions.next })}">Earlier versions</a></p>`}
${versions.damaged.length > 0 && html`<p class="warning" role="note">${formatCount(versions.damaged.length, 'version')} cannot be read, and left out. Run <code>npx modelkeep store check</code>.</p>`}`)}
${livePart('policy', 'Gates', policyOf(call, model))}
${rollbackForm(call, model)}
${livePart('history', 'History', eventsPage(call, 'History', history, { before, at: (older) => `${links.to('model', { name, after, before: older })}#history` }))}`;
  return { title: name, trail: [{ title: 'Models', href: links.to('models') }], body, live: links.to('live', { of: 'model', name }) };
}

function overview(call: UiCall, { name, description, owner, production, staging, aliases, tags, createdAt }: ModelInfo): ReturnType<typeof html> {
  return liveLead(html`${description !== undefined && html`<p dir="auto">${description}</p>`}${facts([
    ['Production', versionCell(call, name, production)],
    ['Staging', versionCell(call, name, staging)],
    ['Aliases', Object.keys(aliases).length === 0 ? undefined : Object.entries(aliases).map(([alias, version]) => html`<bdi>${alias}</bdi> ${versionCell(call, name, version)} `)],
    ['Owner', owner && html`<bdi>${owner}</bdi>`],
    ['Tags', Object.keys(tags).length === 0 ? undefined : Object.entries(tags).map(([tag, value]) => html`<bdi>${tag}: ${value}</bdi> `)],
    ['Created', call.formats.time(createdAt)],
  ])}`);
}

function policyOf({ formats }: UiCall, { policy }: ModelInfo): ReturnType<typeof html> {
  const rows = Object.entries(policy).flatMap(([stage, gates]) => (gates ?? []).map(({ gate, ...wanted }) => [state(stage), gate, wantedOf(wanted, formats.value)]));
  return table({ caption: 'Gates before the stages', columns: [{ head: 'Before' }, { head: 'Gate' }, { head: 'What it asks for' }], rows, empty: 'Nothing is asked of a version before it is promoted. registry.setPolicy() changes that.' });
}

/** What a gate asks for. */
function wantedOf(wanted: Readonly<Record<string, unknown>>, value: (value: unknown) => string): Cell {
  const { line, others } = factLine(wanted, value);
  return others.length === 0 ? html`<span class="prose">${Object.keys(wanted).length === 0 ? '–' : line}</span>` : html`<code><bdi>${value(wanted)}</bdi></code>`;
}

function versionCell({ links }: UiCall, model: string, version: number | undefined): Cell {
  return version === undefined ? '–' : link(links.to('version', { model, version }), `@${version}`);
}

/** The metrics that most versions have. */
function metricNames(versions: readonly ModelVersion[]): readonly string[] {
  const counts = new Map<string, number>();
  for (const { metrics } of versions) for (const name of Object.keys(metrics)) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1)).slice(0, 5).map(([name]) => name);
}
