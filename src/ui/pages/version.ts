import { escapeSegment } from '../../core/key.ts';
import { html, type Html } from '../../report/markup/html.ts';
import type { Evaluation } from '../../registry/evaluation.ts';
import type { GateReport } from '../../registry/gate-report.ts';
import type { ModelVersion } from '../../registry/model-version.ts';
import type { UiCall, UiPage } from '../call.ts';
import { digest as digestText, facts, link, liveLead, livePart, nameText, prose, state, table } from '../page/table.ts';
import { promoteForm } from './change-forms.ts';
import { newestTable, pageLinks } from './events.ts';
import { lineagePart } from './lineage.ts';
import { versionNumber } from './version-number.ts';

const mostFiles = 500;
/** Events of the model that are looked at for those of a version. */
const mostLookedAt = 500;

/** A version of a model: where it stands, what it is made of and where it came from. */
export async function versionPage(call: UiCall): Promise<UiPage> {
  const { store, query, links, signal } = call;
  const model = query.required('model');
  const number = versionNumber(query.required('version'));
  const before = query.number('before');
  const ref = `${model}@${number}`;
  const version = await store.registry.getVersion(ref, { signal });
  // Gates may read all files and call functions, so they are asked only for who wants to know.
  const wanted = query.text('gates') === undefined ? undefined : query.choice('gates', ['production', 'staging']);
  const [evaluations, approvals, signatures, history, lineage, gates] = await Promise.all([
    store.registry.evaluations(ref, { signal }),
    store.registry.approvals(ref, { signal }),
    store.registry.signatures(ref, { signal }),
    store.histories.of(`registry/models/${escapeSegment(model)}`).page({ limit: mostLookedAt, before, signal }),
    store.registry.lineage(ref, { signal }),
    wanted === undefined ? undefined : store.registry.checkGates(ref, wanted, { signal }),
  ]);
  const own = history.events.filter(({ data }) => (data as { readonly version?: unknown }).version === number);
  const place = { before, at: (older?: number) => `${links.to('version', { model, version: number, before: older })}#history` };
  const { formats } = call;
  const body = html`${overview(call, version)}
${livePart('gates', 'Gates', gatesPart(call, version, gates))}
${promoteForm(call, version)}
${livePart('metrics', 'Metrics', measured(call, version, evaluations))}
${livePart('approvals', 'Approvals and signatures', html`${table({ caption: 'Approvals', columns: [{ head: 'When' }, { head: 'Who' }, { head: 'Why' }], rows: approvals.map(({ at, by, reason }) => [formats.time(at), nameText(by), prose(reason)]), empty: 'Nobody has approved it.' })}
<p>${signatures.length === 0 ? 'It is not signed.' : `It has ${formats.count(signatures.length)} signatures; verify them with registry.verify(), which takes the public key.`}</p>`)}
${livePart('files', 'Files', filesOf(call, version))}
${lineagePart(call, lineage)}
${livePart('history', 'History', html`${history.events.length < history.total && html`<p class="muted">What happened to it among ${before === undefined ? 'the newest' : 'older'} ${formats.count(history.events.length)} of ${formats.count(history.total)} events of the model.</p>`}${newestTable(call, 'History of this version', own, history.events.length < history.total ? 'None of these.' : undefined)}${pageLinks(history, place)}`)}`;
  return { title: `${model}@${number}`, trail: [{ title: 'Models', href: links.to('models') }, { title: model, href: links.to('model', { name: model }) }], body, live: links.to('live', { of: 'model', name: model }) };
}

function overview({ links, formats }: UiCall, version: ModelVersion): Html {
  const { stage, aliases, retired, description, run, pipelineRun, dataset, features, flavor, framework, licence, createdBy, createdAt, digest, size, tags } = version;
  return liveLead(html`${description !== undefined && html`<p dir="auto">${description}</p>`}${facts([
    ['Stage', html`${state(stage)}${retired && html` ${state('retired')}`}`],
    ['Aliases', aliases.length === 0 ? undefined : html`<bdi>${aliases.join(', ')}</bdi>`],
    ['Registered', formats.time(createdAt)],
    ['By', createdBy && html`<bdi>${createdBy}</bdi>`],
    ['Run', run && link(links.to('run', { id: run }), run)],
    ['Pipeline run', pipelineRun && link(links.to('pipeline-run', { id: pipelineRun }), pipelineRun)],
    ['Dataset', dataset && html`<bdi>${dataset.name ?? ''}</bdi> <code title="${dataset.digest}">${dataset.digest.slice(7, 19)}</code>`],
    ['Features', features && html`<bdi>${features.service}@${features.version}</bdi>`],
    ['Form', [flavor, framework && `${framework.name}${framework.version === undefined ? '' : ` ${framework.version}`}`].filter(Boolean).join(', ') || undefined],
    ['Licence', licence],
    ['Size', formats.bytes(size)],
    ['Digest', digestText(digest)],
    ['Tags', Object.keys(tags).length === 0 ? undefined : Object.entries(tags).map(([name, value]) => html`<bdi>${name}: ${value}</bdi> `)],
  ])}`);
}

function gatesPart({ links }: UiCall, { model, version }: ModelVersion, report: GateReport | undefined): Html {
  const ask = (['production', 'staging'] as const).map((stage) => html`<a class="button" href="${links.to('version', { model, version, gates: stage })}#gates">Ask the gates before ${stage}</a> `);
  if (report === undefined) return html`<p class="actions">${ask}</p>`;
  const rows = report.gates.map(({ name, passed, reason }) => [nameText(name), state(passed ? 'passed' : 'refused'), prose(reason)]);
  return html`<p>Before ${report.stage}: ${state(report.passed ? 'passed' : 'refused')}</p>${table({ caption: `Gates before ${report.stage}`, columns: [{ head: 'Gate' }, { head: 'Verdict' }, { head: 'Why' }], rows, empty: 'There are no gates before this stage.' })}<p class="actions">${ask}</p>`;
}

function measured({ formats }: UiCall, { metrics, dataset, createdAt }: ModelVersion, evaluations: readonly Evaluation[]): Html {
  const own = Object.entries(metrics).map(([name, value]) => ({ name, value, on: dataset?.name ?? dataset?.digest.slice(7, 19), by: 'its author', at: createdAt }));
  const others = evaluations.flatMap((each) => Object.entries(each.metrics).map(([name, value]) => ({ name, value, on: each.dataset.name ?? each.dataset.digest.slice(7, 19), by: each.by ?? '–', at: each.at })));
  const rows = [...own, ...others].map(({ name, value, on, by, at }) => [nameText(name), formats.number(value), nameText(on ?? '–'), nameText(by), formats.time(at)]);
  return table({ caption: 'What was measured', columns: [{ head: 'Metric' }, { head: 'Value', numeric: true }, { head: 'On' }, { head: 'By' }, { head: 'When' }], rows, empty: 'Nothing was measured.' });
}

function filesOf({ formats }: UiCall, { files }: ModelVersion): Html {
  const rows = files.slice(0, mostFiles).map(({ path, size, digest }) => [nameText(path), formats.bytes(size), html`<code title="${digest}">${digest.slice(7, 19)}</code>`]);
  return html`${files.length > mostFiles && html`<p class="muted">Showing ${formats.count(mostFiles)} of ${formats.count(files.length)} files.</p>`}${table({ caption: 'Files', columns: [{ head: 'Path' }, { head: 'Size', numeric: true }, { head: 'SHA-256' }], rows })}`;
}
